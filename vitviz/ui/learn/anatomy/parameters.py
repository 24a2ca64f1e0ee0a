"""Anatomy, parameters: where the trained numbers of the loaded model are, and what the formula says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import ArrayLike

from vitviz.figures.bars import answers_bar
from vitviz.labs.parameters import FORMULAS, PARTS, Dimensions, counted_parameters, dimensions_of, standard_parameters
from vitviz.models.vit import ViT
from vitviz.numbers import minus
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.furniture import guessing, lesson, sheet_figures, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.furniture.recipe import load_line
from vitviz.ui.learn.anatomy import guesses
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def draw(scene: Scene) -> Result | None:
    """Draw the shares, the table and the formula."""
    lesson.question(
        _("Where are the parameters?"),
        _(
            "The parts of the loaded model, counted one by one, beside the formula of the standard Vision Transformer. "
            "Where the two differ, the model has something that the standard one has not."
        ),
    )
    size = dimensions_of(scene.vit)
    counted = _counted(scene.model_key, scene.vit)
    if not guessing.guided(guesses.parameters(counted), figure=_sizes(size)):
        return None
    formula = standard_parameters(size)
    total, expected = sum(counted.values()), sum(formula.values())
    parts = [part for part in PARTS if counted[part] or formula.get(part)]
    left, right = st.columns([2, 3], gap="large")
    with left:
        for title, number in ((_("Counted"), total), (_("By the formula"), expected)):
            st.metric(title, f"{number:,}" if number < 1e9 else f"{number / 1e9:,.4g} G", help=f"{number:,}")
        st.caption(_difference(total - expected))
    with right:
        shares = np.array([counted[part] for part in parts]) / max(total, 1)
        order = np.argsort(-shares)
        chart(_shares_figure([parts[place] for place in order], shares[order]), key="anatomy_shares")
    _table(parts, counted, formula)
    _words(size)
    return _result(scene, counted, formula, size)


def _sizes(size: Dimensions) -> Callable[[], str]:
    """Return what draws the numbers of the formula as a table, for the sheet of a class."""
    named = {"P²C": size.patch_pixels, "D": size.width, "n": size.prefix, "N": size.patches, "T": size.depth}
    return partial(sheet_figures.numbers, named | {"F": size.hidden, "K": size.classes})


def _shares_figure(parts: list[str], shares: ArrayLike) -> go.Figure:
    """Return the share of all parameters that each part has, as bars."""
    title = _("Share of all parameters")
    return answers_bar([_names()[part] for part in parts], shares, x_title=title, labels=(title, ""))


@st.cache_data(max_entries=6, show_spinner=False)
def _counted(model_key: str, _vit: ViT) -> dict[str, int]:
    return counted_parameters(_vit.module)


def _names() -> dict[str, str]:
    return {
        "patch embedding": _("patch embedding"),
        "prefix tokens": _("prefix tokens"),
        "positions": _("positions"),
        "norms of the blocks": _("norms of the blocks"),
        "attention": _("attention"),
        "MLP": _("MLP"),
        "other parts of the blocks": _("other parts of the blocks"),
        "final norm": _("final norm"),
        "pooling": _("pooling"),
        "head": _("head"),
        "other": _("other"),
    }


def _difference(more: int) -> str:
    if not more:
        return _("The formula gives exactly what is there.")
    return _("The model has {count:,} {kind} than the formula; the table says where.").format(
        count=abs(more), kind=_("more") if more > 0 else _("fewer")
    )


def _table(parts: list[str], counted: dict[str, int], formula: dict[str, int]) -> None:
    tables.draw(
        {
            _("Part"): [_names()[part] for part in parts],
            _("Formula"): [FORMULAS.get(part, "–") for part in parts],
            _("By the formula"): [f"{formula.get(part, 0):,}" for part in parts],
            _("Counted"): [f"{counted[part]:,}" for part in parts],
            _("Difference"): [minus(f"{counted[part] - formula.get(part, 0):+,}") for part in parts],
        },
        alt=_("One row a part of the model"),
    )
    st.caption(
        _(
            "Usual differences: layer scale and norms of queries and keys (more), registers, rotary positions instead "
            "of a table (fewer), a gated MLP, norms of RMS type without a bias."
        )
    )


def _words(size: Dimensions) -> None:
    lesson.formula(
        r"P^2C\,D + D + nD + (N+n)D + T\,(4D^2 + 2DF + F + 9D) + 2D + DK + K",
        {
            "P^2C": str(size.patch_pixels),
            "D": _("width, {number}").format(number=size.width),
            "n": _("prefix tokens, {number}").format(number=size.prefix),
            "N": _("patches, {number}").format(number=size.patches),
            "T": _("blocks, {number}").format(number=size.depth),
            "F": _("hidden channels of the MLP, {number}").format(number=size.hidden),
            "K": _("classes, {number}").format(number=size.classes),
        },
    )
    lesson.try_next(
        [
            _("Load timm:vit_base_patch16_224 with random weights: 86,567,656, by both ways of counting."),
            _("Load timm:vit_small_patch14_reg4_dinov2 with random weights: where are its additional parameters?"),
            (_("What grows with depth, width and picture?"), "anatomy", {"anatomy": choices.SCALING}),
        ]
    )
    lesson.caveat(
        _(
            "Parameters are memory, not work: the same ViT needs at least twice the operations for twice the "
            "patches, with the same parameters. And heads cost nothing: their number does not occur in the formula."
        )
    )


def _result(scene: Scene, counted: dict[str, int], formula: dict[str, int], size: Dimensions) -> Result:
    code = (
        "import vitviz\nfrom vitviz.figures.bars import answers_bar\n"
        "from vitviz.labs.parameters import counted_parameters, dimensions_of, standard_parameters\n\n"
        f"{load_line(scene)}\n"
        "counted = counted_parameters(vit.module)\ntotal = sum(counted.values())\n"
        "print(total, sum(standard_parameters(dimensions_of(vit)).values()))\n"
        "shares = [count / total for count in counted.values()]\n"
        'answers_bar(list(counted), shares, x_title="Share of the parameters")\n'
    )
    parts = list(PARTS)
    total = max(sum(counted.values()), 1)
    return Result(
        page=choices.PAGE,
        title=_("Where are the parameters?"),
        settings={"experiment": choices.PARAMETERS, "model": scene.vit.name, **vars(size)},
        code=code,
        arrays=lambda: {
            "parts": np.array(parts),
            "counted": np.array([counted[part] for part in parts]),
            "formula": np.array([formula.get(part, 0) for part in parts]),
        },
        figures=lambda: {_("Shares"): _shares_figure(parts, [counted[part] / total for part in parts])},
    )
