"""The only file that imports transformers: classes by their names, folders, processors. It is an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vitviz.errors import VitvizError
from vitviz.models import timm_door  # noqa: F401  mends torchvision, which transformers imports


def transformers() -> Any:
    """Return the library; raises VitvizError, naming the extra, where it is not installed."""
    try:
        import transformers as library
    except ImportError as error:
        raise VitvizError(
            "Models of Hugging Face need the package transformers, which cannot be imported here "
            '({error}); wanted version 5.24 or newer. Install it with pip install "vitviz[hf]".',
            error=error,
        ) from error
    return library


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' reports of its loading out of the terminal; what matters in them is told as notes."""
    log = transformers().utils.logging
    level, bar = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bar:
            log.enable_progress_bar()
