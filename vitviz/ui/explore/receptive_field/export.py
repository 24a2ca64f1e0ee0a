"""What the Receptive field page gives to take away."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PIL import Image

from vitviz.figures.export import html_of_png
from vitviz.figures.sheet import Panel, print_figure
from vitviz.ui.choices.receptive_field import PICTURES
from vitviz.ui.explore.receptive_field import fields
from vitviz.ui.explore.receptive_field.fields import ProbedField
from vitviz.ui.furniture import viewer
from vitviz.ui.furniture.recipe import Recipe, load_line, picture_expression
from vitviz.ui.furniture.show import Export
from vitviz.ui.kept import networks
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, language


def export(scene: Scene, measured: list[ProbedField]) -> Export:
    """Return the files of the page: the maps for print, the fields as arrays, the settings, a page."""
    title = _("How far does one place see?")
    pictures = [(each, fields.picture(scene, each)) for each in measured]  # now: downloads have no session
    key = f"{fields.key(scene)} {viewer.caption(scene)}"

    def png() -> bytes:
        panels = [
            Panel(label=f"{each.probe.title}, {each.place}, {each.field.radius:.0f} px", picture=Image.fromarray(shown))
            for each, shown in pictures
        ]
        return print_figure(panels, title=title, caption=key)

    def arrays() -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {each.role: each.field.values for each in measured}
        return {**found, "picture": scene.picture}

    return Export(
        name=f"vitviz-receptive-field-layer{scene.layer}",
        settings=_recipe(scene, measured),
        png=png,
        arrays=arrays,
        html=lambda told: html_of_png(png(), title, key, told, language=language()),
    )


def _recipe(scene: Scene, measured: list[ProbedField]) -> Recipe:
    one = link.get(PICTURES) == "one"
    pictures = picture_expression(scene) if one else "[each.path for each in examples()]"
    code = "\n".join(
        [
            "import vitviz",
            f"from vitviz.examples import {'example' if one else 'examples'}",
            "",
            load_line(scene),
            f"field = vitviz.receptive_field(vit, {pictures}, layer={scene.layer}, token={scene.query!r})",
            "values = field.values  # (height, width)",
            "print(field.radius, field.area_ratios, field.gaussian.sigma)",
            *_rollout_code(scene, one),
            "",
            f'net = vitviz.load_convnet("timm:{networks.CNN}", weights="random", image_size=vit.image_size)',
            "print(vitviz.theoretical_field(net, net.layers - 1).size)  # what its last layer could see",
            "",
        ]
    )
    options = {
        "layer": scene.layer,
        "token": scene.query,
        "pictures": "this photo" if one else "the examples",
        "networks": [
            {
                "name": each.probe.model.name,
                "weights": each.probe.weights,
                "layer": each.layer,
                "token": each.field.token,
                "by": each.by,
                "radius": each.field.radius,
                "area_ratios": {str(k): v for k, v in each.field.area_ratios.items()},
            }
            for each in measured
        ],
    }
    return Recipe(method="receptive_field", options=options, code=code)


def _rollout_code(scene: Scene, one: bool) -> list[str]:
    if not one:
        return []
    return [
        f"trace = vitviz.trace(vit, {picture_expression(scene)})",
        f"rolled = vitviz.attention_field(trace, layer={scene.layer}, token={scene.query!r})",
        "print(rolled.mean_distance, rolled.area_50)",
    ]
