"""The Python that each page shows runs as it stands, leaves the page's own numbers in ``values``, ends in a picture."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

import vitviz
from tests.pages.dashboard import Dashboard
from vitviz.errors import OptionError
from vitviz.models.vit import ViT
from vitviz.ui.choices import CHOICES
from vitviz.ui.choices.choice import Choice
from vitviz.ui.explore.positions import input_sizes
from vitviz.ui.furniture import lesson
from vitviz.ui.navigation import entries, sections

PAGES = [entry.name for entry in entries()]
EXPLORE = [entry.name for entry in next(iter(sections().values()))]
MODELS = ("tiny:class", "tiny:wide", "tiny:embedding", "tiny:relative", "tiny:pooled", "tiny:registers")
MOST_STATES = 6
OWN = 2  # the state in which the reader's own photo is shown
CHANGED: dict[str, str] = {  # choices that are no lists: another value than the default
    "layer": "0",
    "head": "1",
    "patch": "7",
    "discard": "0.3",
    "residual": "0.25",
    "start": "1",
    "target": "4",
    "methods": "rollout-saliency",
    "ablate": "0.1-1.0",
    "box": "8.0.24.16",
    "painted": "4x4.gQ",
    "patch_sizes": "4-8",
    "new_grid": "6",
    "foreground": "0.5",
    "other_photo": "bee",
    "other_class": "5",
    "other_model": "timm:test_vit",
    "second": "bee",
    "cka_with": "random",
    "atlas_head": "1.1",
    "atlas_other": "examples",
    "anatomy_depth": "3",
    "anatomy_side": "96",
    "cost_size": "96",
    "liking": "-1.5",
    "permuted": "5",
    "range_distance": "3",
    "range_beta": "2.5",
    "depth_nodes": "9",
    "depth_alpha": "0.4",
    "depth_layers": "3",
    "object_patch": "8",
    "brightness": "0.4",
    "draw": "7",
}
NEVER = {"language", "weights", "other_weights", "size", "example", "model", "guess_first", "class", "course"}
"""Of the link, and not of a page; the models and photos here stand for them, without a network."""
SHORTER = {"steps": 2, "seeds": 1, "sizes": (20, 30)}
SIZED = ("compare_sizes", "vitviz.input_sizes")
"""What a run is cut to, and what takes sizes of pictures: long runs and large pictures take minutes, and their numbers
are those of other tests."""


def listed(choice: Choice[Any]) -> list[str]:
    """Return the texts of a choice that is a list, as its own message names them; none for another choice."""
    try:
        choice.read("\0")
    except OptionError as error:
        return re.findall(r"'([^']*)'", str(error).partition("wanted one of")[2])
    return []


def of_page(page: str) -> list[Choice[Any]]:
    own = [choice for choice in CHOICES.values() if page in choice.pages]
    shared = [choice for choice in CHOICES.values() if not choice.pages and page in EXPLORE]
    return [choice for choice in (*own, *shared) if choice.name not in NEVER]


def states(page: str) -> list[dict[str, str]]:
    """Return links of a page: its defaults, then every option of its lists in turn, and the others changed."""
    lists = {choice.name: listed(choice) for choice in of_page(page)}
    count = min(max(2, 2, *(len(lists[choice.name]) for choice in of_page(page) if choice.pages)), MOST_STATES)
    found: list[dict[str, str]] = [{}]
    for state in range(1, count + 1):
        link = {name: options[state % len(options)] for name, options in lists.items() if options}
        link |= {choice.name: CHANGED[choice.name] for choice in of_page(page) if choice.name in CHANGED and state % 2}
        model = MODELS[(state + PAGES.index(page)) % len(MODELS)]
        found.append({"model": model, **link, "other_weights": "random"})
    return found


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What lessons hand to their foot."""
    kept: list[Any] = []
    footer = lesson.footer

    def keep(result: Any) -> None:
        kept.append(result)
        footer(result)

    monkeypatch.setattr(lesson, "footer", keep)
    return kept


