"""The choices about an own model: what its file does not tell, and how pictures are prepared for it."""

from __future__ import annotations

from vitviz.errors import OptionError
from vitviz.models.preprocessing import CROP_MODES, INTERPOLATIONS
from vitviz.ui.choices.choice import Choice, integer, name_or_none, number, one_of
from vitviz.ui.choices.shared import model_name, read_size
from vitviz.ui.text import _

ACTIVATIONS = ("relu", "gelu", "tanh", "silu", "none")
POOLINGS = ("token", "avg")


def colours_of(text: str) -> tuple[float, ...]:
    """Return the numbers of a text such as "0.5" or "0.485,0.456,0.406", three of them; none for an empty text."""
    parts = text.replace(";", ",").split(",") if text.strip() else []
    values = tuple(number(-10, 10)(part.strip()) for part in parts)
    if len(values) not in (0, 1, 3):
        raise OptionError(_("wanted one number, or three such as 0.485, 0.456, 0.406"))
    return values * 3 if len(values) == 1 else values


def colours_text(values: tuple[float, ...]) -> str:
    """Return three numbers as the link has them."""
    return ",".join(f"{value:.6g}" for value in values)


def _colours(text: str) -> str:
    return colours_text(colours_of(text))


def _deviations(text: str) -> str:
    if not all(value > 0 for value in colours_of(text)):
        raise OptionError(_("wanted numbers above 0"))
    return _colours(text)


def _names(text: str) -> str:
    return text if text in ("", "imagenet") else model_name(text)


OWN_ARCHITECTURE = Choice("own_architecture", "", name_or_none)  # empty: guessed
OWN_HEADS = Choice("own_heads", 0, integer(0, 256))  # 0: the file's, or the architecture's
OWN_KIND = Choice("own_kind", "averaged", one_of("averaged", "raw"))
OWN_ACTIVATION = Choice("own_activation", "", one_of("", *ACTIVATIONS))
OWN_POOLING = Choice("own_pooling", "", one_of("", *POOLINGS))  # empty: as file and architecture have it
OWN_TRAINED = Choice("own_trained", "", read_size)  # empty: as many positions as the file has, in their grid
OWN_NAMES = Choice("own_names", "", _names)  # empty: the file's own, or numbers
OWN_MEAN = Choice("own_mean", "", _colours)  # empty, here and below: the architecture's own
OWN_STD = Choice("own_std", "", _deviations)
OWN_CROP = Choice("own_crop", 0.0, number(0, 1))
OWN_INTERPOLATION = Choice("own_interpolation", "", one_of("", *INTERPOLATIONS))
OWN_CROP_MODE = Choice("own_crop_mode", "", one_of("", *CROP_MODES))
