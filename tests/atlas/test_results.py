"""What is made of a finished atlas: kinds of heads, tables, heatmaps for FiftyOne; and the shipped ones."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vitviz
from benchmarks import heads_over_photos
from vitviz.assets import ATLASES
from vitviz.atlas import Atlas
from vitviz.atlas.heatmaps import head_heatmaps
from vitviz.atlas.moments import Moments
from vitviz.atlas.summary_table import COLUMNS, csv_text, parquet_bytes
from vitviz.errors import OptionError
from vitviz.examples import examples
from vitviz.export.fiftyone import PhotoHeatmap, fiftyone_zip

SHIPPED = ATLASES / "default"


@pytest.fixture(scope="module")
def shipped() -> Atlas:
    return vitviz.read_atlas(SHIPPED)


def with_moments(atlas: Atlas, name: str, values: dict[tuple[int, int], tuple[float, float]]) -> Atlas:
    """The atlas with other means and halves of some heads."""
    moments = Moments(
        *(table.copy() for table in (atlas.state.moments.count, atlas.state.moments.mean, atlas.state.moments.squares))
    )
    start, shape = atlas.layout.places[name].start, atlas.layout.shape(name)
    for head, (mean, half) in values.items():
        at = start + int(np.ravel_multi_index(head, shape))
        moments.mean[at] = mean
        moments.squares[at] = (half / 1.959964) ** 2 * moments.count[at] * (moments.count[at] - 1)
    return replace(atlas, state=replace(atlas.state, moments=moments))


def test_a_kind_needs_the_whole_interval(shipped: Atlas) -> None:
    uniform = shipped.layout.grid.distances().mean()
    near, far = 0.5 * uniform - 0.2, 0.9 * uniform + 0.2
    distances = {(5, 0): (near, 0.1), (5, 1): (near, 0.3), (5, 2): (far, 0.1), (5, 3): (far, 0.3)}
    atlas = with_moments(shipped, "distance", distances)
    atlas = with_moments(atlas, "class_share", {(5, 4): (0.4, 0.01), (5, 5): (0.4, 0.2)})
    atlas = with_moments(atlas, "sink_share", {(5, number): (0.0, 0.0) for number in range(6)})
    kinds = vitviz.head_kinds(atlas)
    assert kinds[5, :5].tolist() == ["local", "between", "global", "between", "sink"]
    assert kinds[5, 5] != "sink"


def test_a_statistic_shows_itself(shipped: Atlas) -> None:
    settled = shipped.summary("lens_agreement")
    low, high, curve = settled.figure(title="Settled").data
    assert (curve.name, curve.x[0], curve.x[-1]) == ("Settled", -1, 11)
    np.testing.assert_allclose(curve.y, settled.mean, rtol=1e-5)
    np.testing.assert_allclose(high.y - low.y, np.minimum(settled.high, 1) - np.maximum(settled.low, 0), atol=1e-5)
    norms = shipped.summary("patch_norm")
    low, high, curve = norms.figure().data
    np.testing.assert_allclose((high.y - low.y) / 2, norms.deviation, rtol=1e-3)  # as far as it is not below 0
    (cells,) = shipped.summary("entropy").figure().data
    assert cells.z.shape == (12, 6)
    assert "<svg" in shipped.summary("confidence")._repr_html_()
    with pytest.raises(OptionError, match="No photo has a value of register_share"):
        shipped.summary("register_share").figure()


def test_the_shipped_atlases_are_what_the_page_says(shipped: Atlas) -> None:
    assert (shipped.photos, shipped.broken, len(shipped.labels)) == (5000, 0, 200)
    assert shipped.summary("right").mean == pytest.approx(0.708, abs=0.0005)  # the card's top-1
    assert (shipped.summary("box_share").count > 4900).all()
    vit = vitviz.load_vit()
    assert set(shipped.labels) <= set(vit.class_names)
    ten = vitviz.read_atlas(ATLASES / "examples")
    sample = ten.sample("distance")
    assert set(sample.names) == {photo.file for photo in examples() if not photo.made_of}
    own = vitviz.head_statistics(vitviz.trace(vit, ten.photo_bytes(0))).distance
    np.testing.assert_allclose(sample.values[sample.names.index(ten.names[0])], own, rtol=1e-4)
    for folder in ATLASES.iterdir():
        for file in ("atlas.json", "photos.csv"):
            assert "/tmp" not in (folder / file).read_text()  # no path of the machine that made it


def test_the_committed_table_is_that_of_the_shipped_atlas(capsys: pytest.CaptureFixture[str]) -> None:
    heads_over_photos.main()
    committed = (Path(heads_over_photos.__file__).parent / "results/heads.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == committed


def test_the_table_holds_every_number(shipped: Atlas) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(shipped, by_class=["distance"]))))
    assert tuple(rows[0]) == COLUMNS
    by_place = {tuple(row[:4]): row[4:] for row in rows[1:]}
    assert len(by_place) == len(rows) - 1
    summary = shipped.summary("distance", label="tabby")
    mean, low, high, deviation, photos = map(float, by_place["distance", "tabby", "3", "2"])
    assert (mean, low, high) == (summary.mean[3, 2], summary.low[3, 2], summary.high[3, 2])
    assert (deviation, photos) == (summary.deviation[3, 2], summary.count[3, 2])
    assert ("register_share", "", "0", "0") not in by_place  # the model has none
    assert ("confidence", "", "", "") in by_place

    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(parquet_bytes(shipped, by_class=["distance"])))
    assert table.column_names == list(COLUMNS)
    assert table.num_rows == len(rows) - 1
    assert table.column("mean").to_pylist() == [float(row[4]) for row in rows[1:]]


def read_heatmap(told: dict[str, Any]) -> np.ndarray:
    """As FiftyOne reads its field: base64 of BSON's binary, zlib, numpy.save."""
    data = zlib.decompress(base64.b64decode(told["map"]["$binary"]["base64"]))
    values: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    return values


