"""What does a smaller patch buy, and what does it cost? The loaded model at several patch sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.patch_size import SIZES, PatchSizeAnswer, patch_sizes
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import TITLED, line_chart
from vitviz.figures.theme import NEUTRAL
from vitviz.labs.object.detector import closed_form
from vitviz.numbers import percent
from vitviz.ui.choices.patches_and_detail import PAGE, REPATCHED
from vitviz.ui.furniture import guessing, lesson, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.detail import guesses
from vitviz.ui.learn.detail.object_knobs import chosen_detector
from vitviz.ui.navigation import entries
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.class_names import class_name
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork

Answers = tuple[PatchSizeAnswer, ...]


def sizes(scene: Scene) -> list[int]:
    """Return the patch sizes that fit the model's picture, its own among them."""
    own = max(scene.vit.grid.patch_size)
    return sorted({size for size in (*SIZES, own) if size <= min(scene.vit.image_size)})


def ask(scene: Scene) -> Answers | None:
    """Draw the switch that runs the model at every patch size, and return the answers if they are there."""
    work = LongWork(
        ("repatched", scene.model_key, scene.photo.digest),
        lambda report: patch_sizes(scene.vit, scene.photo.image, sizes=sizes(scene), progress=report),
    )
    return controls.switch(
        work,
        REPATCHED,
        label=_("Run this model at other patch sizes"),
        help=_("One pass for each of {count} sizes; the smallest patches take longest.").format(
            count=len(sizes(scene))
        ),
    )


def cost_figure(scene: Scene, answers: Answers) -> go.Figure:
    """Return tokens, and multiply–accumulates in thousands of millions, against the patch size."""
    patch = [answer.patch_size for answer in answers]
    height, width = scene.vit.image_size
    prefix = len(scene.vit.grid.prefix)
    return line_chart(
        [
            Curve(
                _("tokens HW/p², formula"),
                patch,
                [height * width / size**2 + prefix for size in patch],
                NEUTRAL,
                "dash",
                "line",
            ),
            Curve(_("tokens"), patch, [answer.tokens for answer in answers], kind="dots"),
            Curve(_("GMACs"), patch, [answer.macs / 1e9 for answer in answers], "#E69F00"),
            Level(_("own patch size"), max(scene.vit.grid.patch_size), upright=True),
        ],
        x=Axis(_("Patch p (pixels)"), log=True, ticks=patch),
        y=Axis(_("Tokens, GMACs"), log=True),
        hover=TITLED,
    )


def answer_figure(scene: Scene, answers: Answers) -> go.Figure:
    """Return how like the model's own embedding the embedding is at each patch size."""
    patch = [answer.patch_size for answer in answers]
    return line_chart(
        [
            Curve(_("cosine"), patch, [answer.cosine for answer in answers]),
            Level(_("own patch size"), max(scene.vit.grid.patch_size), upright=True),
        ],
        x=Axis(_("Patch p (pixels)"), log=True, ticks=patch),
        y=Axis(_("Cosine of the embedding")),
        hover=TITLED,
    )


def _table(scene: Scene, answers: Answers) -> None:
    """Draw one row a patch size: what it costs, what an averaging patch would see, what the model answers."""
    detector = chosen_detector()
    rows: dict[str, list[Any]] = {
        _("Patch"): [f"{answer.patch_size} px" for answer in answers],
        _("Input"): [" × ".join(map(str, answer.image_size)) for answer in answers],
        _("Tokens"): [answer.tokens for answer in answers],
        _("GMACs"): [f"{answer.macs / 1e9:.3g}" for answer in answers],
        _("Seconds"): [f"{answer.seconds:.3f}" for answer in answers],
        _("Smallest object by the formula"): [
            _size(closed_form(detector.limit, answer.patch_size, detector.alignment)) for answer in answers
        ],
        _("Cosine"): [f"{answer.cosine:.3f}" for answer in answers],
    }
    if scene.vit.has_classifier:
        rows[_("Answer")] = [_answer(scene, answer) for answer in answers]
    tables.draw(rows, alt=_("One row a patch size"))
    adjusted = [str(answer.patch_size) for answer in answers if answer.adjusted]
    if adjusted:
        st.caption(
            _(
                "Patches of {sizes} pixels do not cover the model's own input, so it got the nearest size that they "
                "cover: see the column Input."
            ).format(sizes=", ".join(adjusted))
        )


def _answer(scene: Scene, answer: PatchSizeAnswer) -> str:
    best, chance = answer.top[0]
    own = " ●" if answer.native else ""
    return f"{class_name(scene.vit, best)} ({percent(chance)}){own}"


