"""Seconds of one block on this machine beside the formula, when the reader asks for them."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.labs.cost.compute import BlockSeconds, block_macs, time_block
from vitviz.labs.cost.vit_shape import ViTShape
from vitviz.numbers import percent
from vitviz.pictures import costs
from vitviz.ui.choices.cost import COST_SECONDS
from vitviz.ui.furniture.charts import chart
from vitviz.ui.text import _
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork


def draw(shape: ViTShape) -> BlockSeconds | None:
    """Draw the switch and, where it is on, the measured block; return it."""
    st.subheader(_("And by the clock?"), anchor=False)
    heads = shape.heads if shape.width % shape.heads == 0 else 1
    work = LongWork(
        ("block seconds", shape.width, heads), lambda report: time_block(shape.width, heads, progress=report)
    )
    timing = controls.switch(
        work,
        COST_SECONDS,
        label=_("Time a block of width {width} on this machine").format(width=shape.width),
        help=_("A few seconds to half a minute: one block of random weights, 16 tokens and more."),
    )
    if timing is None:
        return None
    chart(figure(timing), key="cost_clock")
    st.caption(_words(timing))
    return timing


def figure(timing: BlockSeconds) -> go.Figure:
    """Return the measured seconds beside the formula."""
    return costs.seconds(timing, say=_).figure()


def _words(timing: BlockSeconds) -> str:
    rates, share = timing.rate / 1e9, timing.attention / timing.block
    furthest = int(abs(np.log(timing.block / timing.predicted)).argmax())
    words = _(
        "Fastest of 3 runs in float32; threads: {threads}. The block reaches {low:,.1f} to {high:,.1f} GMACs a "
        "second. At "
        "{tokens:,} tokens it is furthest from the formula at the median rate: {times:.2g} times its time. Few "
        "tokens leave "
        "the processor waiting for each product to start, many no longer fit its cache, and other programs disturb "
        "both. "
        "Attention takes {first} of the block's time at {least:,} tokens and {last} at {most:,}, where it has "
        "{said} of the MACs; its time includes the softmax, which no MAC counts."
    )
    longest = block_macs(timing.tokens[-1], timing.width)
    return words.format(
        threads=timing.threads,
        low=rates.min(),
        high=rates.max(),
        tokens=timing.tokens[furthest],
        times=timing.block[furthest] / timing.predicted[furthest],
        first=percent(share[0]),
        least=timing.tokens[0],
        last=percent(share[-1]),
        most=timing.tokens[-1],
        said=percent(longest.attention / longest.total),
    )
