"""Bytes held for the backward pass and seconds of a step, with stored, recomputed and fused attention."""

from __future__ import annotations

import streamlit as st

from vitviz.labs.cost.memory import KINDS, MemoryComparison, StepCost, compare_blocks, compare_model, recompute_ratio
from vitviz.labs.cost.vit_shape import ViTShape, shape_of
from vitviz.numbers import percent, scientific
from vitviz.ui.choices.cost import COST_BLOCK, COST_PASSES
from vitviz.ui.furniture import tables
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork


def draw(scene: Scene, shape: ViTShape) -> tuple[MemoryComparison | None, MemoryComparison | None]:
    """Draw both measurements and return those that are there: of one block, and of the loaded model."""
    st.subheader(_("Measured: what is held for the backward pass"), anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(_("**One block of the sizes above**, random weights"))
        heads = shape.heads if shape.width % shape.heads == 0 else 1
        block = controls.switch(
            LongWork(
                ("block bytes", shape.tokens, shape.width, heads),
                lambda report: compare_blocks(
                    tokens=shape.tokens, width=shape.width, heads=heads, repetitions=5, progress=report
                ),
            ),
            COST_BLOCK,
            label=_("Measure one block"),
            help=_("Fifteen forward and backward passes."),
        )
        if heads != shape.heads:
            st.caption(_("These heads do not divide the width; measured is one head."))
        if block is not None:
            _table(block, recompute_ratio(shape))
    with right:
        st.markdown(_("**The loaded model** on this photo, all weights trained"))
        model = controls.switch(
            LongWork(
                ("model bytes", scene.model_key, scene.photo.digest),
                lambda report: compare_model(scene.vit, scene.original.pixels, progress=report),
            ),
            COST_PASSES,
            label=_("Measure the model"),
            help=_("Nine forward and backward passes: some ten seconds for a small model."),
        )
        if model is not None:
            _table(model, recompute_ratio(shape_of(scene.vit)))
    return block, model


def _table(comparison: MemoryComparison, by_formula: float) -> None:
    names = {"eager": _("stored"), "checkpointed": _("recomputed"), "fused": _("fused")}
    rows = [comparison.cost(kind) for kind in KINDS]
    tables.draw(
        {
            _("Attention"): [names[cost.kind] for cost in rows],
            _("Held"): [size(cost.held) for cost in rows],
            **_peaks(rows),
            _("Forward"): [f"{cost.forward:.3g} s" for cost in rows],
            _("Both passes"): [f"{cost.step:.3g} s" for cost in rows],
            _("Error"): [scientific(cost.gradient_error, 2) for cost in rows],
        },
        alt=_("One row a kind of attention: bytes held, seconds and largest difference of gradients"),
    )
    saved = comparison.cost("eager").held - comparison.cost("checkpointed").held
    exact = _("exactly") if saved == comparison.map_bytes else _("not exactly")
    st.caption(
        _(
            "Recomputing saves {saved}, {share} of all that is held; the maps take {maps} by formula: {exact} "
            "the same. A step takes "
            "{measured:.2f} × the time (by formula {ratio:.3f} × the MACs). The gradients are equal but for rounding: "
            "“Error” is the largest difference over the largest gradient."
        ).format(
            saved=size(saved),
            share=percent(saved / comparison.cost("eager").held),
            maps=size(comparison.map_bytes),
            exact=exact,
            measured=comparison.recompute_ratio,
            ratio=by_formula,
        )
    )


def _peaks(rows: list[StepCost]) -> dict[str, list[str]]:
    """Return the column of the device's peak memory, which only CUDA tells."""
    peaks = [cost.peak for cost in rows if cost.peak is not None]
    return {_("Peak"): [size(peak) for peak in peaks]} if len(peaks) == len(rows) else {}


def size(count: float) -> str:
    """Return a number of bytes as text, in powers of 1000; it has room in a narrow column, whatever the size."""
    for unit, factor in (("EB", 1e18), ("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * factor:
            return f"{count / factor:,.3g} {unit}" if count < 999.5 * factor else f"{count / factor:,.0f} {unit}"
    return f"{count:.0f} B"
