"""ModelChoice: everything that decides which model a reader looks at, and the call of the library that loads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from vitviz.models.checkpoints.selection import WeightsKind
from vitviz.models.timm_weights import TIMM

FILE, UPLOAD = "file:", "upload:"
"""What the names of a reader's own models begin with: a path below the server's folder, or an uploaded file's name."""
IMAGENET = "imagenet"
Size = tuple[int, int]


@dataclass(frozen=True)
class OwnOptions:
    """What is said of an own model; empty values leave it to the file and the architecture."""

    architecture: str = ""
    """timm's name, without "timm:"."""
    heads: int = 0
    kind: WeightsKind = "averaged"
    """Which weights of a file that has both averaged and raw ones."""
    activation: str = ""
    """Between the matrices of a classifier of several layers."""
    pooling: str = ""
    """What the classifier reads: "token" or "avg"; empty as the file and its architecture have it."""
    trained: Size | None = None
    """Height and width that it was trained for."""
    names: str = ""
    """Class names: "imagenet", or FILE or UPLOAD and a name."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    crop: float = 0.0
    interpolation: str = ""
    crop_mode: str = ""

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The options of ``ViT.with_preprocessing`` that were changed."""
        given = {
            "mean": self.mean,
            "std": self.std,
            "crop": self.crop,
            "interpolation": self.interpolation,
            "crop_mode": self.crop_mode,
        }
        return {name: value for name, value in given.items() if value}

    @property
    def of_file(self) -> dict[str, Any]:
        """The options of ``load_vit`` that belong to a weights file."""
        given = {
            "heads": self.heads,
            "weights_kind": "" if self.kind == "averaged" else self.kind,
            "head_activation": self.activation,
            "pooling": self.pooling,
            "trained_size": self.trained,
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class ModelChoice:
    """A model as a reader chose it."""

    name: str = "default"
    """A name for ``load_vit``, or FILE and a path, or UPLOAD and a file's name."""
    weights: str = "pretrained"
    size: Size | None = None
    """Height and width of the input; None for the model's own."""
    own: OwnOptions = OwnOptions()
    precision: Literal["", "float32", "bfloat16", "float16"] = ""
    """Of weights and passes; empty for the server's."""
    answers: Literal["", "one", "several"] = ""
    """Whether one class is right or several may be at once; empty as the model's own settings say."""
    content: str = field(default="", compare=False)
    """SHA-256 of an own model's file and of its class names: what it is, whatever it is called."""

    @property
    def is_own(self) -> bool:
        """Whether it is a file of the reader's, and not a model by name."""
        return self.name.startswith((FILE, UPLOAD))

    @property
    def title(self) -> str:
        """The name without what it begins with: that of a file, or of a model."""
        return self.name.removeprefix(FILE).removeprefix(UPLOAD) if self.is_own else self.name

    @property
    def key(self) -> str:
        """What stands for it in cache keys."""
        chosen = filter(None, (self.precision, self.answers))
        own = (self.own, self.content) if self.is_own else ()
        return "|".join(map(str, (self.name, self.weights, self.size or 0, *chosen, *own)))

    @property
    def chosen(self) -> dict[str, Any]:
        """The options of ``load_vit`` that any model has: size, precision, several answers."""
        options: dict[str, Any] = {"image_size": self.size, "precision": self.precision}
        options = {name: value for name, value in options.items() if value}
        return options | ({"multi_label": self.answers == "several"} if self.answers else {})

    def call(self, path: str = "", names: str = "", folder: bool = False) -> Call:
        """Return the call of ``load_vit``: ``path`` and ``names`` are where file and class names lie, for an own one.

        ``folder`` says that the model is a folder of transformers.
        """
        options = self.chosen
        if not self.is_own:
            return Call(self.name, options if self.weights == "pretrained" else {"weights": self.weights, **options})
        if self.own.names:
            options["class_names"] = IMAGENET if self.own.names == IMAGENET else names
        if folder:
            return Call(f"hf:{path}", options, self.own.preprocessing)
        options = {"weights": path, **self.own.of_file, **options}
        return Call(f"{TIMM}{self.own.architecture}", options, self.own.preprocessing)


@dataclass(frozen=True)
class Call:
    """A call of ``load_vit`` and, where there are options for it, one of ``with_preprocessing``."""

    name: str
    options: dict[str, Any]
    preprocessing: dict[str, Any] = field(default_factory=dict)