def run(code: str) -> tuple[dict[str, Any], Any]:
    """Return the names that the code leaves, and what a notebook would show of its last line."""
    names: dict[str, Any] = {}
    *body, last = ast.parse(code).body
    shown = None
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(ast.Module([*body], []), "snippet", "exec"), names)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), "snippet", "eval"), names)
        else:
            exec(compile(ast.Module([last], []), "snippet", "exec"), names)
    return names, shown


def is_picture(shown: Any) -> bool:
    if isinstance(shown, Image.Image):
        return len(set(shown.convert("L").resize((64, 64)).tobytes())) > 2
    return isinstance(shown, go.Figure) and bool(shown.data)


class Shorter(ast.NodeTransformer):
    """Cuts runs short, and leaves every other character of a snippet as it is."""

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        if node.arg in SHORTER:
            node.value = ast.Constant(SHORTER[node.arg])
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if ast.unparse(node.func) in SIZED and not any(word.arg == "sizes" for word in node.keywords):
            node.keywords.append(ast.keyword("sizes", ast.Constant(input_sizes.SIZES)))
        self.generic_visit(node)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        for index, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and key.value in SHORTER:
                node.values[index] = ast.Constant(SHORTER[str(key.value)])
        return node


def shows(arrays: dict[str, Any], values: Any) -> bool:
    """Return whether one of the page's arrays, or one part of it, holds these values."""
    wanted = np.asarray(values)
    for array in map(np.asarray, arrays.values()):
        parts = [array] if array.shape == wanted.shape else list(array) if array.shape[1:] == wanted.shape else []
        if any(np.allclose(part, wanted, atol=1e-5, equal_nan=True) for part in parts if part.dtype.kind in "fiub"):
            return True
    return False


@pytest.mark.filterwarnings("ignore::UserWarning:timm")  # from resizing a table of relative positions
@pytest.mark.parametrize(
    ("page", "number"), [(page, number) for page in PAGES for number in range(len(states(page)))], ids=str
)
def test_the_python_of_every_page_runs_and_gives_its_numbers(
    dashboard: Any,
    tiny_models: dict[str, ViT],
    results: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    page: str,
    number: int,
) -> None:
    load = vitviz.load_vit
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **given: tiny_models.get(name) or load(name, **given))
    monkeypatch.chdir(tmp_path)
    link = states(page)[number]
    app: Dashboard = dashboard(page, **link)
    if number == OWN and app.has("file_uploader", "upload"):
        photo = np.random.default_rng(3).integers(0, 256, (48, 40, 3), dtype=np.uint8)
        Image.fromarray(photo).save(tmp_path / "photo.jpg", "PNG")  # without loss, so that the numbers are the same
        app.app.file_uploader(key="upload").set_value(
            ("photo.jpg", (tmp_path / "photo.jpg").read_bytes(), "image/jpeg")
        )
        app.run()
    assert not app.app.exception, app.app.exception[0].stack_trace
    codes = [block.value for block in app.app.code]
    assert codes, "a page without its Python"
    assert ("'photo.jpg'" in codes[-1]) >= (number == OWN and "trace(" in codes[-1])
    for code in codes:
        if page == "training":
            code = ast.unparse(ast.fix_missing_locations(Shorter().visit(ast.parse(code))))
        names, shown = run(code)
        assert is_picture(shown), code
        if isinstance(values := names.get("values"), np.ndarray) or hasattr(values, "detach"):
            arrays = app.export.arrays() if page in EXPLORE else results[-1].arrays()
            drawn = set(arrays) != {"picture"}  # a page that has told why there is nothing to compare
            assert shows(arrays, values) or not drawn, (
                f"values {np.shape(values)} are none of the arrays {sorted(arrays)}"
            )


def test_every_list_of_every_page_is_gone_through() -> None:
    for page in PAGES:
        for choice in of_page(page):
            seen = {state[choice.name] for state in states(page)[1:] if choice.name in state}
            options = listed(choice)
            if choice.pages and 1 < len(options) <= MOST_STATES:
                assert seen == set(options), (page, choice.name)
