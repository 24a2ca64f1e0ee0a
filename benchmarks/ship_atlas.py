"""Make a finished atlas small enough to ship: numbers rounded to float32, no times, no paths of the machine.

    python -m benchmarks.ship_atlas RESULT OUT [--base FOLDER] [--classes FILE] [--without-classes]

``--base`` says where the photos lie, seen from OUT; without it they are not part of it. ``--classes`` has an id, a tab
and a class name a line, and turns ids such as WordNet's into names. ``--without-classes`` leaves out what is known by
class, where classes have next to no photos.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vitviz.atlas import read_atlas
from vitviz.atlas.folder import ATLAS, PHOTOS, SETTINGS
from vitviz.atlas.moments import Moments
from vitviz.atlas.photo_list import write_list
from vitviz.atlas.state import State
from vitviz.atlas.state_file import FORMAT, state_bytes
from vitviz.export.json_text import json_text
from vitviz.files import write_bytes, write_text


def rounded(state: State, names: Mapping[str, str]) -> State:
    """Return a state whose float64 numbers are those of float32, which pack to half the size."""
    return replace(
        state,
        moments=_moments(state.moments),
        classes={names.get(label, label): _moments(moments) for label, moments in state.classes.items()},
        least=replace(state.least, values=_round(state.least.values)),
        most=replace(state.most, values=_round(state.most.values)),
        maps=_round(state.maps),
    )


def _moments(moments: Moments) -> Moments:
    return Moments(moments.count, _round(moments.mean), _round(moments.squares))


def _round(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values.astype(np.float32).astype(np.float64)


def ship(result: Path, out: Path, *, base: str = "", classes: Path | None = None, by_class: bool = True) -> None:
    """Write the small copy of a finished atlas."""
    atlas = read_atlas(result)
    lines = [] if classes is None else classes.read_text(encoding="utf-8").splitlines()
    names = dict(line.split("\t", 1) for line in lines if "\t" in line)
    out.mkdir(parents=True, exist_ok=True)
    state = rounded(atlas.state, names)
    write_bytes(out / ATLAS, state_bytes(state if by_class else replace(state, classes={})))
    write_list(
        out / PHOTOS,
        (replace(entry, time=0, label=names.get(entry.label, entry.label)) for entry in atlas.entries),
    )
    told = {"vitviz_atlas": FORMAT, "settings": dict(atlas.settings), "source": {"base": base, "files": []}}
    write_text(out / SETTINGS, json_text(told))
    for file in sorted(out.iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Ship what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--base", default="")
    parser.add_argument("--classes", type=Path)
    parser.add_argument("--without-classes", action="store_true")
    given = parser.parse_args()
    ship(given.result, given.out, base=given.base, classes=given.classes, by_class=not given.without_classes)


if __name__ == "__main__":
    main()
