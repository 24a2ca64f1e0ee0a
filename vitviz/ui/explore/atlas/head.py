"""One head over all photos: how its number is spread, where it looks on average, and which classes raise it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.capture.edit import NO_EDIT
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.paint import paint_map, with_interval
from vitviz.figures.photo_spread import Mark, intervals_chart, spread_chart
from vitviz.figures.scale import Scale
from vitviz.figures.theme import NEUTRAL
from vitviz.numbers import amount, in_unit, percent
from vitviz.ui.explore.atlas.chosen import Chosen
from vitviz.ui.explore.atlas.lesson import kind_words
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import cache
from vitviz.ui.reader import photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import CLASS, _, pgettext

_SIDE = 224
_CLASSES = 6
_FEWEST = 5
"""Photos that a class must have to be ranked: an interval of fewer says next to nothing."""


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """The classes of a head's number, the smallest mean first."""

    labels: tuple[str, ...]
    mean: NDArray[np.float64]
    half: NDArray[np.float64]

    def apart(self, mean: float) -> int:
        """Return how many classes have intervals that do not hold the mean of all photos."""
        return int((np.abs(self.mean - mean) > self.half).sum())


def draw(scene: Scene, shown: Chosen) -> None:
    """Draw what the chosen head is, where it looks on average and how its number is spread over the photos."""
    _tell(shown)
    looks, spread = st.columns([4, 5], gap="medium")
    with looks:
        _draw_map(shown)
    with spread:
        _draw_spread(scene, shown)


def _tell(shown: Chosen) -> None:
    summary, at = shown.summary, shown.head
    kind = kind_words()[str(shown.kinds[at])][0]
    unit = shown.words[1]
    numbers = [float(in_unit(np.nan_to_num(values[at]), unit)) for values in (summary.mean, summary.half)]
    st.markdown(
        _("**{head}** is **{kind}**: {mean}, and from photo to photo ± {spread}.").format(
            head=shown.head_name,
            kind=kind,
            mean=" ± ".join(with_interval(*numbers)) + (unit if unit == "%" else f" {unit}"),
            spread=amount(float(np.nan_to_num(summary.deviation[at])), unit if unit == "%" else ""),
        )
        + (" " + _("No head differs more from photo to photo.") if shown.is_default_head else "")
    )


def _draw_spread(scene: Scene, shown: Chosen) -> None:
    """Draw how the number is spread, with the photo of the sidebar in it where the model is the same."""
    st.markdown("**" + _("How it varies over the photos") + "**")
    unit, at = shown.words[1], shown.head
    spread = shown.atlas.histogram(shown.statistic)
    own = value_of(scene, shown)
    marks = [] if own is None else [Mark(photos.title(scene.photo_name), float(in_unit(own, unit)))]
    figure = spread_chart(
        spread.counts[at],
        in_unit(spread.edges, unit),
        x_title=shown.axis,
        y_title=_("Photos (share by area)"),
        marks=marks,
        height=_SIDE,
    )
    chart(figure, key="atlas_spread")
    if own is None:
        st.caption(_("This is an atlas of another model than the sidebar's, so the photo beside it has no place here."))
    else:
        st.caption(
            _("Orange: the photo of the sidebar, {value}. {share} of the photos have less.").format(
                value=amount(own, unit), share=percent(_below(spread.counts[at], spread.edges, own))
            )
        )


def value_of(scene: Scene, shown: Chosen) -> float | None:
    """Return the number of the sidebar's photo; None if another model is chosen there, or if it has none."""
    if not is_same_model(scene, shown) or shown.statistic == "box_share":
        return None
    table = cache.statistics(scene.model_key, scene.photo.digest, NO_EDIT, scene.original).table(shown.statistic)
    value = float(table[shown.head])
    return None if np.isnan(value) else value


def is_same_model(scene: Scene, shown: Chosen) -> bool:
    """Return whether the sidebar's model is the one that the atlas was made with."""
    told, vit = shown.atlas.settings["model"], scene.vit
    return (told["name"], told["weights"], tuple(told["image_size"])) == (vit.name, vit.weights, tuple(vit.image_size))


def _below(counts: NDArray[np.int64], edges: NDArray[np.float64], value: float) -> float:
    """Return about which part of the photos lies below a value: to a bin, within it by its width."""
    inside = np.clip((value - edges[:-1]) / np.diff(edges), 0, 1)
    return float((counts * inside).sum() / max(1, counts.sum()))


def mean_map(shown: Chosen) -> NDArray[np.float64]:
    """Return where the head looks on average, (rows, columns)."""
    values: NDArray[np.float64] = shown.atlas.mean_map("attention")[shown.head]
    return values


def map_scale(shown: Chosen) -> Scale:
    """Return the colours of the mean map: from nothing to its largest share, with the even share of all tokens."""
    return Scale(0.0, float(mean_map(shown).max()), 1 / shown.atlas.layout.grid.tokens)


def _draw_map(shown: Chosen) -> None:
    """Draw where the head looks on average."""
    st.markdown("**" + _("Where it looks on average") + "**")
    values, scale = mean_map(shown), map_scale(shown)
    rows, columns = values.shape
    picture = paint_map(values, scale, height=_SIDE * 2, width=round(_SIDE * 2 * columns / rows))
    query = _("the class token") if shown.atlas.layout.query == "class" else _("a patch")
    st.image(
        picture,
        width="stretch",
        output_format="PNG",
        alt=_("Mean attention map of head {head}").format(head=shown.head_name),
    )
    st.html(colour_bar(scale))
    st.caption(
        _(
            "Where {query} looks in this head, mean over the photos. What the photos show averages out; a place that "
            "stays bright is liked whatever is there."
        ).format(query=query)
    )


def class_means(shown: Chosen) -> ClassMeans:
    """Return the means of the classes that have enough photos."""
    atlas = shown.atlas
    known = [
        (label, summary)
        for label, summary in atlas.by_class(shown.statistic).items()
        if summary.count[shown.head] >= _FEWEST
    ]
    mean = np.array([summary.mean[shown.head] for _label, summary in known])
    half = np.array([summary.half[shown.head] for _label, summary in known])
    order = np.argsort(mean, kind="stable")
    return ClassMeans(tuple(known[place][0] for place in order), mean[order], half[order])


def draw_classes(shown: Chosen) -> None:
    """Draw the classes with the largest and the smallest means, with their intervals."""
    st.subheader(_("Which classes raise it?"), anchor=False)
    classes = class_means(shown)
    count = len(classes.labels)
    if count < 2:
        st.caption(
            _("The classes of these photos are not known, or have fewer than {count} photos each.").format(
                count=_FEWEST
            )
        )
        return
    mean = float(shown.summary.mean[shown.head])
    chosen = [*range(count - 1, max(count - 1 - _CLASSES, -1), -1)]
    chosen += [place for place in range(min(_CLASSES, count) - 1, -1, -1) if place not in chosen]
    figure = intervals_chart(
        [pgettext(CLASS, classes.labels[place]) for place in chosen],
        in_unit(classes.mean[chosen], shown.words[1]),
        in_unit(classes.half[chosen], shown.words[1]),
        x_title=shown.axis,
        reference=Mark(_("all photos"), float(in_unit(mean, shown.words[1])), NEUTRAL),
    )
    chart(figure, key="atlas_classes")
    st.caption(
        _(
            "The {some} highest and lowest of {count} classes, each with the 95% interval of its mean. {apart} of "
            "them lie apart from the mean of all photos; by chance alone about {chance:.0f} would."
        ).format(some=len(chosen), count=count, apart=classes.apart(mean), chance=0.05 * count)
    )
