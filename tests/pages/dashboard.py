"""One reader's session of the dashboard, run by AppTest, and what the tests ask of it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from pandas import DataFrame
from streamlit.testing.v1 import AppTest

from vitviz.ui.choices.lesson import PAGES as PAGES_TO_LEARN
from vitviz.ui.components.packing import unpack
from vitviz.ui.furniture import show

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "vitviz/ui/main.py"
PAGES = ("start", "attention", "heads", "rollout", "evidence")
"""Pages whose tests are in test_pages.py; every other one has a test file of its own name."""
MODELS: dict[str, dict[str, Any]] = {
    "tiny:class": {},
    "tiny:registers": {"reg_tokens": 4},
    "tiny:wide": {"img_size": (24, 40)},
    "tiny:plain": {"class_token": False, "global_pool": "avg"},
    "tiny:pooled": {"class_token": False, "global_pool": "map"},
    "tiny:embedding": {"num_classes": 0},
}
"""Tiny models by the name that the link has for them, and the arguments they are built with."""
SINGLE = "tiny:single"
"""One patch without a class token, one layer, one head: the smallest model there is."""
RELATIVE = "tiny:relative"
"""BEiT: relative position bias, so that the browser gets maps and not queries and keys."""
NAMES = (*MODELS, RELATIVE)
MOST_WORDS = 250
"""Before the first picture of a section: who reads more has not begun to look."""
PICTURES = ("plotly_chart", "imgs", "image", "bidi_component", "arrow_data_frame", "arrow_table")
SECONDS = 100
"""A run takes about 0.1 s; on a busy machine the first may need far longer."""


def _read(text: str) -> str:
    return re.sub(r"\\([^\w\s])", r"\1", text)


def views_of(page: str) -> list[dict[str, Any]]:
    """Return what the components of a page that works offline were told, from the first to the last."""
    packed = re.findall(r'data-place="[^"]*">([^<]*)<', page)
    return [unpack(base64.b64decode(data))[0] for data in packed]


class Dashboard:
    """One reader's session."""

    def __init__(self, page: str, exports: list[Any], **link: Any) -> None:
        self.app = AppTest.from_file(MAIN, default_timeout=SECONDS)
        for name, value in link.items():
            self.app.query_params[name] = str(value)
        self.exports = exports
        self.page = page
        self.go(page)

    def go(self, page: str) -> Dashboard:
        """Open a page of the navigation."""
        self.page = page
        self.app.switch_page(f"../../pages/{page}.py")
        return self.run()

    def run(self) -> Dashboard:
        """Run the script once more, as a click does."""
        self.app.run()
        return self

    def put(self, **choices: Any) -> Dashboard:
        """Change choices as the callbacks of the components do, and run."""
        self.app.session_state["vitviz_choices"] = {**self.choices, **choices}
        return self.run()

    @property
    def choices(self) -> dict[str, Any]:
        return dict(self.app.session_state["vitviz_choices"])

    @property
    def link(self) -> dict[str, str]:
        """The parameters in the address bar."""
        return {name: value[0] if isinstance(value, list) else value for name, value in self.app.query_params.items()}

    @property
    def warnings(self) -> str:
        """Every warning and error, without the signs that escape Markdown."""
        shown = [*self.app.warning, *self.app.error]
        return "\n".join(re.sub(r"\\(.)", r"\1", each.value) for each in shown)

    @property
    def export(self) -> Any:
        """The files that the page offers."""
        return self.exports[-1][1]

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(show.record(*self.exports[-1]))

    def component(self, key: str) -> dict[str, Any]:
        """The header of what was sent to a component."""
        return unpack(self.blob(key))[0]

    def blob(self, key: str) -> bytes:
        found = [each for each in self.app.get("bidi_component") if each.key == key]
        assert found, f"no component {key}"
        return bytes(found[0].proto.bytes)

    def has(self, kind: str, key: str) -> bool:
        return any(each.key == key for each in self.app.get(kind))

    def table(self, place: int = 0) -> DataFrame:
        """Return a table as it is read: without the marks that keep Markdown away."""
        raw = self.app.table[place].value
        return raw.rename(columns=_read).map(_read)

    def sound(self) -> Dashboard:
        """Assert that nothing went wrong and nothing was complained about."""
        assert not self.app.exception, self.app.exception[0].stack_trace
        assert self.warnings == ""
        if self.page in PAGES_TO_LEARN:
            assert self.words_before_picture <= MOST_WORDS
        return self

    @property
    def texts(self) -> list[str]:
        """All that is written on the page, in components and charts too; no formulas, links or code."""
        kinds = ("header", "subheader", "markdown", "caption", "info", "success", "warning", "error")
        told = [part.value for kind in kinds for part in self.app.main.get(kind)]
        told += [f"{metric.label} = {metric.value}" for metric in self.app.main.metric]
        for part in self.app.main.get("bidi_component"):
            told += _strings(unpack(bytes(part.proto.bytes))[0]) if part.proto.bytes else []
        for part in self.app.main.get("plotly_chart"):
            told += _strings(json.loads(part.proto.spec))
        return [re.sub(r"`[^`]*`|\$[^$]*\$|%\{[^}]*\}", "", text) for text in told]

    @property
    def words_before_picture(self) -> int:
        """How many words a section shows, from its question on, before its first picture, chart or component."""
        shown = list(self.app.main)
        start = next((place for place, part in enumerate(shown) if part.type == "header"), len(shown))
        words = 0
        for part in shown[start:]:
            if part.type in PICTURES:
                break
            if part.type in ("header", "subheader", "markdown", "caption"):
                words += len(part.value.split())
        return words

    def told(self, *patterns: str) -> Dashboard:
        """Assert that a warning says this and that the page is there all the same."""
        assert not self.app.exception, self.app.exception[0].stack_trace
        for pattern in patterns:
            assert re.search(pattern, self.warnings), self.warnings
        assert self.app.header, "the page stopped"
        return self


def _strings(part: Any) -> list[str]:
    """Return every text in a tree of lists and dictionaries, but pictures and arrays in base 64."""
    if isinstance(part, str):
        return [part] if " " in part else []
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [text for child in inner for text in _strings(child)]