def _size(size: float | None) -> str:
    return _("none") if size is None else f"{size:.1f} px"


def formula_figure(scene: Scene) -> go.Figure:
    """Return tokens, and the smallest object of a patch that averages, against the patch size, by their formulas."""
    detector, (height, width) = chosen_detector(), scene.vit.image_size
    patch = sizes(scene)
    lines = [Curve(_("tokens, HW/p²"), patch, [height * width / size**2 for size in patch], NEUTRAL)]
    seen = [(size, closed_form(detector.limit, size, detector.alignment)) for size in patch]
    pairs = [(size, smallest) for size, smallest in seen if smallest is not None]
    if pairs:
        x, y = zip(*pairs, strict=True)
        lines.append(Curve(_("smallest object, pixels"), x, y, "#009E73"))
    return line_chart(
        lines,
        x=Axis(_("Patch p (pixels)"), log=True, ticks=patch),
        y=Axis(_("Tokens; pixels"), log=True),
        hover=TITLED,
    )


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment from its question to what can be taken away."""
    title = _("What does a smaller patch buy, and what does it cost?")
    lesson.question(
        title,
        _(
            "Half the patch is four times the tokens. The same model runs with its patch embedding resized, beside "
            "what a patch that averages could see."
        ),
    )
    if not guessing.guided(guesses.patch_size()):
        return None
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(_("By the formulas"), anchor=False)
        formula = formula_figure(scene)
        chart(formula, key="patch_formula")
        st.caption(
            _(
                "Brightness, noise and threshold are those of the other experiment. Doubling p quarters the tokens and "
                "makes the smallest object √2 times as large, on a border of two patches only from p = 2kσ/Δ on."
            )
        )
    with right:
        st.subheader(_("The loaded model"), anchor=False)
        answers = ask(scene)
        figures = {} if answers is None else {_("Cost of the model"): cost_figure(scene, answers)}
        for figure in figures.values():
            chart(figure, key="patch_cost")
    if answers is not None:
        like = figures[_("Likeness of the embedding")] = answer_figure(scene, answers)
        with left:
            chart(like, key="patch_answer")
        _table(scene, answers)
    _words()
    return lesson.Result(
        PAGE,
        title,
        {"experiment": "patch_size", "model": scene.vit.name, "sizes": sizes(scene)},
        _code(scene),
        lambda: _arrays(scene, answers),
        lambda: {_("By the formulas"): formula} | figures,
    )


def _words() -> None:
    lesson.formula(
        r"L = \frac{HW}{p^2}\qquad s_{\min} = \sqrt{\frac{k\,\sigma\,p}{\Delta}}",
        {
            "L": _("patch tokens"),
            "H, W": _("height and width of the input, pixels"),
            "p": _("side of the patch, pixels"),
            r"s_{\min}": _("smallest object that one averaging token sees, pixels"),
        },
    )
    steps: list[str | tuple[str, str, dict[str, str]]] = [
        _(
            "Compare the seconds at half, at one and at twice the model's own patch: is each step a "
            "factor of about four?"
        ),
        _("Choose a photo with a small subject in the sidebar, and see at which patch its answer goes."),
        (_("The smallest object that a token can see"), PAGE, {"detail": "object"}),
    ]
    if any(entry.name == "patches" for entry in entries()):
        steps.append((_("The Patches page: the picture as each patch size cuts it"), "patches", {}))
    lesson.try_next(steps)
    lesson.caveat(
        _(
            "Resizing changes the filters and the spacing of the positions of a model that was trained at one patch "
            "size (FlexiViTs were trained at many). A worse answer at a small patch shows an unfamiliar scale, not "
            "that small patches are worse; a model trained there would see more detail."
        )
    )


def _code(scene: Scene) -> str:
    lines = [
        "import vitviz",
        "from vitviz.analysis.patch_size import patch_sizes",
        "from vitviz.examples import example",
        "",
        load_line(scene),
        f"answers = patch_sizes(vit, {picture_expression(scene)}, sizes={sizes(scene)})",
        "values = [answer.tokens for answer in answers]",
        "vitviz.show(answers).figure()",
    ]
    return "\n".join(lines) + "\n"


def _arrays(scene: Scene, answers: Answers | None) -> dict[str, NDArray[Any]]:
    if answers is None:
        return {"patch_sizes": np.array(sizes(scene))}
    names = ("patch_size", "tokens", "macs", "seconds", "cosine")
    return {name: np.array([getattr(answer, name) for answer in answers]) for name in names}
