"""ViewSettings: everything that was chosen for a view, as one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.errors import check_choice
from vitviz.images import Crop
from vitviz.images.crop import TRAINED
from vitviz.record import Record

METHODS: dict[str, tuple[str, ...]] = {
    "attention": ("layer", "head", "query", "direction", "hide_special"),
    "layers": ("head", "query"),
    "rollout": (
        "query",
        "direction",
        "hide_special",
        "head_fusion",
        "discard_ratio",
        "residual",
        "start_layer",
        "end_layer",
    ),
    "heads": ("statistic",),
    "evidence": ("target", "other", "explanations", "knobs", "box", "tests"),
}
"""The settings that count for each method; the others are left out of its manifest and its code."""


@dataclass(frozen=True, kw_only=True)
class ViewSettings(Record):
    """What to show of which model and picture. Values are checked where they are used."""

    picture: str = "photo.jpg"
    """File name or path of the picture, or "example:" and the id of an example photo."""
    opened: Mapping[str, Any] = field(default_factory=dict)
    """Options of ``vitviz.open_photo``: the window and the frame, where they were chosen."""
    model: str = "default"
    """Name for ``vitviz.load_vit``."""
    weights: str = "pretrained"
    """"pretrained", "random" or the name of a weights file."""
    seed: int = 0
    """Of random weights."""
    image_size: tuple[int, int] | None = None
    """Height and width of the input in pixels; None is the model's own."""
    loading: Mapping[str, Any] = field(default_factory=dict)
    """More options of ``vitviz.load_vit``, by name: what a weights file does not tell."""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """Options of ``ViT.with_preprocessing``, where pictures are prepared in another way than the model's own."""
    crop: Crop = TRAINED
    """How a picture of another shape is brought to that of the input; see ``ViT.with_crop``."""
    target: int | None = None
    """Class that is explained; None if no class is."""
    other: int | None = None
    """Class that ``target`` is set against."""
    edit: Edit = NO_EDIT
    """What was changed inside the model; of heads, only beside their numbers, which are of the model as it is."""
    method: str = "attention"
    """"attention", "layers", "rollout", "heads" or "evidence"."""
    layer: int | None = None
    """None is the last layer."""
    head: int | str = "mean"
    query: str = "class"
    """``vitviz.attention.view.default_query`` says which one a model shows first."""
    direction: str = "attends_to"
    hide_special: bool = True
    head_fusion: str = "mean"
    discard_ratio: float = 0.0
    residual: float = 0.5
    start_layer: int = 0
    end_layer: int | None = None
    statistic: str = "entropy"
    """Name of a table of ``vitviz.HeadStatistics``."""
    explanations: tuple[str, ...] = ()
    """Names of ``vitviz.METHODS``."""
    knobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of each explanation by its name; those that are left out have their defaults."""
    box: tuple[int, int, int, int] | None = None
    """(left, top, right, bottom) of the object in pixels of the input; None if none was drawn."""
    tests: tuple[str, ...] = ()
    """Which tests of the explanations are there: "curves" (deletion and insertion), "weights" (made random)."""
    look: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Options of the result's picture, such as its ``palette``, where they are not its own defaults."""

    def __post_init__(self) -> None:
        check_choice("Method", self.method, METHODS)

    def describe(self) -> dict[str, Any]:
        """Return the settings that count for the method as plain values, for a manifest."""
        opened = {"opened": dict(self.opened)} if self.opened else {}
        more = {"loading": self.loading, "preprocessing": self.preprocessing, "look": self.look}
        told = {name: dict(values) for name, values in more.items() if values}
        return {"method": self.method, **{name: getattr(self, name) for name in METHODS[self.method]}, **opened, **told}