def test_heatmaps_are_those_of_the_head(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    atlas = vitviz.atlas(photos, tmp_path / "out", model=vit)
    most = atlas.extremes("distance", (1, 1))[:2]
    made = fiftyone_zip(head_heatmaps(vit, atlas, most, layer=1, head=1), about={"layer": 1})
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        samples = json.loads(file.read("samples.json"))["samples"]
        assert "version" not in json.loads(file.read("metadata.json"))
        assert file.read(samples[0]["filepath"]) == atlas.photo_bytes(most[0].line)
    assert [sample["value"] for sample in samples] == [photo.value for photo in most]
    trace = vitviz.trace(vit, atlas.photo_bytes(most[1].line))
    expected = trace.grid.to_map(trace.attention_row(1, "class")[1])
    label = samples[1]["attention"]
    np.testing.assert_allclose(read_heatmap(label), expected, atol=1e-7)
    assert label["_cls"] == "Heatmap"
    assert label["range"] == [0, pytest.approx(max(read_heatmap(sample["attention"]).max() for sample in samples))]
    other = vitviz.ViT.from_module(vit.module, name="other", class_names=vit.class_names)
    with pytest.raises(OptionError, match=r"The atlas is of tiny .*; got other"):
        list(head_heatmaps(other, atlas, most, layer=0, head=0))


def test_what_is_no_heatmap_is_refused() -> None:
    with pytest.raises(OptionError, match="There is no photo for FiftyOne"):
        fiftyone_zip([], about={})
    for values in (np.full((2, 2), -1.0), np.full((2, 2), np.nan), np.zeros(3)):
        with pytest.raises(OptionError, match=r"The map of a\.jpg"):
            fiftyone_zip([PhotoHeatmap("a.jpg", b"", values)], about={})


def test_names_of_photos_stay_inside_of_the_zip_file() -> None:
    photos = [PhotoHeatmap(name, b"x", np.ones((2, 2))) for name in ("../../a b.jpg", "C:\\x\\a b.jpg", "/etc/a b.jpg")]
    with zipfile.ZipFile(io.BytesIO(fiftyone_zip(photos, about={}))) as file:
        inside = [name for name in file.namelist() if name.startswith("data/")]
    assert inside == ["data/00000-a-b.jpg", "data/00001-a-b.jpg", "data/00002-a-b.jpg"]


def test_a_damaged_atlas_is_named(tmp_path: Path) -> None:
    for name in ("atlas.json", "atlas.npz", "photos.csv"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    told = json.loads((tmp_path / "atlas.json").read_text())
    told["settings"]["layout"]["cka"] = True
    (tmp_path / "atlas.json").write_text(json.dumps(told))
    with pytest.raises(OptionError, match=f"{tmp_path} is damaged: its settings speak of"):
        vitviz.read_atlas(tmp_path)
    for number in (True, 1.0, "1", None, [1]):
        (tmp_path / "atlas.json").write_text(json.dumps(told | {"vitviz_atlas": number}))
        with pytest.raises(OptionError, match=r"holds an atlas of the format .*; wanted 1, that of this version"):
            vitviz.read_atlas(tmp_path)
    told["settings"]["layout"]["cka"] = False
    (tmp_path / "atlas.json").write_text(json.dumps(told))
    for harmed in (b"", (SHIPPED / "atlas.npz").read_bytes()[:-300], b"no archive"):
        (tmp_path / "atlas.npz").write_bytes(harmed)
        with pytest.raises(OptionError, match=r"cannot be read\. The file of numbers is damaged .*with overwrite=True"):
            vitviz.read_atlas(tmp_path)
    told["settings"]["layout"] = {}
    (tmp_path / "atlas.json").write_text(json.dumps(told))
    with pytest.raises(OptionError, match=f"{tmp_path} is damaged"):
        vitviz.read_atlas(tmp_path)


def test_a_folder_has_a_name() -> None:
    """An empty text would be the current folder, in which nobody asked for an atlas."""
    for name in ("", " "):
        with pytest.raises(OptionError, match=r"has no name; wanted one, or \"\.\" for the current folder"):
            vitviz.read_atlas(name)
        with pytest.raises(OptionError, match="has no name"):
            vitviz.atlas("assets/examples", name)
