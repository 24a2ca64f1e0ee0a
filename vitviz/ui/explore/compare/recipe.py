"""A comparison as settings and as the Python that makes it again."""

from __future__ import annotations

from typing import Any

import numpy as np

from vitviz.analysis.map_comparison import MapComparison
from vitviz.attribution.attribute import find_method
from vitviz.export.manifest import seen
from vitviz.export.settings import ViewSettings
from vitviz.export.snippet import model_expression
from vitviz.images.crop import TRAINED
from vitviz.ui.choices.compare import AGAINST, BY, UNIT
from vitviz.ui.explore.compare.sides import Side, sees_its_own
from vitviz.ui.explore.evidence import maps
from vitviz.ui.furniture.recipe import Recipe, load_line, picture_expression
from vitviz.ui.furniture.settings import loaded_settings
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene


def recipe(now: Scene, a: Side, b: Side | None, comparison: MapComparison | None) -> Recipe:
    """Return the settings and the code of a comparison."""
    method = find_method(link.get(BY))
    options: dict[str, Any] = {
        "by": method.name,
        "knobs": maps.knobs(method),
        "against": link.get(AGAINST),
        "unit": link.get(UNIT),
        "first": _side(a),
        "second": None if b is None else _side(b),
    }
    if comparison is not None and not np.isnan(comparison.correlation):
        options["rank_correlation"] = comparison.correlation
    return Recipe(method="compare", options=options, code=_code(now, a, b))


def _side(side: Side) -> dict[str, Any]:
    return {
        "model": side.scene.vit.name,
        "weights": side.scene.vit.weights,
        "picture": photos.named(side.scene.photo_name),
        "digest": side.scene.photo.digest,
        **seen(side.scene.vit.crop, side.scene.part),
        "target": side.aim.first,
        "explained": side.aim.target.label,
    }


def _code(now: Scene, a: Side, b: Side | None) -> str:
    against = link.get(AGAINST)
    imports = ["import vitviz", "from vitviz.analysis.map_comparison import compare_maps"]
    if against == "model" and not (b and sees_its_own(b.scene.choice)):
        imports[-1] += ", same_crop"
    if against == "random":
        imports.append("from vitviz.analysis.redrawn import redrawn")
    imports.append("from vitviz.examples import example")
    lines = [
        *imports,
        "",
        load_line(now),
        f"picture = vitviz.open_image({picture_expression(now)})",
        "pixels = vit.preprocess(picture)",
        f"first = {_call(a, 'vit', 'pixels')}",
    ]
    if b is None:
        return "\n".join([*lines, "values = first.values", "first.image()", ""])
    return "\n".join(
        [
            *lines,
            *_other(now, b, against),
            f"second = {_call(b, 'other', 'there')}",
            "compared = compare_maps(",
            f"    first.values, second.values, (vit.grid, other.grid), unit={link.get(UNIT)!r}",
            ")",
            "values = compared.difference  # (rows, columns)",
            "print(compared.correlation)",
            "compared.image()",
            "",
        ]
    )


def _call(side: Side, vit: str, pixels: str) -> str:
    method = find_method(link.get(BY))
    knobs = "".join(f", {name}={value!r}" for name, value in maps.knobs(method).items())
    return f"vitviz.attribute({method.name!r}, {vit}, {pixels}, target={side.aim.first!r}{knobs})"


def _other(now: Scene, b: Side, against: str) -> list[str]:
    """Return the lines that leave B's model in ``other`` and its input in ``there``."""
    if against == "random":
        return ["other, there = redrawn(vit), pixels"]
    if against == "photo":
        own = "second.jpg" if photos.is_own(now.photo_name) else "photo.jpg"
        return ["other = vit", f"there = vit.preprocess(vitviz.open_image({picture_expression(b.scene, own=own)}))"]
    if against == "model":
        its_own = sees_its_own(b.scene.choice)
        named = ViewSettings(**loaded_settings(b.scene), crop=b.scene.vit.crop if its_own else TRAINED)
        there = "other.preprocess(picture)" if its_own else "same_crop(vit, other, picture)"
        return [f"other = {model_expression(named)}", f"there = {there}"]
    return ["other, there = vit, pixels"]
