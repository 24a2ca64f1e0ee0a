"""Words that the library has in English alone, in the reader's language: figures and maps in words, tokens, photos.

Names in braces are filled in by who uses a text, as those of the library are.
"""

from __future__ import annotations

import re

from vitviz.figures.alt import WORDS
from vitviz.figures.summary import TEMPLATES
from vitviz.images.notes import NOTES
from vitviz.models.vit import ViT
from vitviz.ui.text import N_, _

PHOTO_NOTES = NOTES
"""What ``vitviz.images`` notes on a photo that it changed, with braces where it has numbers."""


def figure_words() -> dict[str, str]:
    """Return the sentences of ``alt_text`` in the reader's language."""
    return {key: _(text) for key, text in WORDS.items()}


def map_words() -> dict[str, str]:
    """Return the sentences of ``describe_map`` in the reader's language."""
    return {key: _(text) for key, text in TEMPLATES.items()}


def token_name(name: str) -> str:
    """Return a prefix token in words, from its name in a grid, such as "register 1"."""
    kind, _space, number = name.partition(" ")
    numbered = {"register": N_("register {number}"), "prompt": N_("prompt {number}")}
    if kind in numbered and number.isdecimal():
        return _(numbered[kind]).format(number=number)
    return {"class": _("class"), "distillation": _("distillation")}.get(name, name)


def token_title(name: str) -> str:
    """Return a prefix token in words that stand alone, such as "class token"."""
    titles = {"class": _("class token"), "distillation": _("distillation token")}
    return titles.get(name) or token_name(name)


def duration(seconds: float) -> str:
    """Return a time as people say it: "under 0.01 s", "0.43 s", "7.2 s", "150 s", "12 min"."""
    if seconds < 0.01:
        return _("under 0.01 s")
    if seconds >= 600:
        return _("{minutes:.0f} min").format(minutes=seconds / 60)
    digits = 0 if seconds >= 9.95 else 1 if seconds >= 0.995 else 2
    return _("{seconds} s").format(seconds=f"{seconds:.{digits}f}")


def about(seconds: float) -> str:
    """Return an estimate of a time, no finer than it can be: two figures."""
    return duration(float(f"{seconds:.2g}"))


def fusion_names() -> dict[str, str]:
    """Return the ways to make one map of a layer's heads, by their names in the library."""
    return {"mean": _("mean"), "max": _("max"), "min": _("min")}


def replacement_names() -> dict[str, str]:
    """Return what may stand in the place of patches, or of the whole picture, by its name in the library."""
    return {
        "mean": _("Mean colour"),
        "blur": _("Blur"),
        "grey": _("Grey"),
        "black": _("Black"),
        "noise": _("Noise"),
        "removed": _("Remove tokens"),
    }


def is_random(vit: ViT) -> bool:
    """Return whether a model's weights were drawn at random and nothing was learned."""
    return vit.weights.startswith("random")


def model_name(vit: ViT) -> str:
    """Return the name of a model as it is shown, with random weights said beside it."""
    return _("{model}, random weights").format(model=vit.name) if is_random(vit) else vit.name


def photo_note(note: str) -> str:
    """Return a note on a photo in the reader's language; one that is not known stays as it is."""
    for text in PHOTO_NOTES:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(text))
        match = re.fullmatch(pattern, note)
        if match:
            return _(text).format(**match.groupdict())
    return note
