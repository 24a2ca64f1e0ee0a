"""A view that is measured and not looked up: its settings and the Python that measures it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.ui.choices.shared import SIZE, WEIGHTS
from vitviz.ui.reader import link, photos
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
    """Return the line of Python that loads the scene's model; texts are literals, so no name becomes code."""
    options = [repr(scene.vit.name)]
    weights, size = link.get(WEIGHTS), link.get(SIZE)
    if weights != "pretrained":
        options.append(f"weights={weights!r}")
    if weights == "random":
        options.append("seed=0")
    if size:
        options.append(f"image_size={(size, size)!r}")
    return f"vit = vitviz.load_vit({', '.join(options)})"


def picture_expression(scene: Scene) -> str:
    """Return the Python that names the scene's picture."""
    own = scene.photo_name in photos.OWN
    return repr("photo.jpg") if own else f"example({scene.photo_name!r}).path"
