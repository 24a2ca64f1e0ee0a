"""Runs the example notebooks anew and stores what they show, small: ``make notebooks``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat

EXAMPLES = Path(__file__).parents[1] / "examples"
KINDS = ("image/jpeg", "image/png", "text/plain")
"""What is stored of an output: the smaller picture, else the text."""


def slim(output: Any) -> Any:
    """Keep one form of an output."""
    if "data" in output:
        pictures = {kind: output.data[kind] for kind in KINDS[:2] if kind in output.data}
        text = {"text/plain": output.data["text/plain"]}
        smallest = sorted(pictures, key=lambda kind: len(pictures[kind]))[:1]
        output.data = {kind: pictures[kind] for kind in smallest} or text
    return output


def run(path: Path) -> None:
    """Execute a notebook in its own kernel and write it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    for cell in notebook.cells:
        cell.metadata = {}  # not the times of this run
        if cell.cell_type == "code":
            cell.outputs = [slim(output) for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    nbformat.write(notebook, path)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else sorted(EXAMPLES.glob("*.ipynb")):
        run(path)
