"""The files of the Patches page, and the Python that gives its numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from vitviz.analysis.drop_curve import DropCurve
from vitviz.analysis.patch_size import PatchSizeAnswer
from vitviz.attention.view import MapView
from vitviz.attribution import Attribution
from vitviz.attribution.attribute import find_method
from vitviz.figures.sheet import Panel, PrintSize, even_columns, print_figure
from vitviz.ui.choices.patches import PATCH_MAP
from vitviz.ui.components.map_board import MapBoard
from vitviz.ui.explore.evidence import maps
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.explore.patches import attention, drop_curve
from vitviz.ui.explore.patches.painting import Changed
from vitviz.ui.furniture import lines, offline, viewer
from vitviz.ui.furniture.panel import look
from vitviz.ui.furniture.recipe import Recipe, load_line, picture_expression
from vitviz.ui.furniture.show import Export
from vitviz.ui.kept import networks
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.errors import clause


@dataclass(frozen=True, eq=False)
class PatchMeasurements:
    """What the page shows besides the changed picture; None for what nobody asked for."""

    maps: tuple[MapView, MapView]
    """Of the whole photo and of the changed one."""
    curve: DropCurve | None
    occlusion: Attribution | None
    sizes: tuple[PatchSizeAnswer, ...] | None


def export(scene: Scene, aim: Aim, changed: Changed, measured: PatchMeasurements) -> Export:
    """Return the files of the page: photo, changed photo and maps for print, the numbers, the settings, a page."""
    panels = _panels(scene, changed, measured)
    title, caption = viewer.titled(scene, _("What if patches change?")), viewer.caption(scene)
    charts, names = dict(lines.charts()), {"vit_answers": scene.vit.name, "cnn_answers": networks.CNN_TITLE}

    def png(**size: Unpack[PrintSize]) -> bytes:
        columns = even_columns(len(panels) + len(charts), 4)
        printed = [*panels, *lines.panels(charts, columns=columns, names=names, **size)]
        return print_figure(printed, title=title, caption=caption, columns=columns, **size)

    return Export(
        name="vitviz-patches",
        settings=_recipe(scene, aim, changed, measured),
        png=png,
        arrays=lambda: _arrays(scene, changed, measured),
        html=offline.page(MapBoard(name=title, panels=panels), title=title, caption=caption),
    )


def _panels(scene: Scene, changed: Changed, measured: PatchMeasurements) -> list[Panel]:
    before, after = measured.maps
    pictures = [Panel(label=_("Whole photo"), photo=scene.picture)]
    if changed:
        pictures.append(Panel(label=_("Patches changed"), photo=changed.picture))
    whole, *others = attention.panels(scene, changed, before, after)
    label = clause(before.label)
    panels = [*pictures, replace(whole, label=label[:1].upper() + label[1:]), *others]
    if measured.occlusion is not None:
        method = find_method("occlusion")
        panels.append(maps.panel(scene, method, measured.occlusion, look(signed=method.signed)))
    return panels


def _arrays(scene: Scene, changed: Changed, measured: PatchMeasurements) -> dict[str, NDArray[Any]]:
    grid = scene.vit.grid
    before, after = measured.maps
    painted = np.isin(np.arange(grid.patches), list(changed.painting.patches))
    arrays: dict[str, NDArray[Any]] = {
        "map": after.values,
        "map_before": before.values,
        "painted": painted.reshape(grid.rows, grid.columns),
        "picture": scene.picture,
        "changed_picture": changed.picture,
        "answer": _answer(changed.trace),
        "answer_before": _answer(scene.original),
    }
    if measured.curve is not None:
        arrays |= _curve(measured.curve)
    if measured.occlusion is not None:
        arrays["occlusion"] = measured.occlusion.values
    for name in ("patch_size", "tokens", "macs", "seconds", "cosine") if measured.sizes else ():
        arrays[f"sizes_{name}"] = np.array([getattr(answer, name) for answer in measured.sizes or ()])
    return arrays


def _curve(curve: DropCurve) -> dict[str, NDArray[Any]]:
    return {
        "dropped": curve.fractions,
        "most_attended_first": curve.most_attended,
        "least_attended_first": curve.least_attended,
        "random_mean": curve.random.mean,
        "random_low": curve.random.low,
        "random_high": curve.random.high,
    }


def _answer(trace: Any) -> NDArray[np.float32]:
    numbers = trace.embedding if trace.logits is None else trace.logits
    answer: NDArray[np.float32] = numbers.float().cpu().numpy()
    return answer


def _recipe(scene: Scene, aim: Aim, changed: Changed, measured: PatchMeasurements) -> Recipe:
    patches = sorted(changed.painting.patches) if changed else []
    options: dict[str, Any] = {
        "painted": patches,
        "change": changed.change,
        "keep_only": changed.keep_only,
        "map": link.get(PATCH_MAP),
        "target": aim.target.label,
        "drop_curve_draws": None if measured.curve is None else drop_curve.DRAWS,
        "patch_sizes": None if measured.sizes is None else [answer.patch_size for answer in measured.sizes],
    }
    lines = [*_code(scene, changed, patches), *_measurements(aim, measured), *_picture(scene, changed)]
    return Recipe(method="patches", options=options, code="\n".join(lines) + "\n")


def _code(scene: Scene, changed: Changed, patches: list[int]) -> list[str]:
    keep = ", keep_only=True" if changed.keep_only and changed else ""
    answer = "logits" if scene.vit.has_classifier else "embedding"
    return [
        "import vitviz",
        "from vitviz.attention.rollout_view import rollout_view"
        if link.get(PATCH_MAP) == "rollout"
        else "from vitviz.attention.view import attention_view",
        "from vitviz.examples import example",
        "",
        load_line(scene),
        f"picture = {picture_expression(scene)}",
        f"patches = {patches}",
        f"trace = vitviz.change_patches(vit, picture, patches, {changed.change!r}{keep})",
        f"values = trace.{answer}",
    ]


def _picture(scene: Scene, changed: Changed) -> list[str]:
    """Return the lines that draw the maps before and after."""
    head = "" if scene.chosen_head == "mean" else f", head={scene.chosen_head!r}"
    view = "rollout_view({})"
    if link.get(PATCH_MAP) != "rollout":
        view = f"attention_view({{}}, layer={scene.layer}{head})"
    if not changed:
        return [f"{view.format('trace')}.image()"]
    return [
        "maps = [" + ", ".join(view.format(trace) for trace in ("vitviz.trace(vit, picture)", "trace")) + "]",
        'vitviz.side_by_side(*maps, labels=("whole photo", "patches changed")).image()',
    ]


def _measurements(aim: Aim, measured: PatchMeasurements) -> list[str]:
    target = "" if aim.first is None else f", target={aim.first}"
    if aim.other is not None:
        target = f", target=vitviz.contrast(vit, {aim.first}, {aim.other})"
    lines = []
    if measured.curve is not None:
        replacement = f", replacement={measured.curve.replacement!r}"
        lines.append(f"curve = vitviz.drop_curve(vit, picture{target}{replacement})")
    if measured.occlusion is not None:
        knobs = "".join(f", {name}={value!r}" for name, value in measured.occlusion.knobs.items())
        lines.append(f'occlusion = vitviz.attribute("occlusion", vit, picture{target}{knobs})')
    if measured.sizes is not None:
        listed = tuple(answer.patch_size for answer in measured.sizes)
        lines.append(f"sizes = vitviz.patch_sizes(vit, picture, sizes={listed})")
    return lines
