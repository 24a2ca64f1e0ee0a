"""What the Compare page draws: the two maps, their difference, both models' answers, and the files to take away."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.map_comparison import MapComparison
from vitviz.attribution import Method
from vitviz.figures.overlay import grey
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.numbers import Signed, percent
from vitviz.ui.choices.compare import AGAINST, SIDES_SCALE, UNIT
from vitviz.ui.choices.shared import OPACITY
from vitviz.ui.components.map_board import MapBoard
from vitviz.ui.explore.compare import pair, recipe
from vitviz.ui.explore.compare.sides import Side
from vitviz.ui.explore.evidence.maps import background
from vitviz.ui.furniture import offline, viewer
from vitviz.ui.furniture.panel import look, map_panel
from vitviz.ui.furniture.show import Export
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap, plain
from vitviz.ui.words.class_names import class_name

_DIFFERENCE = "PuOr"
_BLANK = 236
_ALIKE, _PARTLY = 0.8, 0.3
"""Rank correlations from which maps are called much alike, and alike in part."""


def panels(a: Side, b: Side, comparison: MapComparison) -> list[Panel]:
    """Return A, B and A − B: each map on its own scale or both on one, the difference about zero."""
    scales, apart = _scales(pair.method(), comparison)
    colouring = look(signed=pair.method().signed)
    maps = [
        Panel(
            label=f"{letter}: {side.title}",
            photo=background(side.scene, pair.method()),
            map=values,
            scale=scale,
            **colouring,
        )
        for letter, side, values, scale in zip("AB", (a, b), (comparison.first, comparison.second), scales, strict=True)
    ]
    return [*maps, _difference(a, b, comparison, apart, link.get(OPACITY))]


def _difference(a: Side, b: Side, comparison: MapComparison, scale: Scale, opacity: float) -> Panel:
    same = (a.scene.photo.digest, a.scene.part) == (b.scene.photo.digest, b.scene.part)
    photo = grey(a.scene.picture)
    if not same:  # two photos, or two parts of one, under one map would be the picture of neither
        photo, opacity = np.full_like(photo, _BLANK), 1.0
    return Panel(
        label="A − B", photo=photo, map=comparison.difference, scale=scale, palette=_DIFFERENCE, opacity=opacity
    )


def _scales(method: Method, comparison: MapComparison) -> tuple[list[Scale], Scale]:
    """Return the scales of A and B, one and the same if they share it, and that of their difference."""
    tops = [float(np.abs(values).max()) for values in (comparison.first, comparison.second)]
    if link.get(SIDES_SCALE) == "shared":
        tops = [max(tops)] * 2
    most = float(np.abs(comparison.difference).max()) or 1.0
    tops = [top or 1.0 for top in tops]
    shares = method.shares or link.get(UNIT) == "share"
    sides = [Scale(-top if method.signed else 0.0, top, signed=method.signed, shares=shares) for top in tops]
    return sides, Scale(-most, most, signed=True, shares=shares)


def draw(a: Side, b: Side, comparison: MapComparison, shown: list[Panel]) -> None:
    """Draw the three maps side by side and, under them, how far they agree."""
    words = [_told(side, values) for side, values in ((a, comparison.first), (b, comparison.second))]
    words.append(_("orange where A has more, purple where B has"))
    with st.container(key="sides"):
        for column, panel, said in zip(st.columns(3, gap="medium"), shown, words, strict=True):
            with column:
                map_panel(panel, alt=_in_words(panel))
                st.caption(said)
    if shown[0].scale != shown[1].scale:
        st.caption(_("A and B have different scales: read the numbers under them, not the brightness."))
    _agreement(comparison)


def _told(side: Side, values: NDArray[np.float64]) -> str:
    target = plain(side.aim.label)
    if not pair.method().targeted:
        target = _("the same for every answer")
    if not np.abs(values).max():
        return _("{target} · the map is zero everywhere").format(target=target)
    return target


def _in_words(panel: Panel) -> str:
    values = np.asarray(panel.map)
    rows, columns = values.shape
    row, column = np.unravel_index(int(np.abs(values).argmax()), values.shape)
    return _("{label}: largest in size in row {row}, column {column} of {rows} × {columns}").format(
        label=panel.label, row=row + 1, column=column + 1, rows=rows, columns=columns
    )


def _agreement(comparison: MapComparison) -> None:
    number, words = st.columns([1, 3], gap="medium", vertical_alignment="center")
    number.metric(
        _("Rank correlation of A and B"),
        "–" if np.isnan(comparison.correlation) else f"{Signed(comparison.correlation):+.2f}",
        help=_(
            "Spearman's: 1 if both maps put the patches in the same order, 0 if the orders have nothing in common, "
            "−1 if one is the other turned round. – if a map is flat."
        ),
    )
    words.markdown(reading(comparison.correlation, link.get(AGAINST)))
    if comparison.resampled:
        (down, across), (other_down, other_across) = comparison.grids
        words.caption(
            _("A has {a} patches and B has {b}: both are laid on {common} cells, the finer one by area.").format(
                a=f"{down} × {across}",
                b=f"{other_down} × {other_across}",
                common=f"{min(down, other_down)} × {min(across, other_across)}",
            )
        )
    if pair.method().pixelwise:
        words.caption(_("This method's maps have a value a pixel; here they are summed by patch."))


def reading(correlation: float, against: str) -> str:
    """Return what a rank correlation says: how far the orders agree, and what that means beside such a B."""
    if np.isnan(correlation):
        return _("A map without differences has no order to compare.")
    shown = round(correlation, 2)  # the number in the sentence decides, so that the two agree
    if shown >= _ALIKE:
        orders, place = _("Rank correlation {value:+.2f}: the orders are much alike."), 0
    elif shown >= _PARTLY:
        orders, place = _("Rank correlation {value:+.2f}: the orders agree in part."), 1
    elif shown > -_PARTLY:
        orders, place = _("Rank correlation {value:+.2f}: the orders have little in common."), 2
    else:
        orders, place = (
            _(
                "Rank correlation {value:+.2f}: the orders tend to be opposite, and what is high in one map is low in "
                "the other."
            ),
            2,
        )
    return orders.format(value=Signed(shown)) + gap() + _meanings()[against][place]


def _meanings() -> dict[str, tuple[str, str, str]]:
    """Return what maps much alike, alike in part and unlike mean, by what B is."""
    return {
        "random": (
            _("Much of this map comes from the photo and the architecture, not from what the model learned."),
            _("Part of this map comes from the photo and the architecture, and part from what the model learned."),
            _("The map changes with the weights, as a map of what the model learned must."),
        ),
        "class": (
            _("This map says little about *which* answer it explains."),
            _("Part of this map is the same for both answers, and part depends on the class."),
            _("The map depends on the class that it explains."),
        ),
        "photo": (
            _(
                "Either things lie in the same places in both photos, or the method marks those places whatever is "
                "there."
            ),
            _("Things that lie in the same places can do that, and so can a method with places that it prefers."),
            _("Two photos have different things in different places, so a low value is usual."),
        ),
        "model": (
            _("Both models rank the patches alike."),
            _("The models agree on some of the patches."),
            _("The models rank the patches differently: the map of one does not stand for the other."),
        ),
    }


def answers(a: Side, b: Side) -> None:
    """Draw the first answers of both sides, once where model and photo are the same."""
    shown = [a] if a.scene.original is b.scene.original else [a, b]
    for letter, column, side in zip("AB", st.columns(2, gap="large"), shown, strict=False):
        lines = [f"{class_name(side.scene.vit, index)} {percent(share)}" for index, share in side.scene.original.top(5)]
        column.markdown(_("**Answers of {letter}**").format(letter=letter))
        column.caption("  \n".join(map(plain, lines)) if lines else _("no classifier, so no answers"))


def export(now: Scene, a: Side, b: Side | None, comparison: MapComparison | None, shown: list[Panel]) -> Export:
    """Return the files of the comparison; of the photo alone while there is none."""
    title = viewer.titled(now, _("{method}: A against B").format(method=_(pair.method().label)))
    caption = viewer.caption(now)
    if comparison is not None and not np.isnan(comparison.correlation):
        caption = _("Rank correlation {value:+.2f}. {caption}").format(
            value=Signed(comparison.correlation), caption=caption
        )
    given = shown or [Panel(label=_("Photo"), photo=now.picture)]

    def png(**size: Unpack[PrintSize]) -> bytes:
        return print_figure(given, title=title, caption=caption, columns=len(given), **size)

    def arrays() -> dict[str, NDArray[Any]]:
        first: dict[str, NDArray[Any]] = {"picture": now.picture}
        if comparison is None:
            return first
        return first | {"map": comparison.difference, "first": comparison.first, "second": comparison.second}

    return Export(
        name="vitviz-compare",
        settings=recipe.recipe(now, a, b, comparison),
        png=png,
        arrays=arrays,
        html=offline.page(MapBoard(name=title, panels=given), title=title, caption=caption),
    )
