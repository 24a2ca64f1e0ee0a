"""A page's view as settings: for the manifest, and as the Python that computes it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vitviz.capture.edit import NO_EDIT
from vitviz.export.settings import ViewSettings
from vitviz.export.snippet import EXAMPLE
from vitviz.ui.choices.choice import Choice
from vitviz.ui.choices.photo import CROP, GRID
from vitviz.ui.choices.rollout import DISCARD, END, FUSION, RESIDUAL, START
from vitviz.ui.choices.shared import DIRECTION, OPACITY, PALETTE, SMOOTH, SPECIAL
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import chosen_model, link, photos
from vitviz.ui.reader.scene import Scene


def settings(scene: Scene, method: str, **options: Any) -> ViewSettings:
    """Return the settings of a view of this scene; ``options`` are those of the method."""
    return ViewSettings(
        picture=picture_named(scene.photo_name),
        opened=photos.opened_with(scene.photo_name),
        **loaded_settings(scene),
        crop=scene.vit.crop,
        edit=scene.trace.edit,
        method=method,
        **options,
    )


def loaded_settings(scene: Scene) -> dict[str, Any]:
    """Return the settings that load a scene's model again, in the shape of its photo if the grid follows that."""
    made = model_settings(scene.choice)
    return made | {"image_size": scene.vit.image_size} if link.get(CROP) == GRID else made


def model_settings(choice: ModelChoice) -> dict[str, Any]:
    """Return the settings that load a model again; an own one is called by its path below the folder, or its name."""
    call = chosen_model.call(choice)
    options = dict(call.options)
    return {
        "model": call.name,
        "weights": options.pop("weights", "pretrained"),
        "image_size": options.pop("image_size", None),
        "loading": options,
        "preprocessing": call.preprocessing,
    }


def picture_named(name: str, own: str = "photo.jpg") -> str:
    """Return a photo as settings name it: "example:" and its id; a reader's own is called ``own``."""
    return own if photos.is_own(name) else f"{EXAMPLE}{name}"


def attention(scene: Scene) -> ViewSettings:
    """Return the settings of the attention view."""
    return settings(
        scene,
        "attention",
        layer=scene.layer,
        head=scene.chosen_head,
        query=scene.query,
        direction=link.get(DIRECTION),
        hide_special=link.get(SPECIAL),
        look=look(),
    )


def rollout(scene: Scene) -> ViewSettings:
    """Return the settings of the rollout view."""
    return settings(
        scene,
        "rollout",
        query=scene.query,
        direction=link.get(DIRECTION),
        hide_special=link.get(SPECIAL),
        look=look(),
        **rollout_options(scene),
    )


def look() -> dict[str, Any]:
    """Return the options of a map's picture that the reader changed."""
    names: dict[str, Choice[Any]] = {"palette": PALETTE, "opacity": OPACITY, "interpolated": SMOOTH}
    return {name: link.get(choice) for name, choice in names.items() if link.get(choice) != choice.default}


def rollout_options(scene: Scene) -> dict[str, Any]:
    """Return the options of ``vitviz.rollout`` that the reader chose, made to fit the model."""
    last = scene.trace.layers - 1
    end = link.get(END)
    end = last if end < 0 else min(end, last)
    return {
        "head_fusion": link.get(FUSION),
        "discard_ratio": min(link.get(DISCARD), 0.95),
        "residual": link.get(RESIDUAL),
        "start_layer": min(link.get(START), end),
        "end_layer": end,
    }


def heads(scene: Scene, statistic: str) -> ViewSettings:
    """Return the settings of the heads view: its numbers are those of the model with all heads on.

    The heads that are off stay in its ``edit``: the page shows the answer without them.
    """
    return settings(scene, "heads", statistic=statistic)


def evidence(scene: Scene, **options: Any) -> ViewSettings:
    """Return the settings of the evidence view: its maps are those of the model with all heads on."""
    shown = {name: value for name, value in look().items() if name == "opacity"}
    return replace(settings(scene, "evidence", look=shown, **options), edit=NO_EDIT)
