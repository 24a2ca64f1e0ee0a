"""Cost, the second experiment: what stored attention takes, and what recomputing or fusing it saves."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level, Point
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import PINNED
from vitviz.labs.cost.memory import NUMBER_BYTES, MemoryComparison, attention_storage, recompute_ratio
from vitviz.labs.cost.vit_shape import ViTShape, shape_of
from vitviz.numbers import scientific
from vitviz.ui.choices.cost import PAGE
from vitviz.ui.furniture import guessing, lesson, sheet_figures, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.cost import guesses, passes, sizes
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_CURVE_POINTS = 60


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    lesson.question(
        _("Why keep the queries and keys, and not the attention?"),
        _(
            "A stored attention matrix takes L² numbers a head, its queries and keys only 2·L·d. Whoever keeps those "
            "can compute the matrix again when it is needed: memory for a little time."
        ),
    )
    shape = sizes.current(scene)
    sizes.choose(scene, shape)
    if not guessing.guided(guesses.memory(shape), figure=partial(sheet_figures.sizes, shape)):
        return None
    _numbers(shape)
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = _curves(shape)
        chart(figure, key="cost_bytes")
        st.caption(
            _(
                "Bytes in float32 for one picture, all layers. The lines cross where L = 2d, twice the width of a "
                "head. "
                "Orange: the sizes above."
            )
        )
    with right:
        _recorder(scene)
    block, model = passes.draw(scene, shape)
    _lesson()
    return lesson.Result(
        PAGE,
        _("Why keep the queries and keys?"),
        {"experiment": "memory"} | sizes.told(shape),
        _code(scene, shape, block, model),
        lambda: _arrays(shape, block, model),
        lambda: {_("Bytes to store"): figure},
    )


def _numbers(shape: ViTShape) -> None:
    storage = attention_storage(shape)
    values = [
        (_("Attention maps"), passes.size(NUMBER_BYTES * storage.maps), "T·M·L²"),
        (_("Queries and keys"), passes.size(NUMBER_BYTES * storage.queries_and_keys), "2·T·L·D"),
        (_("Ratio L/(2d)"), f"{scientific(storage.ratio)} ×", _("d = D/M is the width of a head.")),
        (
            _("Step with recomputing"),
            f"{recompute_ratio(shape):.3f} ×",
            _("MACs of forward and backward pass, by formula: one attention operation more."),
        ),
    ]
    for column, (label, value, help) in zip(st.columns(4), values, strict=True):
        column.metric(label, value, help=help)


def _lengths(shape: ViTShape) -> NDArray[np.float64]:
    high = max(2.0 * shape.tokens, 16 * shape.head_width, 512)
    return np.geomspace(min(16, shape.tokens), high, _CURVE_POINTS)


def _bytes(shape: ViTShape, lengths: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the bytes of the maps, and of queries and keys, for each number of tokens."""
    maps = NUMBER_BYTES * shape.depth * shape.heads * lengths**2
    return maps, NUMBER_BYTES * 2 * shape.depth * shape.width * lengths


def _curves(shape: ViTShape) -> go.Figure:
    places, storage = _lengths(shape), attention_storage(shape)
    maps, parts = _bytes(shape, places)
    points = ((_("maps now"), storage.maps), (_("queries and keys now"), storage.queries_and_keys))
    return line_chart(
        [
            Level("L = 2d", 2 * shape.head_width, upright=True, number=None),
            Curve(_("attention maps, T·M·L²"), places, maps, kind="line"),
            Curve(_("queries and keys, 2·T·L·D"), places, parts, PINNED[1], kind="line"),
            *(Point(name, shape.tokens, NUMBER_BYTES * numbers, listed=False) for name, numbers in points),
        ],
        x=Axis(_("Tokens L"), log=True, marks="powers"),
        y=Axis(_("Bytes"), log=True, marks="powers"),
        height=380,
    )


