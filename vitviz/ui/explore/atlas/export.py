"""What the Atlas page gives to take away: pictures, numbers, tables for spreadsheets, and heatmaps for FiftyOne."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.atlas import Atlas, PhotoValue
from vitviz.atlas.heatmaps import head_heatmaps
from vitviz.atlas.summary_table import csv_text, parquet_bytes
from vitviz.export.fiftyone import fiftyone_zip
from vitviz.figures.head_panel import head_panel
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, print_figure
from vitviz.ui.components.atlas_view import AtlasView
from vitviz.ui.explore.atlas import grid, head, layers, offline_views
from vitviz.ui.explore.atlas.chosen import Chosen, titles
from vitviz.ui.explore.atlas.comparison import Compared
from vitviz.ui.explore.atlas.photos import EXAMPLES, example_photos, readable_photos
from vitviz.ui.furniture import offline
from vitviz.ui.furniture.recipe import Recipe, load_line, picture_expression
from vitviz.ui.furniture.show import Export, File
from vitviz.ui.kept import atlases
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def export(scene: Scene, shown: Chosen, table: AtlasView, compared: Compared | None, by_layer: str) -> Export:
    """Return the files of the page; ``by_layer`` is the statistic of layers that it shows."""
    title = _("What does each head do over many photos?")
    caption = _("{atlas}: {model}, {photos:,} photos. vitviz").format(
        atlas=titles()[shown.name], model=shown.atlas.model, photos=shown.atlas.photos
    )
    panels = [
        _table(shown, shown.axis, spread=False),
        _table(shown, _("Spread over the photos"), spread=True),
        Panel(
            label=_("{head}, mean map").format(head=shown.head_name),
            map=head.mean_map(shown),
            scale=head.map_scale(shown),
        ),
    ]

    def png(**size: Any) -> bytes:
        return print_figure(panels, title=title, caption=caption, **size)

    return Export(
        name=f"vitviz-atlas-{shown.statistic}",
        settings=_recipe(scene, shown, compared, by_layer),
        png=png,
        arrays=lambda: _arrays(shown, compared) | _of_layers(shown),
        html=offline.page(table, title=title, caption=caption, below=offline_views.below(shown, compared)),
        more=_more(scene, shown),
    )


def _table(shown: Chosen, label: str, *, spread: bool) -> Panel:
    """Return a table of the heads in the colours of the page, with the chosen head outlined."""
    values = shown.summary.deviation if spread else shown.summary.mean
    scale = Scale(*grid.limits(shown, spread=spread), shares=shown.words[1] == "%")
    return replace(head_panel(label, values, scale), query=shown.head)


def _more(scene: Scene, shown: Chosen) -> list[File]:
    name = shown.statistic
    files: list[File] = [
        ("csv", _("Table (CSV)"), "text/csv", lambda: csv_text(shown.atlas, by_class=[name])),
        (
            "parquet", _("Table (Parquet)"), "application/vnd.apache.parquet",
            lambda: parquet_bytes(shown.atlas, by_class=[name]),
        ),
    ]  # fmt: skip
    source = heatmap_source(shown)
    if source is not None and head.is_same_model(scene, shown):
        files.append(
            ("fiftyone.zip", _("Heatmaps (FiftyOne)"), "application/zip", lambda: _fiftyone(scene, shown, *source))
        )
    return files


def heatmap_source(shown: Chosen) -> tuple[Atlas, tuple[PhotoValue, ...]] | None:
    """Return photos that can be read, with their atlas: those at both ends, else the example photos; None without."""
    atlas = shown.atlas
    ends = [
        value for largest in (True, False) for value in atlas.extremes(shown.statistic, shown.head, largest=largest)
    ]
    values = tuple({value.line: value for value in ends}.values())
    if readable_photos(shown, values[:1]):
        return atlas, values
    if not example_photos(shown):
        return None
    examples = atlases.get(EXAMPLES)
    return examples, examples.extremes(shown.statistic, shown.head)


def _fiftyone(scene: Scene, shown: Chosen, atlas: Atlas, values: tuple[PhotoValue, ...]) -> bytes:
    layer, number = shown.head
    about = {"model": atlas.model, "layer": layer, "head": number, "value": shown.statistic}
    return fiftyone_zip(head_heatmaps(scene.vit, atlas, values, layer=layer, head=number), about=about)


def _arrays(shown: Chosen, compared: Compared | None) -> dict[str, NDArray[Any]]:
    summary, spread = shown.summary, shown.atlas.histogram(shown.statistic)
    arrays: dict[str, NDArray[Any]] = {
        "map": summary.mean,
        "half": summary.half,
        "deviation": summary.deviation,
        "count": summary.count,
        "kinds": shown.kinds,
        "histogram": spread.counts,
        "edges": spread.edges,
        "mean_map": head.mean_map(shown),
    }
    classes = head.class_means(shown)
    if classes.labels:
        arrays |= {"classes": np.array(classes.labels), "class_mean": classes.mean, "class_half": classes.half}
    if compared is not None:
        arrays |= {"difference": compared.difference.mean, "difference_half": compared.difference.half}
    return arrays


def _of_layers(shown: Chosen) -> dict[str, NDArray[Any]]:
    """Return the means of everything that is known of layers, with their intervals, and the mean maps."""
    summaries = {name: shown.atlas.summary(name) for name in layers.available(shown.atlas)}
    arrays: dict[str, NDArray[Any]] = {f"by_layer_{name}": summary.mean for name, summary in summaries.items()}
    arrays |= {f"by_layer_{name}_half": summary.half for name, summary in summaries.items()}
    return arrays | {f"mean_{name}": shown.atlas.mean_map(name) for name in ("rollout", "outliers")}


def _recipe(scene: Scene, shown: Chosen, compared: Compared | None, by_layer: str) -> Recipe:
    options: dict[str, Any] = {
        "atlas": shown.name,
        "atlas_model": shown.atlas.settings["model"]["name"],
        "photos": shown.atlas.photos,
        "statistic": shown.statistic,
        "layer": shown.head[0],
        "head": shown.head[1],
        "statistic_of_layers": by_layer,
    }
    if compared is not None:
        options["compared_with"] = compared.other.model
    return Recipe(method="atlas", options=options, code=_code(scene, shown, by_layer))


def _code(scene: Scene, shown: Chosen, by_layer: str) -> str:
    shipped = shown.name in atlases.SHIPPED
    place = f"ATLASES / {shown.name!r}" if shipped else repr(shown.name)
    lines = ["import vitviz"]
    lines += ["from vitviz.assets import ATLASES"] if shipped else []
    own = head.is_same_model(scene, shown) and shown.statistic != "box_share"
    lines += ["from vitviz.examples import example"] if own and "example(" in picture_expression(scene) else []
    lines.append("from vitviz.figures.photo_spread import spread_chart")
    lines += [
        "",
        f"atlas = vitviz.read_atlas({place})  # {shown.atlas.photos:,} photos",
        f"summary = atlas.summary({shown.statistic!r})  # mean, half (of the 95% interval), deviation, count",
        "values = summary.mean  # (layer, head)",
        "kinds = vitviz.head_kinds(atlas)  # (layer, head)",
        f"print(atlas.extremes({shown.statistic!r}, {shown.head}))  # the photos that drive the head most",
        f"atlas.summary({by_layer!r}).figure()  # by layer",
    ]
    if own:
        lines += [
            "",
            load_line(scene),
            f"trace = vitviz.trace(vit, {picture_expression(scene)})",
            f"print(vitviz.head_statistics(trace).{shown.statistic}[{shown.head[0]}, {shown.head[1]}])  # this photo",
        ]
    lines += [
        "",
        f"spread = atlas.histogram({shown.statistic!r})",
        f"spread_chart(spread.counts[{shown.head[0]}, {shown.head[1]}], spread.edges, x_title={shown.statistic!r})",
    ]
    return "\n".join(lines) + "\n"
