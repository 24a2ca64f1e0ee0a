"""Several results of one kind as one drawing: answers by input size, by patch size, and outliers by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from vitviz.analysis.input_sizes import SizedAnswer
from vitviz.analysis.patch_size import PatchSizeAnswer
from vitviz.analysis.tokens import TokenNorms
from vitviz.errors import OptionError
from vitviz.figures.axes import Axis, layer_axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import LAYER, PLACE, TITLED, line_chart
from vitviz.figures.palettes import PINNED
from vitviz.figures.theme import NEUTRAL
from vitviz.pictures.costs import sides
from vitviz.pictures.drawing import Charts, Drawing, Say


def input_sizes(answers: Sequence[SizedAnswer], *, say: Say = str) -> Drawing:
    """Draw how alike the embedding stays, and the seconds of a pass, against the input size."""
    return Charts(dict(zip(("", " "), input_size_charts(answers, say=say), strict=True)))


def input_size_charts(answers: Sequence[SizedAnswer], *, say: Say = str) -> tuple[go.Figure, go.Figure]:
    """Return the two charts of ``input_sizes``."""
    x, x_title = sides(answers), say("Longer side of the input (px)")

    def chart(title: str, values: Sequence[float]) -> go.Figure:
        return line_chart(
            [Curve(title, x, values)], x=Axis(x_title), y=Axis(title), hover=PLACE, legend=True, height=300
        )

    cosine = chart(say("Cosine to the own size"), [answer.cosine for answer in answers])
    return cosine, chart(say("Seconds of the pass"), [answer.seconds for answer in answers])


def patch_sizes(answers: Sequence[PatchSizeAnswer]) -> Drawing:
    """Draw tokens, operations and likeness of the embedding against the patch size."""
    patch = [answer.patch_size for answer in answers]
    costs = [
        Curve("tokens", patch, [answer.tokens for answer in answers]),
        Curve("GMACs", patch, [answer.macs / 1e9 for answer in answers], "#E69F00"),
    ]
    cosine = Curve("cosine", patch, [answer.cosine for answer in answers])
    x = Axis("Patch p (pixels)", log=True, ticks=patch)
    return Charts(
        {
            "Cost": line_chart(costs, x=x, y=Axis("Tokens, GMACs", log=True), hover=TITLED),
            "Answer": line_chart([cosine], x=x, y=Axis("Cosine of the embedding"), hover=TITLED, legend=True),
        }
    )


def outliers(norms: Sequence[TokenNorms], *, say: Say = str) -> Drawing:
    """Draw how much attention the outliers after each layer get in the next one."""
    known = [layer for layer in norms if not np.isnan(layer.attention_share)]
    if not known:
        raise OptionError("The last layer has no next layer that could look at its outliers; pass those of all layers.")
    layers = [norm.layer for norm in known]
    curves = [Curve(say("patches"), layers, [layer.attention_share for layer in known])]
    if not np.isnan(known[0].class_share):
        curves.append(Curve(say("class token"), layers, [layer.class_share for layer in known], PINNED[2]))
    curves.append(Curve(say("even attention"), layers, [layer.outlier_share for layer in known], NEUTRAL, "dash"))
    x, y = layer_axis(say("Outliers after layer"), len(layers)), Axis(say("Attention to outliers"), ".1%")
    return Charts({"": line_chart(curves, x=x, y=y, hover=LAYER.replace(".4g", ".2%"), height=320)})


SERIES: Mapping[type, Callable[..., Drawing]] = {
    SizedAnswer: input_sizes,
    PatchSizeAnswer: patch_sizes,
    TokenNorms: outliers,
}
"""By the type of the results."""
