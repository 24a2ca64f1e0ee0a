"""vitviz: put a photo in, and see what a Vision Transformer sees.

vit = vitviz.load_vit("default")
trace = vitviz.trace(vit, "photo.jpg")
trace.attention(5)             # (heads, query, key), computed when asked for
vitviz.rollout(trace)          # (query, key)
vitviz.head_statistics(trace)  # one (layer, head) table a statistic
vitviz.attribute("gradient_rollout", vit, "photo.jpg")  # one of vitviz.METHODS

The examples in the docstrings begin after the first two lines.
"""

import importlib
import sys
import types
import typing

if typing.TYPE_CHECKING:
    from vitviz.library import *  # noqa: F403
    from vitviz.library import __all__ as __all__

__version__ = "0.1.0"
_FUNCTIONS = {"atlas", "trace"}  # their folders have the same names


class _Package(types.ModuleType):
    """This package: ``vitviz.trace`` is the function, also after an import of something in the folder ``trace``."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _FUNCTIONS or not isinstance(value, types.ModuleType):  # Python hangs each imported folder here
            super().__setattr__(name, value)


def _public(name: str) -> object:
    """Return a name of the library, which is imported for the first one: doctor works where there is no torch."""
    library = vars(importlib.import_module("vitviz.library"))
    for public in ("__all__", *library["__all__"]) if "__all__" in library else ():  # not while it is being imported
        globals().setdefault(public, library[public])
    if name in globals():
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _names() -> list[str]:
    return sorted({*globals(), *typing.cast("list[str]", _public("__all__"))})


if not typing.TYPE_CHECKING:  # else every misspelt name would be right
    __getattr__, __dir__ = _public, _names
sys.modules[__name__].__class__ = _Package
