"""What the Positions page gives to take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from vitviz.analysis.interpolation import InterpolatedPositions
from vitviz.analysis.positions import PositionSimilarity, ReadOut, position_components
from vitviz.analysis.shuffling import ShuffleExperiment
from vitviz.figures.mosaic import mosaic
from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.ui.components.labels import board_map_labels
from vitviz.ui.components.map_board import MapBoard, PlaceMaps
from vitviz.ui.explore.positions.encoding import in_words, scale, step, unit
from vitviz.ui.explore.positions.input_sizes import Answers
from vitviz.ui.furniture import offline, viewer
from vitviz.ui.furniture.recipe import Recipe, load_line, picture_expression
from vitviz.ui.furniture.show import Export
from vitviz.ui.reader.scene import Scene, pinned_patch
from vitviz.ui.text import _
from vitviz.ui.words.labels import is_random


@dataclass(frozen=True, eq=False)
class PositionMeasurements:
    """All that the page measured."""

    similarity: PositionSimilarity
    read_out: ReadOut | None
    interpolated: InterpolatedPositions | None
    shuffled: ShuffleExperiment | None
    sizes: Answers


def export(scene: Scene, measured: PositionMeasurements) -> Export:
    """Return the files of the page: mosaic and large map for print, the numbers, the settings, a page."""
    similarity, chosen = measured.similarity, pinned_patch(scene)
    title = _("What does the model know about places?")
    words = in_words(similarity.kind, random=is_random(scene.vit))
    caption = f"{words.replace('**', '')} {viewer.caption(scene)}"
    panels = [Panel(label=similarity.reason, photo=scene.picture)]
    if similarity.values is not None:
        large = Panel(
            label=unit(similarity),
            map=similarity.map(chosen),
            scale=scale(similarity),
            query=similarity.grid.position(chosen),
        )
        panels = [Panel(label=_("The same from every place"), picture=_sheet(scene, similarity)), large]

    def png(**size: Unpack[PrintSize]) -> bytes:
        return print_figure(panels, title=viewer.titled(scene, title), caption=caption, **size)

    return Export(
        name="vitviz-positions",
        settings=_recipe(scene, measured),
        png=png,
        arrays=lambda: _arrays(scene, measured, chosen),
        html=offline.page(
            _board(title, similarity, panels, chosen), title=viewer.titled(scene, title), caption=caption
        ),
    )


def _board(title: str, similarity: PositionSimilarity, panels: list[Panel], chosen: int) -> MapBoard:
    """Return the map of the chosen place, which a click makes that of another; the reason where there is none."""
    if similarity.values is None:
        return MapBoard(name=title, panels=panels)
    grid = similarity.grid
    maps = np.stack([similarity.map(place) for place in range(grid.patches)])
    labels = {**board_map_labels(), "hint": _("Point at a place to read it, click it to see its own map.")}
    labels["hint_touch"] = _("Tap a place to see its map.")
    return MapBoard(name=title, panels=[], places=PlaceMaps(panel=panels[-1], maps=maps, chosen=chosen), labels=labels)


def _sheet(scene: Scene, similarity: PositionSimilarity) -> Any:
    stride = step(scene)
    row, column = similarity.grid.position(pinned_patch(scene))
    selected = (row // stride, column // stride) if row % stride == column % stride == 0 else None
    shown = similarity.mosaic()[::stride, ::stride]
    return mosaic(shown, scale=scale(similarity), selected=selected, bar=False)


def _arrays(scene: Scene, measured: PositionMeasurements, chosen: int) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"picture": scene.picture}
    similarity, experiment = measured.similarity, measured.shuffled
    if similarity.values is not None:
        row, column = similarity.profiles()
        arrays |= {"map": similarity.map(chosen), "similarity": similarity.values}
        arrays |= {"row_profile": row, "column_profile": column}
    if similarity.vectors is not None:
        count = min(6, *similarity.vectors.shape)
        arrays["components"] = position_components(similarity, count=count).maps
    if measured.interpolated is not None:
        ways = measured.interpolated.similarity_after
        arrays |= {"similarity_antialiased": ways[True], "similarity_not_antialiased": ways[False]}
    if experiment is not None:
        arrays |= {
            "shuffled_shares": np.array(experiment.shares),
            "cosine_with_positions": experiment.with_positions.cosine,
            "cosine_without_positions": experiment.without_positions.cosine,
        }
    if measured.sizes:
        answers = measured.sizes.values()
        arrays |= {
            "input_sizes": np.array([answer.image_size for answer in answers]),
            "input_size_tokens": np.array([answer.tokens for answer in answers]),
            "input_size_seconds": np.array([answer.seconds for answer in answers]),
            "input_size_cosine": np.array([answer.cosine for answer in answers]),
        }
    return arrays


def _recipe(scene: Scene, measured: PositionMeasurements) -> Recipe:
    similarity, read_out = measured.similarity, measured.read_out
    options: dict[str, Any] = {"kind": similarity.kind, "kinds": similarity.kinds}
    options |= {"patch": pinned_patch(scene), "unit": similarity.unit, "reason": similarity.reason}
    if read_out is not None:
        options["read_out"] = {
            name: None if np.isnan(value) else value
            for name, value in (("row", read_out.row), ("column", read_out.column))
        }
    if measured.interpolated is not None:
        after = measured.interpolated.after
        options["new_grid"] = [after.rows, after.columns]
        options["difference_of_the_two_ways"] = measured.interpolated.difference
    return Recipe(method="positions", options=options, code=_code(scene, measured))


def _code(scene: Scene, measured: PositionMeasurements) -> str:
    similarity, after = measured.similarity, measured.interpolated
    first = similarity.kinds[:1] == (similarity.kind,) or similarity.values is None
    kind = "" if first else f", kind={similarity.kind!r}"
    lines = ["import vitviz", "", load_line(scene)]
    lines.append(f"similarity = vitviz.position_similarity(vit{kind})")
    if similarity.values is None:
        lines.append("values = similarity.values  # None: similarity.reason says why")
    else:
        lines.append(f"values = similarity.map({pinned_patch(scene)})  # (rows, columns)")
    if measured.read_out is not None:
        lines.append("print(vitviz.position_read_out(similarity.vectors, similarity.grid))")
    if after is not None:
        shape = f"{after.after.rows}, {after.after.columns}"
        lines.append(f"print(vitviz.interpolated_similarity(vit, {shape}).difference)")
    if measured.shuffled is not None or measured.sizes:
        lines.insert(1, "from vitviz.examples import example")
    pictures = []
    if measured.sizes:
        sizes = list(measured.sizes)
        lines.append(f"answers = vitviz.input_sizes(vit, {picture_expression(scene)}, sizes={sizes})")
        pictures.append("vitviz.show(answers).figure()")
    if measured.shuffled is not None:
        lines.append(f"shuffled = vitviz.shuffle_experiment(vit, {picture_expression(scene)})")
        pictures.append("shuffled.figure()")
    if similarity.values is not None:
        pictures.append(f"similarity.image(patch={pinned_patch(scene)})")
    lines += pictures[-1:]
    return "\n".join(lines) + "\n"
