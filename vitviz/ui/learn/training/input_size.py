"""Training, input size: the loaded model on a larger or smaller picture than it was trained on."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from math import isnan
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.input_sizes import SIZES, SizedAnswer
from vitviz.errors import VitvizError
from vitviz.examples import examples
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.figures.scale import Scale
from vitviz.images import Photo
from vitviz.labs.input_size import InputSizes, PositionMaps, compare_sizes, position_maps
from vitviz.labs.input_size_runs import shipped_sizes
from vitviz.models.vit import ViT
from vitviz.numbers import Signed, percent, scientific
from vitviz.pictures import costs
from vitviz.ui.choices import training as choices
from vitviz.ui.furniture import guessing, lesson, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.furniture.panel import bare_map
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.kept.jobs import JobView, Report
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.learn.training import guesses, own_run
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork


def draw(scene: Scene) -> Result | None:
    """Draw the experiment."""
    lesson.question(
        _("What if the picture is larger than the model knows?"),
        _(
            "More pixels are more patches, and the model has no position for them. Its table of positions is drawn out "
            "over the new grid like a picture (interpolated), or used as far as it goes (truncated)."
        ),
    )
    if not guessing.guided(guesses.input_size()):
        return None
    maps = _maps(scene)
    st.subheader(_("Does the answer survive?"), anchor=False)
    key = (choices.SIZES, scene.model_key, scene.photo.digest)
    own_run.start_or_stop(
        choices.SIZES,
        LongWork(key, partial(_work, scene.vit, scene.photo)),
        label=_("Measure {count} sizes").format(count=len(SIZES)),
        cost=_("Two passes of the model a size, up to {largest} pixels: about half a minute.").format(
            largest=SIZES[-1]
        ),
    )
    controls.progress(choices.SIZES, partial(_live, scene))
    sizes = _measured(scene, key)
    _words(scene)
    return _result(scene, maps, sizes)


def _work(vit: ViT, photo: Photo, report: Report) -> InputSizes:
    return compare_sizes(vit, photo.image, sizes=SIZES, progress=report)


def _maps(scene: Scene) -> PositionMaps | None:
    """Draw the positions on a grid of the reader's choice."""
    knobs, pictures = st.columns([1, 3], gap="large")
    low, high = choices.GRID_SIDES
    with knobs:
        st.slider(_("Rows of patches"), low, high, **link.widget(choices.SIZES_ROWS))
        st.slider(_("Columns of patches"), low, high, **link.widget(choices.SIZES_COLUMNS))
    rows, columns = link.get(choices.SIZES_ROWS), link.get(choices.SIZES_COLUMNS)
    with pictures:
        try:
            maps = _position_maps(scene.model_key, rows, columns, scene.vit)
        except VitvizError as error:
            st.info(plain(in_dashboard(error)))
            return None
        _draw_maps(scene, maps, rows, columns)
    return maps


@st.cache_data(max_entries=64, show_spinner=False)
def _position_maps(model_key: str, rows: int, columns: int, _vit: ViT) -> PositionMaps:
    return position_maps(_vit, rows, columns)


