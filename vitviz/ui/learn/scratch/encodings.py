"""How is a place written down? Learned, sine–cosine and rotary encodings side by side, from question to files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.positions import ReadOut
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.line_chart import TITLED, line_chart
from vitviz.figures.overlay import outline
from vitviz.figures.paint import paint_map
from vitviz.figures.palettes import PINNED, VIT_BLUE
from vitviz.figures.scale import Scale
from vitviz.grid import PatchGrid
from vitviz.labs import encodings as lab
from vitviz.labs.encodings import Encoding
from vitviz.ui.choices.attention_from_scratch import ENCODING_WIDTH, PAGE
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.recipe import load_line
from vitviz.ui.learn.scratch import guesses
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene, pinned_patch
from vitviz.ui.text import N_, _, plain
from vitviz.ui.words.labels import model_name

_SIDE = 360

Table = NDArray[np.float32]
Profile = Callable[[Table, PatchGrid], NDArray[np.float64]]


def _counted() -> str:
    """Return places counted row by row, for the sheet of a class."""
    side = [str(number) for number in range(1, 7)]
    return sheet_figures.tables({"": (side, side, np.arange(1, 37).reshape(6, 6))})


@st.cache_resource(max_entries=12, show_spinner=N_("Comparing the encodings …"))
def _computed(model_key: str, width: int, _scene: Scene) -> tuple[Encoding, ...]:
    return lab.run(_scene.vit.grid, channels=width, vit=_scene.vit)


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    title = _("How is a place written down?")
    lesson.question(
        title,
        _(
            "Each map shows how alike an encoding makes one place, framed in orange, and all others. Below it stands "
            "how well a straight line can read row and column back from the encoding."
        ),
    )
    st.segmented_control(
        _("Channels of the formulas"), ("16", "64", "384"), required=True, **link.widget(ENCODING_WIDTH)
    )
    if not guessing.guided(guesses.encodings(), figure=_counted):
        return None
    encodings = _computed(scene.model_key, int(link.get(ENCODING_WIDTH)), scene)
    place = pinned_patch(scene)
    if not encodings[0].model:
        st.info(
            plain(
                _("{name} has no position encoding of its own to show beside them.").format(name=model_name(scene.vit))
            )
        )
    for column, encoding in zip(st.columns(len(encodings), gap="medium"), encodings, strict=True):
        with column:
            _map(encoding, place)
    left, right = st.columns(2, gap="large")
    with left:
        across = _profiles(encodings, _("Distance along a row (patches)"), row_profile)
        chart(across, key="encoding_rows")
    with right:
        down = _profiles(encodings, _("Distance down a column (patches)"), column_profile)
        chart(down, key="encoding_columns")
    st.caption(
        _(
            "The mean similarity of two places, against their distance in a row and in a column. A line over the "
            "patch number (1-D) has rows and columns of another kind: one step down is a whole row of steps to it, "
            "and the end of a row lies beside the start of the next."
        )
    )
    _words()
    return lesson.Result(
        PAGE,
        title,
        {
            "experiment": "encodings",
            "model": scene.vit.name,
            "patch": place,
            "channels": int(link.get(ENCODING_WIDTH)),
            "read_out": {_name(encoding): _both(encoding.read_out) for encoding in encodings},
        },
        _code(scene),
        lambda: {_name(encoding).replace(" ", "_"): encoding.similarity for encoding in encodings},
        lambda: {_("Along a row"): across, _("Down a column"): down},
    )


def titles() -> dict[str, str]:
    """Return what each kind of encoding is called."""
    return {
        "learned": _("Learned"),
        "sine-cosine-1d": _("Sine–cosine, 1-D"),
        "sine-cosine-2d": _("Sine–cosine, 2-D"),
        "rotary": _("Rotary"),
        "relative": _("Relative bias"),
    }


def _name(encoding: Encoding) -> str:
    return f"model {encoding.kind}" if encoding.model else encoding.kind


def _map(encoding: Encoding, place: int) -> None:
    name = titles()[encoding.kind]
    st.markdown(f"**{name}**" + (_(" · this model") if encoding.model else ""))
    grid = encoding.grid
    values = encoding.similarity.astype(np.float64)
    apart = values[~np.eye(grid.patches, dtype=bool)] if grid.patches > 1 else values.ravel()
    top = float(np.abs(apart).max()) or 1.0
    scale = Scale(-top, top, signed=True)
    height = max(grid.rows, round(_SIDE * grid.rows / grid.columns))
    painted = paint_map(encoding.map(place), scale, height=height, width=max(_SIDE, grid.columns))
    framed = outline(painted, grid.rows, grid.columns, grid.position(place))
    st.image(framed, width="stretch", output_format="PNG", alt=_("Similarity: {name}").format(name=name))
    st.html(colour_bar(scale, title=_unit(encoding.kind)))
    st.markdown(_read(encoding.read_out))


def _unit(kind: str) -> str:
    return {"rotary": _("mean cosine of the angle differences"), "relative": _("bias added to the scores")}.get(
        kind, _("cosine similarity")
    )


def _read(read_out: ReadOut | None) -> str:
    if read_out is None:
        return _("No read-out: too few places, or no vector a place.")
    row, column = (_("–") if np.isnan(value) else f"{value:.3f}" for value in _both(read_out) or ())
    return _("R² of the row **{row}**, of the column **{column}**").format(row=row, column=column)


def _both(read_out: ReadOut | None) -> list[float] | None:
    return None if read_out is None else [read_out.row, read_out.column]


def _profiles(encodings: tuple[Encoding, ...], x_title: str, profile: Profile) -> go.Figure:
    """Return the mean similarity of two places against their distance, a line an encoding."""
    curves = []
    for number, encoding in enumerate(encodings):
        mean = profile(encoding.similarity, encoding.grid)
        name = titles()[encoding.kind] + (_(" · this model") if encoding.model else "")
        colour = VIT_BLUE if encoding.model else PINNED[number + 1]
        dash = "dash" if encoding.kind == "rotary" and not encoding.model else "solid"
        curves.append(Curve(name, np.arange(len(mean)), mean, colour, dash))
    return line_chart(curves, x=Axis(x_title), y=Axis(_("Mean similarity")), hover=TITLED)


def row_profile(similarity: Table, grid: PatchGrid) -> NDArray[np.float64]:
    """Return the mean similarity of two places of one row at each distance: (columns,)."""
    table = similarity.astype(np.float64).reshape(grid.rows, grid.columns, grid.rows, grid.columns)
    return _by_distance(np.einsum("rarb->ab", table) / grid.rows)  # (column, column)


def column_profile(similarity: Table, grid: PatchGrid) -> NDArray[np.float64]:
    """Return the mean similarity of two places of one column at each distance: (rows,)."""
    table = similarity.astype(np.float64).reshape(grid.rows, grid.columns, grid.rows, grid.columns)
    return _by_distance(np.einsum("acbc->ab", table) / grid.columns)  # (row, row)


def _by_distance(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.diagonal(pairs, distance).mean() for distance in range(len(pairs))])


def _words() -> None:
    lesson.formula(
        r"\mathrm{PE}(n)_{2i} = \sin\frac{n}{10000^{2i/D}},\qquad \mathrm{PE}(n)_{2i+1} = \cos\frac{n}{10000^{2i/D}}"
        r"\qquad k(\delta) = \frac{1}{D/2}\sum_i \cos(\theta_i\,\delta)",
        {
            "n": _("patch number (1-D), or row and column with half of the channels each (2-D)"),
            "D": _("channels"),
            r"k(\delta)": _("rotary kernel: what a rotation by place leaves of a product, on average"),
            r"\theta_i": _("frequencies, 100^(−i/count) for each axis"),
            r"\delta": _("offset of two places"),
        },
    )
    lesson.try_next(
        [
            _("Take 16 channels: which encodings still tell all places apart?"),
            _("Pin a patch at the border on the Attention page and come back: does the learned map know the border?"),
            (_("The Positions page: all places of this model at once"), "positions", {}),
            (_("Does attention use the order at all? Shuffled tokens"), PAGE, {"scratch": "order"}),
        ]
    )
    lesson.caveat(
        _(
            "The maps have scales of their own: a bias, a cosine and a kernel are no common currency. A place that "
            "can be read out is a place that is there, not one that the model reads. Rotary positions are never added "
            "to a token; their vectors here are the rotations, sines and cosines, and only offsets reach the scores."
        )
    )


def _code(scene: Scene) -> str:
    return "\n".join(
        [
            "import vitviz",
            "from vitviz.labs import encodings",
            "",
            load_line(scene),
            f"measured = encodings.run(vit.grid, channels={int(link.get(ENCODING_WIDTH))}, vit=vit)",
            "values = [encoding.similarity for encoding in measured]  # (patch, patch) each",
            "print([(encoding.kind, encoding.read_out) for encoding in measured])",
            "measured[0].image()",
            "",
        ]
    )