def _recorder(scene: Scene) -> None:
    """Draw what the dashboard's own recorder keeps of the photo beside what stored maps would take."""
    trace, storage = scene.original, attention_storage(shape_of(scene.vit))
    per_number = trace.queries(0).element_size()
    st.markdown(
        _(
            "**This dashboard does it too.** Of the photo in the sidebar, seen by the loaded model, its recorder keeps "
            "queries, keys, values and the residual stream; any map on the other pages is computed when it is looked "
            "at."
        )
    )
    rows = {
        _("All attention maps, if they were stored"): per_number * storage.maps,
        _("Queries and keys"): per_number * storage.queries_and_keys,
        _("All that the recorder keeps"): trace.nbytes,
    }
    tables.draw(
        {_("Of this photo"): list(rows), _("Memory"): [passes.size(nbytes) for nbytes in rows.values()]},
        alt=_("The memory of stored maps, of queries and keys, and of the whole recording"),
    )
    st.caption(_recorder_words(trace.nbytes, per_number * storage.maps))


def _recorder_words(kept: int, maps: int) -> str:
    if kept > maps:
        return _(
            "At this size the whole recording takes {times:.2f} times what the maps alone would, for it also holds "
            "values and streams. The maps overtake it at larger pictures: they grow with L², it with L."
        ).format(times=kept / maps)
    return _("The maps alone would take {times:.2g} times as much as the whole recording.").format(times=maps / kept)


def _lesson() -> None:
    lesson.formula(
        r"\frac{T M L^2}{2 T L D} = \frac{L}{2d}, \qquad d = \frac{D}{M}",
        {"T": _("layers"), "M": _("heads"), "L": _("tokens"), "D": _("width"), "d": _("width of a head")},
    )
    lesson.try_next(
        [
            _("Which picture size makes the ratio of a ViT-B/16 ten? Compute it first."),
            _("Double the heads at the same width: what happens to either curve, and why?"),
            _("Load a model at 392 pixels in the sidebar and compare the recorder's bytes with the maps'."),
            (_("What the same pictures cost in computing"), PAGE, {"cost_experiment": "compute"}),
        ]
    )
    lesson.caveat(
        _(
            "The ratio says how much attention maps take, not how much training takes: at 224 pixels the MLP's hidden "
            "layer holds more than the maps do, so that recomputing attention alone saves a small part, as the "
            "measurement of the loaded model shows. Fused attention never writes the matrix to memory and recomputes "
            "parts of it in the "
            "backward pass: it needs one number a row and head more than recomputing, and is the better choice "
            "wherever nobody needs to see the matrix. Seconds on a busy machine are rough: a recomputed step can "
            "even come out faster."
        )
    )


def _code(scene: Scene, shape: ViTShape, block: MemoryComparison | None, model: MemoryComparison | None) -> str:
    lines = [
        "import vitviz",
        "from vitviz.examples import example",
        "from vitviz.labs.cost.memory import attention_storage, compare_blocks, compare_model",
        "from vitviz.labs.cost.vit_shape import ViTShape",
        "",
        sizes.size_lines(shape),
        "values = attention_storage(shape)",
        "print(values.ratio)",
    ]
    picture = "values.figure()"
    if block is not None:
        heads = shape.heads if shape.width % shape.heads == 0 else 1
        lines.append(f"held = compare_blocks(tokens={shape.tokens}, width={shape.width}, heads={heads})")
        picture = "held.figure()"
    if model is not None:
        lines += [
            load_line(scene),
            f"trace = vitviz.trace(vit, {picture_expression(scene)})",
            "held = compare_model(vit, trace.pixels)",
        ]
        picture = "held.figure()"
    lines.append(picture)
    return "\n".join(lines) + "\n"


def _arrays(shape: ViTShape, block: MemoryComparison | None, model: MemoryComparison | None) -> dict[str, NDArray[Any]]:
    places = _lengths(shape)
    maps, parts = _bytes(shape, places)
    arrays: dict[str, NDArray[Any]] = {"tokens": places, "map_bytes": maps, "query_and_key_bytes": parts}
    for name, measured in (("block", block), ("model", model)):
        if measured is not None:
            arrays[f"{name}_held"] = np.array([cost.held for cost in measured.costs])
            arrays[f"{name}_seconds"] = np.array([cost.step for cost in measured.costs])
    return arrays
