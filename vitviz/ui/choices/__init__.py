"""Every choice that a reader can make, as data: one file a page, and one for those that pages share.

A new page's choices are a file of constants here; nothing else lists them.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from vitviz.ui.choices.choice import Choice

FILES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__) if module.name != "choice"]
CHOICES: dict[str, Choice[Any]] = {
    choice.name: choice for file in FILES for choice in vars(file).values() if isinstance(choice, Choice)
}
"""By name. Names are unique over all pages, because all stand in one session."""
