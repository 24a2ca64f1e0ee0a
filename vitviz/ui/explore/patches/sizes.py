"""Patch sizes: the same weights with smaller and larger patches, what they cost and what they answer."""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st
from PIL import Image

from vitviz.analysis.patch_size import SIZES, PatchSizeAnswer, covered, patch_sizes, why_not_resizable
from vitviz.figures.image_files import png_bytes
from vitviz.figures.overlay import draw_grid
from vitviz.numbers import percent
from vitviz.ui.choices.patches import PATCH_SIZES, SIZE_SEPARATOR, sizes_of
from vitviz.ui.kept.jobs import JobView
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import MOST_TOKENS, Scene
from vitviz.ui.text import _, gap, plain
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.errors import clause
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork, previewed

FIRST = (7, 14, 16, 28, 32)
_PICTURE = 128


def bearable(scene: Scene) -> list[int]:
    """Return the patch sizes to choose from: those that fit the picture and give no more tokens than can be borne."""
    own = scene.vit.grid.patch_size[0]
    prefix = len(scene.vit.grid.prefix)
    sizes = []
    for size in sorted({*SIZES, own, *sizes_of(link.get(PATCH_SIZES))}):
        height, width = covered(scene.vit.image_size, size)
        fits = size <= min(scene.vit.image_size)
        if fits and prefix + height * width // size**2 <= MOST_TOKENS:
            sizes.append(size)
    return sizes


def chosen(scene: Scene) -> list[int]:
    """Return the patch sizes that are compared; by default a few from small to large and the model's own."""
    possible = bearable(scene)
    wanted = sizes_of(link.get(PATCH_SIZES)) or [*FIRST, scene.vit.grid.patch_size[0]]
    return sorted({size for size in wanted if size in possible})


def _work(scene: Scene) -> LongWork[tuple[PatchSizeAnswer, ...]]:
    """Return what measures the table."""
    vit, image, sizes = scene.vit, scene.photo.image, chosen(scene)
    return LongWork(
        ("patch sizes", scene.model_key, scene.photo.digest, tuple(sizes)),
        lambda report: patch_sizes(vit, image, sizes=sizes, **previewed(report)),
    )


def draw(scene: Scene) -> tuple[PatchSizeAnswer, ...] | None:
    """Draw the table or the button that measures it; return the answers if they are there."""
    st.subheader(_("What if the patches were smaller or larger?"), anchor=False)
    reason = why_not_resizable(scene.vit)
    if reason is not None:
        st.info(
            _("Not for this model: {reason}. Its patches cannot be resized.").format(reason=plain(clause(reason))),
            icon=":material/block:",
        )
        return None
    st.markdown(
        _(
            "The same weights, with the patch embedding resized so that an enlarged patch gives the token that it gave "
            "before (FlexiViT's pseudo-inverse), and positions interpolated. Only FlexiViTs were trained for that."
        )
    )
    _choose(scene)
    if not chosen(scene):
        st.caption(_("Choose at least one patch size."))
        return None
    work = _work(scene)

    def preview(view: JobView | None) -> None:
        if view is not None and view.result:
            _table(scene, view.result)

    controls.ask([work], _("Run the model at these patch sizes"), name="sizes", draw=preview)
    answers: tuple[PatchSizeAnswer, ...] | None = long_work.result(work.key)
    if answers is not None:
        _table(scene, answers)
    return answers


def _choose(scene: Scene) -> None:
    name = "patch_size_list"
    st.session_state[name] = chosen(scene)

    def keep() -> None:
        link.put(PATCH_SIZES.at(SIZE_SEPARATOR.join(map(str, sorted(st.session_state[name])))))

    asked = sizes_of(link.get(PATCH_SIZES))
    left_out = [size for size in asked if size not in bearable(scene)]
    st.multiselect(
        _("Patch sizes in pixels"),
        bearable(scene),
        placeholder=_("Choose one or more"),
        key=name,
        on_change=keep,
        help=_("Half the side is four times the tokens: small patches take seconds."),
    )
    if left_out:
        st.warning(
            _("Left out: {sizes} px, which does not fit this picture or gives more than {most} tokens.").format(
                sizes=", ".join(map(str, left_out)), most=MOST_TOKENS
            ),
            icon=":material/info:",
        )


def _table(scene: Scene, answers: tuple[PatchSizeAnswer, ...]) -> None:
    columns = {
        _("Grid"): [_picture(scene, answer) for answer in answers],
        _("Patch"): [_patch(answer) for answer in answers],
        _("Patches"): [f"{answer.grid.rows} × {answer.grid.columns}" for answer in answers],
        _("Tokens"): [answer.tokens for answer in answers],
        _("GMACs"): [answer.macs / 1e9 for answer in answers],
        _("Seconds"): [answer.seconds for answer in answers],
        _("Answer"): [_answer(scene, answer) for answer in answers],
        _("Cosine"): [answer.cosine for answer in answers],
    }
    st.dataframe(
        columns,
        hide_index=True,
        row_height=72,
        column_config={
            _("Grid"): st.column_config.ImageColumn(width="small"),
            _("GMACs"): st.column_config.NumberColumn(format="%.2f"),
            _("Seconds"): st.column_config.NumberColumn(format="%.2f"),
            _("Cosine"): st.column_config.NumberColumn(
                format="%.3f", help=_("Of the embedding to the one at the model's own patch size.")
            ),
        },
        alt=_("One row a patch size: tokens, operations, seconds and the answer"),
    )
    st.caption(_in_words(scene, answers))


def _patch(answer: PatchSizeAnswer) -> str:
    return f"{answer.patch_size} px" + (_(" (own)") if answer.native else "")


def _answer(scene: Scene, answer: PatchSizeAnswer) -> str:
    if not answer.top:
        return "–"
    best, share = answer.top[0]
    return f"{class_name(scene.vit, best)} {percent(share)}"


def _picture(scene: Scene, answer: PatchSizeAnswer) -> str:
    """Return the photo with the grid of a patch size over it, as a data URL."""
    height, width = scene.picture.shape[:2]
    shape = (round(_PICTURE * width / max(height, width)), round(_PICTURE * height / max(height, width)))
    small = np.asarray(Image.fromarray(scene.picture).resize(shape))
    lined = draw_grid(small, answer.grid.rows, answer.grid.columns)
    return "data:image/png;base64," + base64.b64encode(png_bytes(lined)).decode()


def _in_words(scene: Scene, answers: tuple[PatchSizeAnswer, ...]) -> str:
    words = _("GMACs: billions of multiply–accumulate operations, counted exactly. Seconds: this machine, this run.")
    moved = [answer for answer in answers if answer.adjusted]
    if not moved:
        return words
    sizes = ", ".join(f"{answer.patch_size} px → {answer.image_size[0]} × {answer.image_size[1]}" for answer in moved)
    told = _(
        "{height} × {width} pixels are no whole number of these patches, so the photo was prepared at the "
        "nearest size: {sizes}."
    ).format(height=scene.vit.image_size[0], width=scene.vit.image_size[1], sizes=sizes)
    return words + gap() + told
