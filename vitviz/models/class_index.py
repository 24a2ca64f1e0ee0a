"""Classes as people write them: by number, by name or by an id such as WordNet's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from vitviz.clause import Clause
from vitviz.errors import OptionError, suggest
from vitviz.models.vit import ViT


def folder_class(vit: ViT, folders: Iterable[str], ids: Mapping[str, str]) -> int | None:
    """Return the class that the first of some folders is called like, by name or by an id, or None.

    Letter case, "_" and "-" make no difference; a folder called by a number, or like several classes, says nothing.
    """
    names = _by_name(vit, _plain)
    for folder in folders:
        indices = names.get(_plain(ids.get(folder, folder)), [])
        if len(indices) == 1:
            return indices[0]
    return None


def _by_name(vit: ViT, spelling: Callable[[str], str]) -> dict[str, list[int]]:
    """Return the classes of each name in one spelling: ImageNet calls both the bird and the machine "crane"."""
    names: dict[str, list[int]] = {}
    for index, name in enumerate(vit.class_names):
        names.setdefault(spelling(name), []).append(index)
    return names


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def class_index(vit: ViT, text: str, ids: Mapping[str, str] | None = None) -> int:
    """Return a class given by number, by name, or by an id that ``ids`` turns into a name.

    Raises OptionError for a class that the model has not, with the nearest names, and for a name of several classes.
    """
    text = (ids or {}).get(text, text)
    if text.isascii() and text.isdecimal():
        index = int(text)
        vit.class_name(index)  # refuses a class that the model has not
        return index
    names = _by_name(vit, str.lower)
    indices = names.get(text.lower(), [])
    if len(indices) == 1:
        return indices[0]
    if indices:
        raise OptionError(
            "{name} has {count} classes called {text}: {listed}; wanted one class. Give its number.",
            name=vit.name,
            count=len(indices),
            text=repr(text),
            listed=", ".join(map(str, indices)),
        )
    have = (
        Clause("one of {count} classes by number or name", count=len(vit.class_names))
        if names
        else Clause("no target: it has no classifier")
    )
    raise OptionError(
        "{name} has no class {text}; wanted {have}.{hint} Leave it out for the top one.",
        name=vit.name,
        text=repr(text),
        have=have,
        hint=suggest(text.lower(), names),
    )
