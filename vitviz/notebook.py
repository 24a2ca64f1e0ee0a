"""Pictures in a notebook: ``show`` and ``side_by_side``. Results also show themselves at the end of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vitviz.argument import checked
from vitviz.record import pictures


@checked
def show(result: Any, **options: Any) -> Any:
    """Return a result as a picture that shows itself at the end of a notebook's cell, with options of its own.

    A trace becomes the dashboard's viewer: point at a patch, and every head of the ``layer`` answers, without a
    server and without a network (``query``, ``head``, ``direction``, ``scale``, ``palette``, ``opacity`` … are where it
    begins; ``.save("page.html")`` writes it). Any other result is drawn as its page draws it; a list of what
    ``input_sizes``, ``patch_sizes`` or ``outlier_table`` return becomes one figure. ``.figure()`` and ``.image()`` give
    the picture itself.

    Raises OptionError for an option that the picture has not, and for what has no picture.

    >>> vitviz.show(trace, layer=5).title
    'default: attention of layer 5'
    >>> vitviz.show(vitviz.head_statistics(trace), statistic="entropy").image().mode
    'RGB'
    """
    return pictures().show(result, options)


@checked
def side_by_side(
    *maps: Any,
    labels: Sequence[str] | None = None,
    scale: str | None = None,
    columns: int | None = None,
    title: str = "",
    **options: Any,
) -> Any:
    """Return maps beside each other, each over its photo: what attribute, rollout_view or attention_view return.

    ``scale`` is "shared" (one for all: the default for attention, and for explanations by one method) or "own".
    ``options`` are those of a single map: ``opacity``, ``photo`` and, for attention, ``palette``.

    Raises OptionError for no maps, for anything else than maps, and for a shared scale of methods with other units.

    >>> maps = [vitviz.attribute(name, vit, trace) for name in ("rollout", "gradient_rollout")]
    >>> vitviz.side_by_side(*maps, labels=("rollout", "weighted by gradients")).image().mode
    'RGB'
    """
    return pictures().side_by_side(maps, labels=labels, scale=scale, columns=columns, title=title, options=options)
