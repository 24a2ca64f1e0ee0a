"""The files of the Evidence page: its maps, the curves and the checks that were asked for, and the Python for them."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from vitviz.export.settings import ViewSettings
from vitviz.figures.sheet import Panel, PrintSize, even_columns, print_figure
from vitviz.ui.choices.evidence import BOX, box_of
from vitviz.ui.components.map_board import MapBoard
from vitviz.ui.explore.evidence import curves, maps, weights
from vitviz.ui.explore.evidence.maps import Outcome
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.furniture import lines, offline, viewer
from vitviz.ui.furniture import settings as view_settings
from vitviz.ui.furniture.panel import look
from vitviz.ui.furniture.show import Export
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def export(scene: Scene, aim: Aim, outcomes: list[Outcome]) -> Export:
    """Return the files of the maps that are there, with what was measured of them."""
    # now: a download runs outside the session, without its choices
    shown = [outcome for outcome in outcomes if outcome.attribution is not None]
    panels = [Panel(label=_("Photo"), photo=scene.picture), *(_panel(scene, outcome) for outcome in shown)]
    title = viewer.titled(scene, _("Explained: {target}").format(target=aim.label))
    caption, charts = viewer.caption(scene), dict(lines.charts())
    measured = _measured(scene, aim, shown)

    def png(**size: Unpack[PrintSize]) -> bytes:
        columns = 4 if max(scene.vit.image_size) <= 448 else 2  # a pixel must not vanish in print
        columns = even_columns(len(panels) + len(charts), min(3, columns) if charts else columns)
        printed = [*panels, *lines.panels(charts, columns=columns, **size)]
        return print_figure(printed, title=title, caption=caption, columns=columns, **size)

    def arrays() -> dict[str, NDArray[Any]]:
        values = {outcome.method.name: outcome.attribution.values for outcome in shown if outcome.attribution}
        first = {"map": next(iter(values.values()))} if values else {}
        return {**first, **values, "picture": scene.picture, **measured}

    return Export(
        name="vitviz-evidence",
        settings=_settings(scene, aim, shown),
        png=png,
        arrays=arrays,
        html=offline.page(MapBoard(name=title, panels=panels), title=title, caption=caption),
    )


def _panel(scene: Scene, outcome: Outcome) -> Panel:
    assert outcome.attribution is not None
    return maps.panel(scene, outcome.method, outcome.attribution, look(signed=outcome.method.signed))


def _measured(scene: Scene, aim: Aim, shown: list[Outcome]) -> dict[str, NDArray[Any]]:
    """Return the numbers of the curves and of the check by random weights, for the maps that have them."""
    arrays: dict[str, NDArray[Any]] = {}
    tested, band = curves.tested(scene, aim, shown)
    for outcome, result in tested:
        for curve in (result.first, result.second):
            arrays[f"{outcome.method.name}_{curve.name}"] = curve.values
            arrays[f"{outcome.method.name}_{curve.name}_area"] = np.array(curve.area)
    for curve in (band.first, band.second) if tested and band else ():
        assert curve.random is not None
        arrays[f"{curve.name}_fractions"] = curve.fractions
        arrays |= {f"random_{curve.name}_{name}": getattr(curve.random, name) for name in ("mean", "low", "high")}
    for outcome in shown:
        check = weights.checked(aim, outcome)
        if check is not None:
            arrays["randomised_stages"] = np.array(check.stages)
            arrays[f"{outcome.method.name}_randomised_correlation"] = check.correlations
    return arrays


def _settings(scene: Scene, aim: Aim, shown: list[Outcome]) -> ViewSettings:
    """Return the settings of the view: its maps are those of the model with all heads on."""
    tests = ["curves"] if curves.tested(scene, aim, shown)[0] else []
    tests += ["weights"] if any(weights.checked(aim, outcome) for outcome in shown) else []
    methods = [outcome.method for outcome in shown]
    return view_settings.evidence(
        scene,
        target=aim.first,
        other=aim.other,
        explanations=tuple(method.name for method in methods),
        knobs={method.name: maps.knobs(method) for method in methods if maps.knobs(method)},
        box=box_of(link.get(BOX)) if link.get(BOX) else None,
        tests=tuple(tests),
    )
