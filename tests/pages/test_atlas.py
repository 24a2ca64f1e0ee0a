"""The Atlas page: the shipped atlas, a served one, a click on a photo, and folders that cannot be opened."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image

import vitviz
from tests.pages.dashboard import Dashboard, views_of
from vitviz.assets import ATLASES
from vitviz.models.vit import ViT
from vitviz.ui.explore.atlas import photos
from vitviz.ui.kept import atlases
from vitviz.ui.kept.photo_shelf import key_of

Open = Callable[..., Dashboard]


@pytest.fixture(scope="module")
def served(tiny_models: dict[str, ViT], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas of a tiny model over 12 photos of two classes, with a broken neighbour and one of another version."""
    folder = tmp_path_factory.mktemp("served")
    random = np.random.default_rng(0)
    for number in range(12):
        (folder / f"photos/class {number % 2}").mkdir(parents=True, exist_ok=True)
        noise = random.integers(0, 256 - 100 * (number % 2), (40, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"photos/class {number % 2}/{number}.png")
    vitviz.atlas(folder / "photos", folder / "mine", model=tiny_models["tiny:class"])
    for name in ("broken", "newer"):
        vitviz.atlas(folder / "photos", folder / name, model=tiny_models["tiny:class"])
    (folder / "broken/atlas.npz").write_bytes(b"tea")
    told = json.loads((folder / "newer/atlas.json").read_text())
    (folder / "newer/atlas.json").write_text(json.dumps(told | {"vitviz_atlas": 99}))
    return folder


@pytest.fixture
def with_served(served: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = ("mine", "broken", "newer")
    monkeypatch.setenv(atlases.VARIABLE, os.pathsep.join(str(served / name) for name in names))
    return served


def test_it_opens_on_the_shipped_atlas_with_its_lesson(dashboard: Open) -> None:
    app = dashboard("atlas").sound()
    assert app.link["atlas"] == "default"
    counts = [int(metric.value.split()[0]) for metric in app.app.metric]
    assert sum(counts) == 72
    assert (vitviz.head_kinds(vitviz.read_atlas(ATLASES / "default")) == "local").sum() == counts[0] > 0
    sent = app.component("atlas_heads")
    assert (sent["layers"], sent["heads"], sent["tickable"]) == (12, 6, False)
    assert len(app.component("atlas_examples")["tiles"]) == 10
    listed = app.table()
    assert len(listed) == 10
    assert set(listed["Class"]) <= set(vitviz.load_vit().class_names)
    page = app.export.html({})
    table, wall, difference, liked, shown = views_of(page)
    assert (table["label"], wall["label"]) == ("Attention distance, mean over the photos", "Attention distance")
    assert (wall["layers"], wall["heads"], wall["standalone"]) == (12, 6, True)
    assert "minus the other" in difference["label"]
    assert [panel["title"] for panel in liked["panels"]][0] == "Mean rollout"
    assert len(shown["panels"]) == 10, "the example photos, in the order of the page"
    tiles = app.component("atlas_examples")["tiles"]
    assert shown["panels"][0]["title"] == tiles[0][1]
    assert page.count("data:image/svg") == len(app.app.get("plotly_chart"))
    norms = dashboard("atlas", atlas_layers="patch_norm").sound()
    assert any("layers differ from “Random weights" in caption.value for caption in norms.app.caption)
    assert norms.export.arrays()["by_layer_lens_agreement"][-1] == 1


def test_a_served_atlas_shows_its_photos_and_its_files(dashboard: Open, with_served: Path) -> None:
    app = dashboard("atlas", atlas_head="1.0", atlas_statistic="entropy", atlas_other="examples")
    assert not app.app.exception
    assert app.link["atlas"] == "mine"
    assert "wanted the same" in app.app.info[0].value  # 2 layers beside 12
    assert len(app.component("atlas_most")["tiles"]) == 10
    keys = {"atlas_spread", "atlas_classes", "atlas_scatter", "atlas_layers"}
    assert keys == {chart.key for chart in app.app.get("plotly_chart")}
    atlas = vitviz.read_atlas(with_served / "mine")
    mean = atlas.summary("entropy").mean[1, 0]
    assert any(f"{mean:.3g}" in each.value for each in app.app.markdown)

    files = {suffix: make for suffix, _label, _mime, make in app.export.more}
    with zipfile.ZipFile(io.BytesIO(files["fiftyone.zip"]())) as made:
        samples = json.loads(made.read("samples.json"))["samples"]
        assert len(samples) == 12  # ten of each end, each photo once
        assert {sample["filepath"] for sample in samples} < set(made.namelist())
    table = files["csv"]().splitlines()
    assert sum(line.startswith("entropy,class 0,") for line in table) == 4
    assert files["parquet"]()[:4] == b"PAR1"


def test_photos_that_are_gone_are_listed_beside_those_that_can_be_read(dashboard: Open, with_served: Path) -> None:
    first, second, *_ = vitviz.read_atlas(with_served / "mine").extremes("entropy", (0, 0))
    files = [with_served / "photos" / photo.name for photo in (first, second)]
    kept = [file.read_bytes() for file in files]
    files[0].unlink()
    files[1].write_bytes(kept[0])  # another photo of its name
    st.cache_resource.clear()
    try:
        app = dashboard("atlas", atlas_head="0.0", atlas_statistic="entropy").sound()
        assert len(app.component("atlas_most")["tiles"]) == 8
        assert list(app.table()["Photo"]) == [first.name, second.name]
    finally:
        for file, data in zip(files, kept, strict=True):
            file.write_bytes(data)


def test_a_click_opens_the_photo_with_the_head(
    dashboard: Open, with_served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks: dict[str, Any] = {}
    monkeypatch.setattr(photos, "photo_picker", lambda *_, key, on_pick, **__: clicks.update({key: on_pick}))
    app = dashboard("atlas", atlas_head="0.1")
    assert {"atlas_most", "atlas_least"} == set(clicks)
    monkeypatch.setattr(photos, "photo_picker", lambda *_, key, on_pick, **__: key == "atlas_most" and on_pick("0"))
    app.run()
    assert (app.choices["layer"], app.choices["head"]) == (0, "1")
    first = vitviz.read_atlas(with_served / "mine").extremes("distance", (0, 1))[0]
    assert app.choices["example"] == key_of((with_served / "photos" / first.name).read_bytes())
    assert app.app.header[0].value.startswith("Where does")


def test_what_cannot_be_opened_is_named(dashboard: Open, with_served: Path) -> None:
    dashboard("atlas", atlas="broken").told("“broken” cannot be opened.*cannot be read")
    dashboard("atlas", atlas="newer").told("“newer” cannot be opened.*format 99; wanted 1")
    elsewhere = dashboard("atlas", atlas="etc", atlas_head="7.7", atlas_statistic="register_share", atlas_layers="cka")
    elsewhere.told("no atlas “etc” here", "no head L7·H7", "no values of “On registers”", "no values of “CKA of")
