"""The photos that drive a head most and least: thumbnails where they can be read, and doors to the photo's own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from vitviz.atlas import PhotoValue
from vitviz.errors import VitvizError
from vitviz.examples import examples
from vitviz.images import Photo
from vitviz.models.shipped import MODELS
from vitviz.numbers import amount, in_unit
from vitviz.ui.choices.atlas import ATLAS_DOOR
from vitviz.ui.choices.shared import EXAMPLE, HEAD, LAYER, MODEL, WEIGHTS
from vitviz.ui.components.photo_picker import Tile, photo_picker, thumbnail
from vitviz.ui.explore.atlas.chosen import Chosen
from vitviz.ui.explore.atlas.head import is_same_model
from vitviz.ui.furniture import tables
from vitviz.ui.kept import atlases
from vitviz.ui.navigation import entry
from vitviz.ui.reader import link, own_photos
from vitviz.ui.reader.photos import opened
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import CLASS, _, pgettext, plain

_OPEN = "vitviz_open_photo"
EXAMPLES = "examples"
"""The atlas of the example photos."""


@dataclass(frozen=True, eq=False)
class ShownPhoto:
    """A photo with its number."""

    title: str
    value: float
    photo: Photo
    example: str = ""
    """Its id if it is an example."""
    line: int = 0
    """Where it stands in the atlas's list if it is not."""


def wants_to_open() -> bool:
    """Return whether a photo was picked since the last run, once."""
    return bool(st.session_state.pop(_OPEN, False))


def draw(scene: Scene, shown: Chosen) -> None:
    """Draw the photos at both ends of the chosen head's number, and the example photos, which can always be seen."""
    st.subheader(_("Which photos drive {head} most and least?").format(head=shown.head_name), anchor=False)
    ends = {
        "most": (_("most"), shown.atlas.extremes(shown.statistic, shown.head)),
        "least": (_("least"), shown.atlas.extremes(shown.statistic, shown.head, largest=False)),
    }
    readable = {key: readable_photos(shown, values) for key, (_words, values) in ends.items()}
    seen = st.container()
    for (key, (words, values)), column in zip(ends.items(), st.columns(2, gap="large"), strict=True):
        with column:
            _end(scene, shown, key, words, values, readable[key])
    between = example_photos(shown)
    if between:
        with st.container() if any(readable.values()) else seen:
            _tiles(scene, shown, "atlas_examples", _("The example photos, most first"), between, columns=10)
    doors = {"attention": entry("attention").title, "heads": entry("heads").title}
    st.segmented_control(
        _("A photo opens"), list(doors), format_func=doors.__getitem__, required=True, **link.widget(ATLAS_DOOR)
    )


def door() -> str:
    """Return the file of the page on which a picked photo opens."""
    return f"../../pages/{link.get(ATLAS_DOOR)}.py"


def _end(
    scene: Scene, shown: Chosen, key: str, words: str, values: tuple[PhotoValue, ...], readable: list[ShownPhoto]
) -> None:
    label = _("Ten photos with {end}").format(end=words)
    if readable:
        _tiles(scene, shown, f"atlas_{key}", label, readable)
    else:
        st.markdown(f"**{label}**")
    there = {photo.line for photo in readable}
    missing = tuple(value for value in values if value.line not in there)
    if missing and readable:
        st.caption(_("Not readable any more, or not as they were measured:"))
    if missing:
        _listed(shown, missing)


def _listed(shown: Chosen, values: tuple[PhotoValue, ...]) -> None:
    """List photos by their paths."""
    labels = {line: shown.atlas.entries[line].label for line in (value.line for value in values)}
    tables.draw(
        {
            _("Photo"): [value.name for value in values],
            _("Class"): [pgettext(CLASS, labels[value.line]) if labels[value.line] else "–" for value in values],
            shown.axis: [float(in_unit(value.value, shown.words[1])) for value in values],
        },
        alt=_("Photos, their classes and their numbers"),
    )


def readable_photos(shown: Chosen, values: Sequence[PhotoValue]) -> list[ShownPhoto]:
    """Return the photos that can be read from the atlas's source; none where it is not here."""
    known = {example.file: example for example in examples()} if shown.name == EXAMPLES else {}
    listed = []
    for value in values:
        try:
            photo = atlases.photo(shown.name, value.line)
        except VitvizError:
            continue
        example = known.get(value.name)
        title = value.name if example is None else _(example.title)
        listed.append(ShownPhoto(title, value.value, photo, "" if example is None else example.id, value.line))
    return listed


def example_photos(shown: Chosen) -> list[ShownPhoto]:
    """Return the example photos with their numbers, the largest first; none for an atlas of another model."""
    if shown.name == EXAMPLES or EXAMPLES not in atlases.folders():
        return []
    try:
        atlas = atlases.get(EXAMPLES)
    except VitvizError:
        return []
    same = atlas.settings["model"]["digest"] == shown.atlas.settings["model"]["digest"]
    if not same or shown.statistic not in atlas.statistics:
        return []
    sample = atlas.sample(shown.statistic)
    values = dict(zip(sample.names, sample.values[(slice(None), *shown.head)].tolist(), strict=True))
    known = [photo for photo in examples() if not np.isnan(values.get(photo.file, np.nan))]
    return [
        ShownPhoto(_(photo.title), values[photo.file], opened(photo.id), photo.id)
        for photo in sorted(known, key=lambda photo: -values[photo.file])
    ]


def _tiles(scene: Scene, shown: Chosen, key: str, label: str, listed: list[ShownPhoto], *, columns: int = 5) -> None:
    unit = shown.words[1]
    tiles = [
        Tile(str(place), photo.title, thumbnail(photo.photo.digest, photo.photo), amount(photo.value, unit))
        for place, photo in enumerate(listed)
    ]
    st.markdown(f"**{label}**")
    photo_picker(
        tiles,
        current="",
        label="",
        on_pick=lambda name: _pick(scene, shown, listed[int(name)]),
        key=key,
        columns=columns,
    )
    st.caption(
        _("From {first} ({most}) to {last} ({least}). Choosing one opens it with this head.").format(
            first=plain(listed[0].title),
            most=amount(listed[0].value, unit),
            last=plain(listed[-1].title),
            least=amount(listed[-1].value, unit),
        )
    )


def _pick(scene: Scene, shown: Chosen, photo: ShownPhoto) -> None:
    """Make a photo the sidebar's, with the atlas's model and head, and open its page.

    A model of somebody's own file has no name that a link could ask for: the sidebar's stays, and that is told.
    """
    name, weights = (str(shown.atlas.settings["model"][key]) for key in ("name", "weights"))
    if ", SHA-256 " in weights and name not in MODELS and not is_same_model(scene, shown):
        link.notice(
            _(
                "This atlas is of {model} ({weights}), which only “Your own model” opens; the photo is shown by "
                "{other}."
            ).format(model=name, weights=weights.partition(",")[0], other=scene.vit.name)
        )
    elif not is_same_model(scene, shown):
        link.put(MODEL.at(name), WEIGHTS.at("random" if weights.startswith("random") else "pretrained"))
    link.put(LAYER.at(shown.head[0]), HEAD.at(str(shown.head[1])))
    if photo.example:
        link.put(EXAMPLE.at(photo.example))
    else:
        own_photos.keep(shown.atlas.photo_bytes(photo.line))
    st.session_state[_OPEN] = True
