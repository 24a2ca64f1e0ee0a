"""Classes as people write them: by number, by name or by an id such as WordNet's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vitviz.errors import OptionError, suggest
from vitviz.models.vit import ViT


def folder_class(vit: ViT, folders: Iterable[str], ids: Mapping[str, str]) -> int | None:
    """Return the class that the first of some folders is called like, by name or by an id, or None.

    Letter case, "_" and "-" make no difference; a folder called by a number says nothing.
    """
    names = {_plain(name): index for index, name in reversed(list(enumerate(vit.class_names)))}
    for folder in folders:
        index = names.get(_plain(ids.get(folder, folder)))
        if index is not None:
            return index
    return None


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def class_index(vit: ViT, text: str, ids: Mapping[str, str] | None = None) -> int:
    """Return a class given by number, by name, or by an id that ``ids`` turns into a name.

    Raises OptionError, with the nearest names, for a class that the model has not.
    """
    text = (ids or {}).get(text, text)
    if text.isascii() and text.isdecimal():
        index = int(text)
        vit.class_name(index)  # refuses a class that the model has not
        return index
    names = {name.lower(): index for index, name in reversed(list(enumerate(vit.class_names)))}
    if text.lower() in names:
        return names[text.lower()]
    have = f"one of {len(vit.class_names)} classes by number or name" if names else "no target: it has no classifier"
    raise OptionError(
        f"{vit.name} has no class {text!r}; wanted {have}.{suggest(text.lower(), names)} Leave it out for the top one."
    )
