"""This view in Python: the few lines that compute a view again, from the picture to its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vitviz.attention.statistics import STATISTICS
from vitviz.attention.view import DIRECTIONS, MAX, MEAN, POOL
from vitviz.errors import OptionError, check_choice
from vitviz.export.settings import ViewSettings
from vitviz.models import shipped

EXAMPLE = "example:"
_PICTURE = "picture = overlay(vit.picture(trace.pixels), values)  # (height, width, 3)"


def snippet(view: ViewSettings) -> str:
    """Return Python code that computes a view again and leaves its numbers in ``values``.

    ``values`` is (rows, columns) for attention and rollout, (layer, head) for heads, and for evidence the map of the
    first method. Texts are written as Python
    literals, so no file name can become code.

    Raises OptionError for options outside their range.
    """
    body = {"attention": _attention, "rollout": _rollout, "heads": _heads, "evidence": _evidence}[view.method](view)
    return "\n".join([*_imports(view), "", f"vit = {model_expression(view)}", *_trace(view), "", *body]) + "\n"


def _imports(view: ViewSettings) -> list[str]:
    lines = ["import vitviz"]
    if view.picture.startswith(EXAMPLE):
        lines.append("from vitviz.examples import example")
    if view.method != "heads":
        lines.append("from vitviz.figures.overlay import overlay")
    if view.method == "attention" and view.query == POOL:
        lines.insert(1, "from vitviz.attention.view import attention_view")
    if view.method == "evidence":
        lines.append("from vitviz.figures.scale import scale_for")
        lines += ["from vitviz.trace.target import contrast"] if view.other is not None else []
    return lines


def model_expression(view: ViewSettings) -> str:
    """Return the Python that loads a view's model; texts are literals, so no name becomes code."""
    options = [repr(view.model)]
    if view.weights != "pretrained":
        options.append(f"weights={view.weights!r}")
    if view.weights == "random":
        options.append(f"seed={view.seed!r}")
    if view.image_size is not None:
        options.append(f"image_size={view.image_size!r}")
    return f"vitviz.load_vit({', '.join(options)})"


def picture_expression(picture: str, opened: Mapping[str, Any] | None = None) -> str:
    """Return the Python that names the ``picture`` of some settings: a path, or that of an example photo.

    ``opened`` are options of ``vitviz.open_photo``, where a photo is not opened as it would be by itself.
    """
    if picture.startswith(EXAMPLE):
        return f"example({picture.removeprefix(EXAMPLE)!r}).path"
    if opened:
        return f"vitviz.open_photo({picture!r}, {', '.join(f'{name}={value!r}' for name, value in opened.items())})"
    return repr(picture)


def _trace(view: ViewSettings) -> list[str]:
    options = [picture_expression(view.picture, view.opened)]
    if view.target is not None and view.method != "evidence":
        options.append(f"target={view.target!r}")
    if view.edit:
        options.append(f"edit=vitviz.Edit({_edit(view)})")
    lines = [f"trace = vitviz.trace(vit, {', '.join(options)})"]
    if view.model in shipped.MODELS and view.image_size is None and not view.edit:
        lines.append("doubt = vitviz.familiarity(vit, trace)  # doubt.perhaps_none: perhaps none of its classes")
    return lines


def _edit(view: ViewSettings) -> str:
    given = {
        "temperature": dict(view.edit.temperature),
        "ablate_heads": list(view.edit.ablate_heads),
        "mask_tokens": list(view.edit.mask_tokens),
    }
    return ", ".join(f"{name}={value!r}" for name, value in given.items() if value)


def _attention(view: ViewSettings) -> list[str]:
    check_choice("Direction", view.direction, DIRECTIONS)
    layer = "trace.layers - 1" if view.layer is None else repr(view.layer)
    if view.query == POOL:
        return [
            f"view = attention_view(trace, query={POOL!r}, head={view.head!r})  # where the learned query looks",
            "values = view.values  # (rows, columns)",
            _PICTURE,
        ]
    if view.query == MEAN:
        return [
            f"attention = {_over_heads(f'trace.attention({layer})', view.head)}  # (query, key)",
            _mean_line("attention", view.direction),
            *_laid_out(),
        ]
    function, other = ("attention_row", "key") if view.direction == "attends_to" else ("attention_column", "query")
    return [
        f"attention = trace.{function}({layer}, {_token(view.query)})  # (heads, {other})",
        f"row = {_over_heads('attention', view.head)}",
        *_laid_out(),
    ]


def _rollout(view: ViewSettings) -> list[str]:
    check_choice("Direction", view.direction, DIRECTIONS)
    if view.query == POOL:
        raise OptionError(
            "A rollout ends at the last block, so it has no query 'pool'; wanted a token or 'mean'. Choose one."
        )
    names = ["head_fusion", "discard_ratio", "residual", "start_layer"]
    names += [] if view.end_layer is None else ["end_layer"]
    options = ", ".join(f"{name}={getattr(view, name)!r}" for name in names)
    if view.query == MEAN:
        row = _mean_line("matrix", view.direction)
    elif view.direction == "attends_to":
        row = f"row = matrix[{_token(view.query)}]"
    else:
        row = f"row = matrix[:, {_token(view.query)}]"
    return [f"matrix = vitviz.rollout(trace, {options})  # (query, key)", row, *_laid_out()]


def _heads(view: ViewSettings) -> list[str]:
    check_choice("Statistic", view.statistic, STATISTICS)
    return ["statistics = vitviz.head_statistics(trace)", f"values = statistics.{view.statistic}  # (layer, head)"]


def _evidence(view: ViewSettings) -> list[str]:
    target = repr(view.target)
    if view.other is not None:
        target = f"contrast(vit, {view.target!r}, {view.other!r})"
    calls = []
    for name in view.explanations:
        knobs = "".join(f", {knob}={value!r}" for knob, value in view.knobs.get(name, {}).items())
        calls.append(f"    {name!r}: vitviz.attribute({name!r}, vit, trace.pixels, target=target{knobs}),")
    lines = [f"target = {target}", "maps = {", *calls, "}"]
    if not calls:
        return lines
    return [
        *lines,
        f"first = maps[{view.explanations[0]!r}]",
        "values = first.values  # (rows, columns)",
        "scale = scale_for(values, signed=first.signed, uniform=None)",
        "picture = overlay(vit.picture(trace.pixels), values, scale=scale)  # (height, width, 3)",
        *_boxed(view),
    ]


def _boxed(view: ViewSettings) -> list[str]:
    if view.box is None:
        return []
    return [
        f"box = {view.box!r}",
        "for name, found in maps.items():",
        "    if (found.values > 0).any():",
        "        inside = vitviz.pointing_game(found.values, vit.grid, box)",
        "        print(name, inside, vitviz.energy_in_box(found.values, vit.grid, box))",
    ]


def _token(query: str) -> str:
    return f"trace.grid.token({query!r})"


def _over_heads(attention: str, head: int | str) -> str:
    if isinstance(head, int):
        return f"{attention}[{head}]"
    check_choice("Head", head, (MEAN, MAX))
    return f"{attention}.mean(0)" if head == MEAN else f"{attention}.amax(0)"


def _mean_line(matrix: str, direction: str) -> str:
    if direction == "attends_to":
        return f"row = {matrix}[len(trace.grid.prefix) :].mean(0)  # over the patches as queries"
    return f"row = {matrix}[:, len(trace.grid.prefix) :].mean(1)  # over the patches as keys"


def _laid_out() -> list[str]:
    return ["values = trace.grid.to_map(row).numpy()  # (rows, columns)", _PICTURE]
