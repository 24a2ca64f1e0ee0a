"""The library's own words that pages show: photos, notes on them, classes, and what is said of methods.

They are data of the library, which speaks English alone; pages pass them through ``_`` as they are. ``make messages``
adds them to the template: ``python -m vitviz.ui.words.library_words TEMPLATE``.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from vitviz.assets import WEIGHTS
from vitviz.attribution import METHODS
from vitviz.examples import examples
from vitviz.figures.alt import WORDS
from vitviz.figures.summary import TEMPLATES
from vitviz.files import write_text
from vitviz.images import PHRASES, WANTED
from vitviz.models.shipped import MODELS, read_class_names
from vitviz.ui.text import CLASS
from vitviz.ui.words.labels import PHOTO_NOTES

ROOT = Path(__file__).parents[2]
ROOMS = (
    "analysis",
    "atlas/folder.py",
    "atlas/layout.py",
    "atlas/result.py",
    "atlas/state_file.py",
    "attention",
    "attribution",
    "capture",
    "errors.py",
    "examples.py",
    "grid.py",
    "images",
    "labs/attention_filter.py",
    "labs/cost",
    "labs/digits/training.py",
    "labs/gelu.py",
    "labs/input_size.py",
    "labs/long_range/counter.py",
    "labs/long_range/counting.py",
    "labs/long_range/moves.py",
    "labs/long_range/windows.py",
    "labs/mlp.py",
    "labs/model_temperature.py",
    "labs/object/detector.py",
    "labs/object/pasted_object.py",
    "labs/shift.py",
    "labs/stream_growth.py",
    "models",
    "out_of_memory.py",
    "progress.py",
    "text_file.py",
    "trace",
    "ui/kept/atlases.py",
    "ui/kept/own_models.py",
)
"""Where a reader's model, photo and link are read: all that is said there, the catalogue has."""
APART = (
    "atlas",
    "cli",
    "attribution/benchmark",
    "models/efficientnet_lite.py",
    "models/evaluate.py",
    "models/img_focus.py",
    "models/torchvision_mend.py",
    "models/train",
)
"""What only a terminal runs, but for what the rooms name more exactly."""
SPOKEN = ("capture", "models")
"""Where reasons are written apart from the error that they stand in, also in tables."""
TRUTH = ("UnsupportedModelError", "WeightsUnavailableError", "CheckpointError", "CaptureError", "ImageError")
"""Refusals of models and photos, which readers meet wherever they are raised."""
_PROSE = re.compile(r"[A-Za-z“][\w'’-]*[,:;]? [\w({“'-]+[\w)}”',:;.-]* [\w({“'-]+")
"""Three words in a row: no name, no regular expression."""
_BRACED = re.compile(r"\{\w+\} [a-z]+.*\{\w+\}")
"""A clause with numbers and names to be filled in."""


def library_words() -> set[str]:
    """Return every text of the library that a page shows in the reader's language, but for the names of classes."""
    words = {photo.title for photo in examples()} | set(PHOTO_NOTES)
    words |= {*WORDS.values(), *TEMPLATES.values()}
    for method in METHODS:
        words |= {method.label, method.summary, method.cost, method.limits}
        words.update(knob.help for knob in method.knobs)
        words.update(knob.label for knob in method.knobs)
    return words | {*refusals(), *chart_words(), *PHRASES, WANTED}


def chart_words() -> set[str]:
    """Return the texts of the library's charts, each of which is said by ``say`` where it stands."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "pictures").glob("*.py")))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    said = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "say")
    return {str(text.value) for text in said if isinstance(text, ast.Constant)}


def refusals() -> list[str]:
    """Return what the library says of a model, a photo or a link, as it stands in the code: templates and clauses."""
    texts: list[str] = []
    for path in sorted(ROOT.rglob("*.py")):
        if is_apart(path):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if is_read_by_readers(path) and path.relative_to(ROOT).as_posix().startswith(SPOKEN):
            texts += spoken(tree)
        texts += [said for call in calls(tree) for said in _said(call, is_read_by_readers(path))]
    return list(dict.fromkeys(texts))


def is_read_by_readers(path: Path) -> bool:
    """Return whether all that a file of the library says reaches readers of the pages."""
    return path.relative_to(ROOT).as_posix().startswith(ROOMS) and not is_apart(path)


def is_apart(path: Path) -> bool:
    """Return whether only a terminal runs a file of the library: where both lists have it, the longer name decides."""
    place = path.relative_to(ROOT).as_posix()
    room, apart = (max((len(name) for name in names if place.startswith(name)), default=0) for names in (ROOMS, APART))
    return apart > room


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that make an error or a clause."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name_of(node).endswith(("Error", "Clause")):
            yield node


def _name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def spoken(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of a file that are neither documentation nor part of one that is put together."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(node, ast.Expr) or id(child) in parts or not isinstance(child, ast.Constant):
                continue
            if isinstance(child.value, str) and "\\" not in child.value and _is_prose(child.value):
                yield child.value


def _is_prose(text: str) -> bool:
    return bool(_PROSE.search(text) or _BRACED.match(text))


def _said(call: ast.Call, everything: bool) -> list[str]:
    kind = _name_of(call)
    if not everything and kind not in (*TRUTH, "Clause"):
        return []
    advice = [keyword.value for keyword in call.keywords if keyword.arg == "advice"]
    parts = call.args[:1] + [value for kept in advice if isinstance(kept, ast.Dict) for value in kept.values]
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    return [value for value in values if isinstance(value, str) and re.search("[a-z]", re.sub(r"{.*?}", "", value))]


def library_classes() -> set[str]:
    """Return the names of the classes of the shipped models."""
    return {name for model in MODELS.values() for name in read_class_names(WEIGHTS / model.classes)}


def with_library_words(template: str) -> str:
    """Return a template of messages with the library's words that it does not have yet."""
    entries = [_entry(word) for word in sorted(library_words())]
    entries += [f'msgctxt "{CLASS}"\n{_entry(name)}' for name in sorted(library_classes())]
    origin = "vitviz/ui/words/library_words.py"
    added = [f'#: {origin}\n{entry}\nmsgstr ""\n' for entry in entries if f"\n{entry}\n" not in template]
    return "\n".join([template, *added])


def _entry(word: str) -> str:
    return f"msgid {json.dumps(word, ensure_ascii=False)}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_text(path, with_library_words(path.read_text(encoding="utf-8")))
