"""Maps over their photo as one Plotly figure: the page's colours, and each cell's value under the pointer."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vitviz.errors import OptionError
from vitviz.figures.image_files import jpeg_bytes, png_bytes
from vitviz.figures.palettes import plotly_scale
from vitviz.figures.sheet import Panel
from vitviz.figures.theme import TYPE, plain, small, style

_SIDE = 448  # pixels of a picture in the figure's file
_HEIGHT = 380


def map_figure(panels: Sequence[Panel], *, title: str = "", columns: int = 4) -> go.Figure:
    """Return panels side by side, ``columns`` in a row: the picture as ``Panel.draw`` paints it, values in the hover.

    Rows and columns count from 1. Raises OptionError for no panels.
    """
    if not panels:
        raise OptionError("A figure of maps needs panels; got none. Pass at least one Panel.")
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    titles = [plain(_titled(panel)) for panel in panels]
    made = make_subplots(
        rows=rows, cols=columns, subplot_titles=titles, horizontal_spacing=0.03, vertical_spacing=0.25 / rows
    )
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        _add(made, panel, row + 1, column + 1)
    made.update_annotations(font_size=TYPE)
    top = 60 if title else 30
    margin = {"l": 8, "r": 8, "t": top, "b": 8}
    return style(made, top + _HEIGHT * rows // (1 if columns <= 2 else 2), title={"text": plain(title)}, margin=margin)


def _titled(panel: Panel) -> str:
    scale = panel.own_scale
    if scale is None:
        return panel.label
    return f"{panel.label} [{scale.text(scale.low)} … {scale.text(scale.high)}]".strip()


def _add(made: go.Figure, panel: Panel, row: int, column: int) -> None:
    picture = panel.draw(_SIDE)
    file, kind = (jpeg_bytes(picture), "jpeg") if panel.photo is not None else (png_bytes(picture), "png")
    source = f"data:image/{kind};base64,{base64.b64encode(file).decode('ascii')}"
    if panel.map is None:
        down, across = picture.shape[0], picture.shape[1]
        made.add_trace(go.Image(source=source, hoverinfo="skip"), row=row, col=column)
    else:
        numbers = np.nan_to_num(panel.map)
        down, across = numbers.shape
        image = {"source": source, "x": 0.5, "y": 0.5, "sizex": across, "sizey": down, "sizing": "stretch"}
        made.add_layout_image(image | {"layer": "below", "xanchor": "left", "yanchor": "top"}, row=row, col=column)
        # The picture has the colours; the cells over it, which cannot be seen, have the values.
        cells = go.Heatmap(
            z=small(numbers, panel.label),
            x0=1,
            dx=1,
            y0=1,
            dy=1,
            opacity=0,
            showscale=False,
            name=plain(panel.label),
            colorscale=plotly_scale(panel.palette or (panel.own_scale.palette if panel.own_scale else "viridis")),
            hovertemplate=f"{plain(panel.label)}<br>row %{{y}}, column %{{x}}<br>%{{z:.4g}}<extra></extra>",
        )
        made.add_trace(cells, row=row, col=column)
    quiet = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
    start = 0.5 if panel.map is not None else -0.5
    made.update_xaxes(**quiet, range=[start, across + start], row=row, col=column)
    anchor = made.get_subplot(row, column).xaxis.plotly_name.replace("axis", "")
    made.update_yaxes(**quiet, range=[down + start, start], scaleanchor=anchor, row=row, col=column)