def _draw_maps(scene: Scene, maps: PositionMaps, rows: int, columns: int) -> None:
    titles = (
        _("as trained: {rows} × {columns}").format(rows=scene.vit.grid.rows, columns=scene.vit.grid.columns),
        _("interpolated: {rows} × {columns}").format(rows=rows, columns=columns),
        _("truncated: {rows} × {columns}").format(rows=rows, columns=columns),
    )
    scale = Scale(-1, 1, signed=True)
    for column, title, map_ in zip(
        st.columns(3), titles, (maps.native, maps.interpolated, maps.truncated), strict=True
    ):
        middle = (map_.shape[0] // 2, map_.shape[1] // 2)
        with column:
            bare_map(map_, scale=scale, label=title, cell=middle, alt=title)
    pixels = [side * step for side, step in zip((rows, columns), scene.vit.grid.patch_size, strict=True)]
    st.caption(
        _(
            "Cosine of the position vector in the middle (orange) with that of every place, for a picture of "
            "{height} × {width} pixels. Cut off, the table is read on in the old order: what was a row is none "
            "any more, and hatched places have no vector. Interpolation to the model's own grid changes the vectors "
            "by {gap}."
        ).format(height=pixels[0], width=pixels[1], gap=scientific(maps.identity_gap, 1))
    )


def _live(scene: Scene, view: JobView) -> None:
    if view.result is not None:
        chart(cosine_figure(view.result), key="sizes_live")


def _measured(scene: Scene, key: Hashable) -> InputSizes | None:
    view = own_run.latest(choices.SIZES, key)
    if view is not None and view.active:
        return None
    if view is not None:
        own_run.standing(view)
    if view is None or view.result is None:
        return _shipped(scene)
    sizes: InputSizes = view.result
    left, right = st.columns(2, gap="large")
    with left:
        chart(cosine_figure(sizes), key="sizes_cosine")
    with right:
        chart(seconds_figure(sizes), key="sizes_seconds")
    st.caption(
        _(
            "Left: cosine of the model's feature with the one at its own size of {size} pixels, where it is 1. Right: "
            "seconds of one pass against tokens; attention makes it grow faster than the number of tokens."
        ).format(size=max(scene.vit.image_size))
    )
    _answers(scene, sizes)
    return sizes


def _shipped(scene: Scene) -> InputSizes | None:
    """Draw what is shipped for the shipped model; None for every other one."""
    if scene.choice != ModelChoice():
        return None
    sizes, photo = shipped_sizes(), examples()[0]
    if scene.photo_name == photo.id:
        st.caption(
            _(
                "Shipped: measured ahead for this photo and this model, without the seconds, which every machine has "
                "of its own. The button measures them here."
            )
        )
    else:
        st.info(
            _(
                "Not measured for this photo yet: press the button. Shown is what is shipped, of the photo “{title}”."
            ).format(title=_(photo.title)),
            icon=":material/inventory_2:",
        )
    chart(cosine_figure(sizes), key="sizes_cosine")
    _answers(scene, sizes)
    return sizes


def cosine_figure(sizes: InputSizes) -> go.Figure:
    """Return the likeness to the feature at the model's own size against the input size."""
    return costs.input_sizes(sizes, say=_).figure()


def seconds_figure(sizes: InputSizes) -> go.Figure:
    """Return the seconds of a pass against the number of tokens."""
    answers = sizes.interpolated
    curve = Curve(_("one pass"), [answer.tokens for answer in answers], [answer.seconds for answer in answers])
    return line_chart([curve], x=Axis(_("Tokens")), y=Axis(_("Seconds")), legend=True, height=380)


def _timed(sizes: InputSizes) -> bool:
    """Return whether seconds were measured; the shipped answers have none."""
    return not any(isnan(answer.seconds) for answer in sizes.interpolated)


def _answers(scene: Scene, sizes: InputSizes) -> None:
    rows: dict[str, list[Any]] = {
        _("Size (px)"): ["{} × {}".format(*answer.image_size) for answer in sizes.interpolated],
        _("Tokens"): [answer.tokens for answer in sizes.interpolated],
    }
    if _timed(sizes):
        rows[_("Seconds")] = [f"{answer.seconds:.2f}" for answer in sizes.interpolated]
    for title, answers in ((_("Answer, interpolated"), sizes.interpolated), (_("Answer, truncated"), sizes.truncated)):
        told = [_answer(scene, answer) for answer in answers]
        rows[title] = told + ["–"] * (len(sizes.interpolated) - len(told))
    tables.draw(rows, alt=_("One row an input size"))


def _answer(scene: Scene, answer: SizedAnswer) -> str:
    if not answer.top:
        return _("cosine {cosine:.3f}").format(cosine=Signed(answer.cosine))
    best, share = answer.top[0]
    return f"{class_name(scene.vit, best)} ({percent(share)})"


def _words(scene: Scene) -> None:
    lesson.formula(
        r"N = \frac{H}{p}\cdot\frac{W}{p}, \qquad "
        r"E'_{pos} = \mathrm{bicubic}\big(E_{pos} \to \tfrac{H}{p}\times\tfrac{W}{p}\big)",
        {
            "H, W": _("height and width of the picture in pixels"),
            "p": _("side of a patch: {side} pixels here").format(side=scene.vit.grid.patch_size[0]),
            "E_{pos}": _("table of positions, one vector a place"),
        },
    )
    lesson.try_next(
        [
            _("Choose 16 rows and 16 columns: all three maps are then the same for a model with a 16 × 16 grid."),
            _("Choose one column more than the model has: why does the truncated map fall to pieces at once?"),
            (_("What does the model know about places?"), "positions", {}),
        ]
    )
    lesson.caveat(
        _(
            "A cosine near 1 says that the feature stays, not that it is better: more tokens help only a model that "
            "was trained, or at least finished, at that size. Objects also change their size in patches, which no "
            "table of positions mends. Seconds are measured on this machine while others use it."
        )
    )


def _result(scene: Scene, maps: PositionMaps | None, sizes: InputSizes | None) -> Result:
    arrays: dict[str, NDArray[Any]] = {}
    if maps is not None:
        arrays = {"native": maps.native, "interpolated": maps.interpolated, "truncated": maps.truncated}
    figures: dict[str, go.Figure] = {}
    if sizes is not None:
        arrays |= {
            "sides": costs.sides(sizes.interpolated),
            "cosine_interpolated": np.array([answer.cosine for answer in sizes.interpolated]),
            "cosine_truncated": np.array([answer.cosine for answer in sizes.truncated]),
            "seconds": np.array([answer.seconds for answer in sizes.interpolated]),
        }
        figures = {_("Likeness"): cosine_figure(sizes)}
        if _timed(sizes):
            figures[_("Seconds")] = seconds_figure(sizes)
    settings = {"rows": link.get(choices.SIZES_ROWS), "columns": link.get(choices.SIZES_COLUMNS), "sizes": SIZES}
    return Result(
        page="training",
        title=_("What if the picture is larger than the model knows?"),
        settings={"experiment": choices.SIZES, "model": scene.vit.name, **settings},
        code=_code(scene, maps),
        arrays=lambda: arrays,
        figures=lambda: figures,
    )


def _code(scene: Scene, maps: PositionMaps | None) -> str:
    head = "import vitviz\nfrom vitviz.examples import example\n"
    if maps is None:  # without a table of positions, other sizes remain, and nothing to cut off
        return (
            f"{head}\n{load_line(scene)}\n"
            f"result = vitviz.input_sizes(vit, {picture_expression(scene)})\n"
            "print([(answer.image_size, answer.cosine) for answer in result])\n"
            "vitviz.show(result).figure()\n"
        )
    return (
        f"{head}from vitviz.labs.input_size import compare_sizes, position_maps\n\n"
        f"{load_line(scene)}\n"
        f"maps = position_maps(vit, {link.get(choices.SIZES_ROWS)}, {link.get(choices.SIZES_COLUMNS)})\n"
        f"result = compare_sizes(vit, {picture_expression(scene)})\n"
        "print([(answer.image_size, answer.cosine) for answer in result.interpolated])\n"
        "result.figure()\n"
    )
