"""What the Receptive field page gives to take away."""

from __future__ import annotations

from typing import Any, Unpack

from numpy.typing import NDArray
from PIL import Image

from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.ui.choices.receptive_field import FIELD_SCALE, PICTURES
from vitviz.ui.components.map_board import MapBoard
from vitviz.ui.explore.receptive_field import depth_film, fields
from vitviz.ui.explore.receptive_field.measurement import ProbedField
from vitviz.ui.furniture import offline, viewer
from vitviz.ui.furniture.recipe import Recipe, load_line, picture_expression
from vitviz.ui.furniture.show import Export
from vitviz.ui.kept import networks
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def export(scene: Scene, measured: list[ProbedField]) -> Export:
    """Return the files of the page: the maps for print, the fields as arrays, the settings, a page with the film."""
    title = _("How far does one place see?")
    panels = [  # now: downloads have no session
        Panel(
            label=f"{network.probe.title}, {network.place}, {network.field.radius:.0f} px",
            picture=Image.fromarray(fields.picture(scene, network)),
        )
        for network in measured
    ]
    key = f"{fields.key(scene)} {viewer.caption(scene)}"
    heading = viewer.titled(scene, title)

    def png(**size: Unpack[PrintSize]) -> bytes:
        return print_figure(panels, title=heading, caption=key, **size)

    def arrays() -> dict[str, NDArray[Any]]:
        maps: dict[str, NDArray[Any]] = {network.role: network.field.values for network in measured}
        return {**maps, "picture": scene.picture}

    film, board = depth_film.view(scene), MapBoard(name=title, panels=panels)
    return Export(
        name=f"vitviz-receptive-field-layer{scene.layer}",
        settings=_recipe(scene, measured),
        png=png,
        arrays=arrays,
        html=offline.page(film or board, title=heading, caption=key, below=[("", board)] if film else []),
    )


def _recipe(scene: Scene, measured: list[ProbedField]) -> Recipe:
    single = link.get(PICTURES) == "one"
    pictures = picture_expression(scene) if single else "[photo.path for photo in photographs()]"
    code = "\n".join(
        [
            "import vitviz",
            f"from vitviz.examples import {'example' if single else 'photographs'}",
            "",
            load_line(scene),
            f"field = vitviz.receptive_field(vit, {pictures}, layer={scene.layer}, token={scene.query!r})",
            "values = field.values  # (height, width)",
            "print(field.radius, field.area_ratios, field.gaussian.sigma)",
            *_rollout_code(scene, single),
            "",
            f'net = vitviz.load_convnet("{networks.CNN}", image_size=vit.image_size)',
            "print(vitviz.theoretical_field(net, net.layers - 1).size)  # what its last layer could see",
            f"field.image(scale={link.get(FIELD_SCALE)!r})",
            "",
        ]
    )
    options = {
        "layer": scene.layer,
        "token": scene.query,
        "pictures": "this photo" if single else "the examples",
        "networks": [
            {
                "name": network.probe.model.name,
                "weights": network.probe.weights,
                "layer": network.layer,
                "token": network.field.token,
                "by": network.by,
                "radius": network.field.radius,
                "area_ratios": {str(k): v for k, v in network.field.area_ratios.items()},
            }
            for network in measured
        ],
    }
    return Recipe(method="receptive_field", options=options, code=code)


def _rollout_code(scene: Scene, single: bool) -> list[str]:
    if not single:
        return []
    return [
        f"trace = vitviz.trace(vit, {picture_expression(scene)})",
        f"rolled = vitviz.attention_field(trace, layer={scene.layer}, token={scene.query!r})",
        "print(rolled.mean_distance, rolled.area_50)",
    ]
