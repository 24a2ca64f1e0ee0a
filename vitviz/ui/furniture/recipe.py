"""A view that is measured and not looked up: its settings and the Python that measures it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.export import snippet
from vitviz.ui.furniture.settings import picture_named, settings
from vitviz.ui.reader import photos
from vitviz.ui.reader.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of a measurement, for the manifest, and the code that repeats it."""

    method: str
    options: Mapping[str, Any]
    """Plain values that JSON has words for."""
    code: str
    """Python that leaves the numbers in ``values``."""
    edit: Edit = NO_EDIT
    """Measurements are those of the model as it is, whatever heads are switched off elsewhere."""

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {"method": self.method, **self.options}


def load_line(scene: Scene) -> str:
    """Return the line of Python that loads the scene's model."""
    return f"vit = {snippet.model_expression(settings(scene, 'attention'))}"


def picture_expression(scene: Scene, *, own: str = "photo.jpg") -> str:
    """Return the Python that names the scene's picture; a reader's own is called ``own``."""
    return snippet.picture_expression(picture_named(scene.photo_name, own), photos.opened_with(scene.photo_name))
