"""What a reader of the Anatomy page guesses first, and the steps through its experiments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vitviz.attention.statistics import HeadStatistics
from vitviz.labs.cost.scaling import Scaling
from vitviz.labs.cost.vit_shape import ViTShape
from vitviz.labs.gelu import Gelu
from vitviz.numbers import percent
from vitviz.ui.components.curve_sketch import SketchAxes
from vitviz.ui.furniture.guess import CurveGuess, NumberGuess, OptionGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_REACH = 30.0
"""The sketch of the scaling reaches from a 30th to 30 times the model's own parameters."""


def steps(scene: Scene) -> Guidance:
    """Return the way from pixels to the answer."""
    (height, width), patch = scene.vit.image_size, scene.vit.grid.patch_size
    guess = NumberGuess(
        question=_(
            "A picture of {height} × {width} pixels is cut into patches of {rows} × {columns} pixels. How many are "
            "there?"
        ).format(height=height, width=width, rows=patch[0], columns=patch[1]),
        truth=scene.vit.grid.patches,
        within=0,
        unit=_("patches"),
        about=(height, width, *patch),
    )
    return Guidance(
        guess=guess,
        do=_("Go through the seven steps, and in step 5 through the blocks."),
        see=_("From the first block on the number of tokens never changes; only what each of them holds does."),
        conclude=_("A picture becomes a sequence once; from then on it is the same vectors, rewritten block by block."),
    )


def parameters(counted: Mapping[str, int]) -> Guidance:
    """Return the way through the parameters; the right part is the largest of those counted."""
    reasons = {
        "MLP": _("The MLPs: two matrices of D × 4D a block, 8D² together."),
        "attention": _("Attention: four matrices of D × D a block, 4D² together."),
        "patch embedding": _("The patch embedding: it reads every pixel."),
        "head": _("The classifier: it has a row for every class."),
    }
    guess = OptionGuess(
        question=_("Where are most of the loaded model's parameters?"),
        options=tuple(reasons.values()),
        right=int(np.argmax([counted[part] for part in reasons])),
        about=tuple(counted.values()),
    )
    return Guidance(
        guess=guess,
        do=_("Compare the bars with the formula, then load a model with registers or rotary positions."),
        see=_("MLPs hold {times:.1f} times what attention holds; all the rest together is {rest} of the model.").format(
            times=counted["MLP"] / max(counted["attention"], 1),
            rest=percent(1 - (counted["MLP"] + counted["attention"]) / max(sum(counted.values()), 1)),
        ),
        conclude=_("Parameters grow with depth and with the square of the width, not with the picture."),
    )


def gelu(curves: Gelu) -> Guidance:
    """Return the way through the activation."""
    guess = NumberGuess(
        question=_("ReLU is never negative. How far below 0 does GELU go at its lowest?"),
        truth=curves.lowest[1],
        within=0.3,
        unit=_("lowest value"),
    )
    return Guidance(
        guess=guess,
        do=_("Choose the first block, then the last."),
        see=_("How many inputs lie between −3 and 0, where ReLU would return nothing, stands below the histogram."),
        conclude=_("GELU lets a little through on the negative side and has a slope there: such channels still learn."),
    )


def shift() -> Guidance:
    """Return the way through built-in locality."""
    guess = OptionGuess(
        question=_(
            "The photo is moved by exactly one patch. Are the ViT's tokens after a block the old ones, moved along?"
        ),
        options=(
            _("Yes: every patch now holds exactly what its neighbour held, and the weights are the same everywhere."),
            _("Not quite: positions are added to the tokens, and the picture has other edges to look at."),
            _("Not at all: attention mixes everything."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Choose an early block, then the last; then random weights in the sidebar."),
        see=_(
            "The patch embedding alone comes back after a whole patch, the CNN after its stride, the tokens never "
            "quite."
        ),
        conclude=_("Convolution builds in that places are alike; a ViT has to learn what of it is useful."),
    )


def reach(scene: Scene, table: HeadStatistics) -> Guidance:
    """Return the way through the distances that attention bridges."""
    guess = NumberGuess(
        question=_(
            "The picture is {rows} × {columns} patches. How far away, on average, is what the farthest-looking head of "
            "the first block looks at?"
        ).format(rows=scene.vit.grid.rows, columns=scene.vit.grid.columns),
        truth=float(np.nanmax(table.distance[0])),
        within=0.25,
        unit=_("patches"),
        about=(scene.model_key, scene.photo.digest),
    )
    return Guidance(
        guess=guess,
        do=_("Compare the dots of the first block with those of the last, then choose random weights."),
        see=_(
            "Heads of the first block look {first} to {last} patches far on average; the nearest look of all is block "
            "{block}'s, {near}. Looking everywhere alike would give {even}."
        ).format(
            first=f"{np.nanmin(table.distance[0]):.1f}",
            last=f"{np.nanmax(table.distance[0]):.1f}",
            block=int(np.nanargmin(np.nanmin(table.distance, axis=1))),
            near=f"{np.nanmin(table.distance):.1f}",
            even=f"{table.uniform_distance:.1f}",
        ),
        conclude=_("A ViT may look anywhere from its first layer; that some of its heads look near is learned."),
    )


def scaling_curve(shape: ViTShape, scaling: Scaling, x_title: str) -> CurveGuess:
    """Return the guess at the parameters against what grows."""
    chosen = np.linspace(0, len(scaling.values) - 1, 5).round().astype(int)
    millions = scaling.parameters / 1e6
    middle = float(np.exp(np.log(millions).mean()))
    return CurveGuess(
        question=_("Draw how the number of parameters grows. The other two sizes stay as the knobs say."),
        axes=SketchAxes(
            places=[float(scaling.values[place]) for place in chosen],
            x_title=x_title,
            y_title=_("Parameters (millions)"),
            low=middle / _REACH,
            high=middle * _REACH,
            log=True,
            log_places=True,
        ),
        truth=[float(millions[place]) for place in chosen],
        about=(scaling.growing, shape.depth, shape.width, shape.image_size),
    )


def scaling(shape: ViTShape, scaling: Scaling, x_title: str) -> Guidance:
    """Return the way through what a larger model costs."""
    return Guidance(
        guess=scaling_curve(shape, scaling, x_title),
        do=_("Let depth, width and picture side grow in turn."),
        see=_(
            "Twice the depth is twice of both; twice the width four times; a larger picture adds work and hardly a "
            "parameter."
        ),
        conclude=_("Parameters are memory, operations are time: they grow at different rates."),
    )
