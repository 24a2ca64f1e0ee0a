"""The library's own words that pages show: photos, notes on them, classes, and what is said of methods.

They are data of the library, which speaks English alone; pages pass them through ``_`` as they are. ``make messages``
adds them to the template: ``python -m vitviz.ui.words.library_words TEMPLATE``.
"""

from __future__ import annotations

import ast
import json
import sys
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
REFUSING = (
    "images",
    "errors.py",
    "attribution/attribute.py",
    "labs/long_range/moves.py",
    "models/checkpoints",
    "models/hub.py",
    "models/loading.py",
    "models/local_weights.py",
    "models/model_folder.py",
    "models/position_table.py",
    "models/timm_door.py",
    "out_of_memory.py",
    "ui/kept/own_models.py",
)
"""Where messages are templates that the catalogue has."""


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


def refusals(*parts: str) -> list[str]:
    """Return the messages and the advice of every error of parts of the library, as they stand in the code.

    Without ``parts``, of all that a reader of the pages meets: folders and files below vitviz/.
    """
    texts: list[str] = []
    files = [ROOT / part for part in parts or REFUSING]
    for path in sorted(path for file in files for path in (file.rglob("*.py") if file.is_dir() else [file])):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                values = [part.value for part in _parts(node) if isinstance(part, ast.Constant)]
                texts += [value for value in values if isinstance(value, str) and value]
    return texts


def _parts(call: ast.Call) -> list[ast.expr]:
    advice = [keyword.value for keyword in call.keywords if keyword.arg == "advice"]
    return call.args[:1] + [value for kept in advice if isinstance(kept, ast.Dict) for value in kept.values]


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
