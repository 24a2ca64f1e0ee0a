"""What part of the photo the model sees, framed on the photo and in words, and the choice of another way."""

from __future__ import annotations

import streamlit as st

from vitviz.figures.framed import framed
from vitviz.figures.image_files import jpeg_bytes
from vitviz.images.seen_part import SeenPart
from vitviz.numbers import percent
from vitviz.ui.choices.photo import CROP, GRID, PAD, SQUASH, TRAINED
from vitviz.ui.kept import cache
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_WAYS = (TRAINED, "moved", PAD, SQUASH, GRID)
_LARGE = 640
"""Longest side in pixels of the photo with its frame."""


def draw(scene: Scene) -> None:
    """Draw a button that tells how much of the photo is seen, and behind it the frame and the choice.

    Where the photo is seen as it is and nothing was chosen there is nothing to tell.
    """
    part = scene.part
    if link.get(CROP) == TRAINED and (part is None or part.is_plain):
        return
    with st.popover(_button(part), icon=":material/crop:", type="tertiary", key="framing"):
        if part is not None:
            st.image(picture(scene, _LARGE), width="stretch", alt=told(part))
            st.caption(told(part))
        if link.get(CROP) != TRAINED or part is None or not part.is_in_shape:
            _choose(scene)


def _button(part: SeenPart | None) -> str:
    if part is None:
        return _("How the photo is cropped")
    share = (
        _("Sees all of the photo")
        if part.is_whole
        else _("Sees {share} of the photo").format(share=percent(part.share))
    )
    return share + (_(", enlarged {times:.1f} times").format(times=part.enlarged) if part.is_enlarged else "")


def told(part: SeenPart) -> str:
    """Return in words what is seen of a photo and what is left out."""
    names = (_("on the left"), _("at the top"), _("on the right"), _("at the bottom"))
    sides = zip(names, part.left_out, strict=True)
    if part.is_whole:
        sentences = [_("The model sees all of the photo.")]
    else:
        out = _(", ").join(f"{percent(share)} {name}" for name, share in sides if share >= 0.003)
        sentences = [
            _("The model sees {share} of the photo; left out: {sides}.").format(share=percent(part.share), sides=out)
        ]
    if part.bars >= 0.005:
        sentences.append(_("{share} of what it gets are bars.").format(share=percent(part.bars)))
    if part.stretch < 0.98:
        sentences.append(_("It is squashed to {share} of its width.").format(share=percent(part.stretch)))
    if part.stretch > 1.02:
        sentences.append(_("It is squashed to {share} of its height.").format(share=percent(1 / part.stretch)))
    if part.is_enlarged:
        blurred = _("It has few pixels: enlarged {times:.1f} times, it is blurred.").format(times=part.enlarged)
        sentences.append(blurred)
    return " ".join(sentences)


def picture(scene: Scene, side: int) -> bytes:
    """Return the photo as JPEG with the part framed that is seen, and the query patch where there is one."""
    return _picture(scene.model_key, scene.photo.digest, scene.patch, side, scene)


@st.cache_resource(max_entries=64, show_spinner=False)
def _picture(model_key: str, digest: str, patch: int | None, side: int, _scene: Scene) -> bytes:
    part, grid = _scene.part, _scene.trace.grid
    assert part is not None  # else there is no frame to ask for
    cell = None if patch is None else grid.position(patch)
    photo = cache.small(digest, _LARGE, _scene.photo)
    return jpeg_bytes(framed(photo, part.box, side=side, cell=cell, grid=grid, inside=part.inside))


def _choose(scene: Scene) -> None:
    crop = link.get(CROP)
    key = "crop_way"
    words = {
        TRAINED: _("As the model was trained"),
        "moved": _("Move the crop"),
        PAD: _("All of it, with bars"),
        SQUASH: _("All of it, squashed"),
        GRID: _("A patch grid in the photo's shape"),
    }

    def keep(way: str) -> None:
        link.put(CROP.at("0.50" if way == "moved" else way))

    st.radio(
        _("The photo has another shape than the model's input"),
        _WAYS,
        format_func=words.__getitem__,
        key=key,
        on_change=link.tie(key, crop if crop in _WAYS else "moved", keep),
        help=_(
            "The model's own resizing follows each of them. Bars and squashed photos are not what it was trained on; "
            "another grid interpolates its positions."
        ),
    )
    if crop not in _WAYS:
        _draw_place(scene, float(crop))


def _draw_place(scene: Scene, place: float) -> None:
    """Draw where along the long side the crop lies."""
    wide = scene.photo.image.width * scene.vit.image_size[0] >= scene.photo.image.height * scene.vit.image_size[1]
    st.session_state["crop_place"] = place
    st.slider(
        _("Where, from left to right") if wide else _("Where, from top to bottom"),
        0.0,
        1.0,
        step=0.05,
        format="percent",
        key="crop_place",
        on_change=lambda: link.put(CROP.at(f"{st.session_state['crop_place']:.2f}")),
    )


def caption(scene: Scene) -> str:
    """Return what of the photo is seen, for the caption of a picture; nothing where it is all of it as it is."""
    return "" if scene.part is None or scene.part.is_plain else told(scene.part)


def short(scene: Scene) -> str:
    """Return in a few words what of the photo is seen, where it is not seen as it is."""
    part = scene.part
    if part is None or part.is_plain:
        return ""
    if part.share < 0.97:
        places = ((part.box[0] + part.box[2]) / 2, (part.box[1] + part.box[3]) / 2)
        return _("{share} of it round ({across}, {down})").format(
            share=percent(part.share), across=percent(places[0]), down=percent(places[1])
        )
    if part.bars >= 0.005:
        return _("with bars")
    if abs(part.stretch - 1) >= 0.02:
        return _("squashed")
    return _("enlarged {times:.1f} times").format(times=part.enlarged) if part.is_enlarged else ""


def title(scene: Scene) -> str:
    """Return the photo's title with how much of it is seen, for screen readers."""
    name = photos.title(scene.photo_name)
    return f"{name}. {told(scene.part)}" if scene.part is not None and not scene.part.is_plain else name
