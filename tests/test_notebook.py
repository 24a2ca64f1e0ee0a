"""A notebook is executed as its reader would: every cell ends with a picture that needs no server and no network."""

from __future__ import annotations

import re

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


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """The HTML that each cell leaves behind."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in (START, *CELLS.values())])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [[output.data for output in cell.outputs if "data" in output] for cell in notebook.cells[1:]]
    return {name: str(data[0]["text/html"]) for name, data in zip(CELLS, outputs, strict=True)}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_shows_a_picture_that_loads_nothing(shown: dict[str, str], name: str) -> None:
    html = shown[name]
    assert re.search(r"<svg|<iframe|src=\"data:image/(png|jpeg);base64", html)
    assert not re.search(r"(src|href)=\"https?:", html)
    assert len(html) < LARGEST.get(name, 500_000)
