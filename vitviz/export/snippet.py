"""This view in Python: the few lines that compute a view again, from the picture to its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vitviz.attention.statistics import STATISTICS
from vitviz.attention.view import DIRECTIONS, MAX, MEAN, POOL
from vitviz.errors import OptionError, check_choice
from vitviz.export.settings import ViewSettings
from vitviz.images.crop import PAD, SQUASH, TRAINED
from vitviz.models import shipped

EXAMPLE = "example:"
_SHOWN = "values = view.values  # (rows, columns)"


def snippet(view: ViewSettings) -> str:
    """Return Python code that computes a view again, leaves its numbers in ``values`` and ends with its picture.

    ``values`` is (rows, columns) for attention and rollout, (layer, rows, columns) for layers, (layer, head) for heads,
    and for evidence the map of the first method. The last line is a Pillow picture, which a notebook shows. Texts are
    written as Python literals, so no file name can become code.

    Raises OptionError for options outside their range.
    """
    body = _BODIES[view.method](view)
    return "\n".join([*_imports(view), "", f"vit = {model_expression(view)}", *_trace(view), "", *body]) + "\n"


def _imports(view: ViewSettings) -> list[str]:
    lines = ["import numpy as np", "", "import vitviz"] if view.method == "layers" else ["import vitviz"]
    if view.method in ("attention", "layers"):
        lines.append("from vitviz.attention.view import attention_view")
    if view.method == "rollout":
        lines.append("from vitviz.attention.rollout_view import rollout_view")
    if view.picture.startswith(EXAMPLE):
        lines.append("from vitviz.examples import example")
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
    if view.crop != TRAINED:
        options.append(f"crop={view.crop!r}")
    options += [f"{name}={value!r}" for name, value in view.loading.items()]
    loaded = f"vitviz.load_vit({', '.join(options)})"
    if not view.preprocessing:
        return loaded
    return (
        f"{loaded}.with_preprocessing({', '.join(f'{name}={value!r}' for name, value in view.preprocessing.items())})"
    )


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
    edited = [*options, f"edit=vitviz.Edit({_edit(view)})"] if view.edit else options
    whole = options if view.method == "heads" else edited
    lines = [f"trace = vitviz.trace(vit, {', '.join(whole)})"]
    if view.model in shipped.MODELS and view.image_size is None and not view.edit and view.crop not in (PAD, SQUASH):
        lines.append("doubt = vitviz.familiarity(vit, trace)  # doubt.perhaps_none: perhaps none of its classes")
    if whole is not edited:
        lines.append(f"changed = vitviz.trace(vit, {', '.join(edited)})")
        lines.append("print(trace.top(3), changed.top(3))  # the answers without these heads; all below is with them")
    return lines


def _edit(view: ViewSettings) -> str:
    given = {
        "temperature": dict(view.edit.temperature),
        "ablate_heads": list(view.edit.ablate_heads),
        "mask_tokens": list(view.edit.mask_tokens),
    }
    return ", ".join(f"{name}={value!r}" for name, value in given.items() if value)


def _attention(view: ViewSettings) -> list[str]:
    layer = {} if view.layer is None or view.query == POOL else {"layer": view.layer}
    return [f"view = attention_view(trace, {_options(**layer, **_asked(view))})", _SHOWN, _image("view", view)]


def _asked(view: ViewSettings) -> dict[str, Any]:
    """Return what is asked of a layer, without what is asked anyway."""
    check_choice("Direction", view.direction, DIRECTIONS)
    if isinstance(view.head, str):
        check_choice("Head", view.head, (MEAN, MAX))
    head = {} if view.head == MEAN else {"head": view.head}
    return {**head, "query": view.query, **_turned(view)}


def _turned(view: ViewSettings) -> dict[str, Any]:
    direction = {} if view.direction == DIRECTIONS[0] else {"direction": view.direction}
    return direction if view.hide_special else {**direction, "hide_special": False}


def _layers(view: ViewSettings) -> list[str]:
    options = _options(**_asked(view))
    look = {name: getattr(view, name) for name in ("query", "head") if name == "query" or view.head != MEAN}
    return [
        f"views = [attention_view(trace, layer=layer, {options}) for layer in range(trace.layers)]",
        "values = np.stack([view.values for view in views])  # (layer, rows, columns)",
        f"trace.image({_options(**look)})",
    ]


def _rollout(view: ViewSettings) -> list[str]:
    check_choice("Direction", view.direction, DIRECTIONS)
    if view.query == POOL:
        raise OptionError(
            "A rollout ends at the last block, so it has no query 'pool'; wanted a token or 'mean'. Choose one."
        )
    names = ["head_fusion", "discard_ratio", "residual", "start_layer"]
    names += [] if view.end_layer is None else ["end_layer"]
    options = _options(**_turned(view), **{name: getattr(view, name) for name in names})
    return [f"view = rollout_view(trace, {view.query!r}, {options})", _SHOWN, _image("view", view)]


def _heads(view: ViewSettings) -> list[str]:
    check_choice("Statistic", view.statistic, STATISTICS)
    return [
        "statistics = vitviz.head_statistics(trace)",
        f"values = statistics.{view.statistic}  # (layer, head)",
        f"statistics.image(statistic={view.statistic!r})",
    ]


def _evidence(view: ViewSettings) -> list[str]:
    target = repr(view.target)
    if view.other is not None:
        target = f"vitviz.contrast(vit, {view.target!r}, {view.other!r})"
    calls = []
    for name in view.explanations:
        knobs = "".join(f", {knob}={value!r}" for knob, value in view.knobs.get(name, {}).items())
        calls.append(f"    {name!r}: vitviz.attribute({name!r}, vit, trace.pixels, target=target{knobs}),")
    lines = [f"target = {target}", "maps = {", *calls, "}"]
    if not calls:
        return lines
    first = f"maps[{view.explanations[0]!r}]"
    beside = f"vitviz.side_by_side({_options('*maps.values()', **view.look)}).image()"
    return [
        *lines,
        f"values = {first}.values  # (rows, columns)",
        *_boxed(view),
        *_tested(view),
        _image(first, view) if len(calls) == 1 else beside,
    ]


def _boxed(view: ViewSettings) -> list[str]:
    if view.box is None:
        return []
    return [
        f"box = {view.box!r}",
        "for name, shown in maps.items():",
        "    if (shown.values > 0).any():",
        "        inside = vitviz.pointing_game(shown.values, vit.grid, box)",
        "        print(name, inside, vitviz.energy_in_box(shown.values, vit.grid, box))",
    ]


def _tested(view: ViewSettings) -> list[str]:
    lines = ["for name, shown in maps.items():"] if view.tests else []
    if "curves" in view.tests:
        lines.append("    curves = vitviz.deletion_insertion(vit, trace.pixels, shown, steps=10)  # beside random maps")
        lines.append("    print(name, curves.first.area, curves.second.area)")
    if "weights" in view.tests:
        knobs = {name: dict(values) for name, values in view.knobs.items() if name in view.explanations}
        options = f", **{knobs!r}.get(name, {{}})" if knobs else ""
        lines.append("    def explain(other):")
        lines.append(f"        return vitviz.attribute(name, other, trace.pixels, target=target{options}).values")
        lines.append("    print(name, vitviz.model_randomisation(vit, explain).correlations)")
    return lines


def _image(result: str, view: ViewSettings) -> str:
    """Return the line that draws a result as the view does."""
    return f"{result}.image({_options(**view.look)})"


def _options(*values: str, **named: Any) -> str:
    return ", ".join([*values, *(f"{name}={value!r}" for name, value in named.items())])


_BODIES = {"attention": _attention, "layers": _layers, "rollout": _rollout, "heads": _heads, "evidence": _evidence}
