"""Notebooks are executed as their readers would: cells end with pictures that need no server and no network.

One kernel runs the cells of this file and then those of all the notebooks in examples/, cut short where they take long.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

START = """\
import vitviz
from vitviz.examples import example

vit = vitviz.load_vit("default", image_size=84)
trace = vitviz.trace(vit, example("cat").path)"""
CELLS = {
    "trace": "trace",
    "viewer": "vitviz.show(trace, layer=5)",
    "attribution": 'vitviz.attribute("gradient_rollout", vit, trace)',
    "heads": "vitviz.head_statistics(trace)",
    "lens": "vitviz.logit_lens(vit, trace)",
    "side by side": 'vitviz.side_by_side(*(vitviz.attribute(name, vit, trace) for name in ("rollout", "saliency")))',
}
LARGEST = {"viewer": 1_500_000}
"""Characters of a cell that holds a layer's queries and keys; others stay under 500,000."""


EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))
SHORTER = {
    "steps=8, random_maps=4": "steps=2, random_maps=2",
    "range(20)": "range(1)",
    "draws=3": "draws=2",
    "image_size=112": "image_size=56",
}
"""What would take long, in the notebooks, and what the test runs instead."""
LARGEST_FILE = 500_000
"""Bytes of a notebook with its outputs, so that code hosts show it."""
shown_by_examples: dict[str, Any] = {}


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """The HTML that each cell leaves behind."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in (START, *CELLS.values())])
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
    with client.setup_kernel():
        for place, cell in enumerate(notebook.cells):
            client.execute_cell(cell, place)
        for path in EXAMPLES:
            client.nb = own = nbformat.read(path, as_version=4)
            for place, cell in enumerate(own.cells):
                for long, short in SHORTER.items():
                    cell.source = cell.source.replace(long, short)
                client.execute_cell(cell, place)
            shown_by_examples[path.name] = own
    outputs = [[output.data for output in cell.outputs if "data" in output] for cell in notebook.cells[1:]]
    return {name: str(data[0]["text/html"]) for name, data in zip(CELLS, outputs, strict=True)}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_shows_a_picture_that_loads_nothing(shown: dict[str, str], name: str) -> None:
    html = shown[name]
    assert re.search(r"<svg|<iframe|src=\"data:image/(png|jpeg);base64", html)
    assert not re.search(r"(src|href)=\"https?:", html)
    assert len(html) < LARGEST.get(name, 500_000)


def kinds(cell: Any) -> list[str]:
    """Return what a cell leaves: pictures, or a text."""
    kinds = [kind for output in cell.outputs for kind in output.get("data", {})]
    return ["picture" if any(kind.startswith("image/") for kind in kinds) else "text"] if kinds else []


def test_the_stored_notebooks_are_what_they_give(shown: dict[str, str]) -> None:
    """Every cell runs without an error, and shows a picture where the stored one does."""
    assert len(EXAMPLES) == 4
    for path in EXAMPLES:
        assert path.stat().st_size < LARGEST_FILE, path.name
        stored, run = nbformat.read(path, as_version=4), shown_by_examples[path.name]
        code = [cell for cell in stored.cells if cell.cell_type == "code"]
        assert [kinds(cell) for cell in code] == [kinds(cell) for cell in run.cells if cell.cell_type == "code"]
        assert sum(kinds(cell) == ["picture"] for cell in code) >= 2, path.name
        assert stored.cells[0].source.startswith("# ")
        assert all(output.get("name") != "stderr" for cell in code for output in cell.outputs), "warnings of a machine"
    sources = "".join(path.read_text(encoding="utf-8") for path in EXAMPLES)
    assert all(text in sources for text in SHORTER), "nothing is cut short by this"
