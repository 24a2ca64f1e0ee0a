"""The same photos from a folder, a list, a table, tar shards, Parquet and Arrow; and sources that are damaged."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest
import webdataset
from PIL import Image

import vitviz
from vitviz.analysis.boxes import box_in_input
from vitviz.atlas.photo_reader import PhotoReader
from vitviz.atlas.shard import coverage_of
from vitviz.atlas.sources import source_of
from vitviz.errors import OptionError


def files_of(photos: Path) -> list[Path]:
    return sorted(photos.rglob("*.*"))


def read_all(given: Any, **options: Any) -> list[tuple[str, bytes]]:
    source = source_of(given, **options)
    reader = PhotoReader(source.base, source.column)
    return [(entry.label, reader.read(entry)) for entry in source.entries()]


@pytest.fixture
def plain(photos: Path) -> list[tuple[str, bytes]]:
    return [(file.parent.name, file.read_bytes()) for file in files_of(photos)]


def write_tar(path: Path, photos: list[Path]) -> None:
    """As WebDataset's own writer does it: one sample a photo, with its class."""
    with webdataset.TarWriter(str(path)) as writer:
        for number, file in enumerate(photos):
            writer.write(
                {"__key__": f"{number:04d}", file.suffix[1:]: file.read_bytes(), "cls": file.parent.name.encode()}
            )


@pytest.fixture
def tars(photos: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "tars"
    folder.mkdir()
    write_tar(folder / "train-000.tar", files_of(photos)[:12])
    write_tar(folder / "train-001.tar", files_of(photos)[12:])
    return folder


def test_a_folder_has_the_photos_in_order_and_its_folders_are_classes(
    photos: Path, plain: list[tuple[str, bytes]]
) -> None:
    (photos / "notes.txt").write_text("no photo")
    (photos / "class 1/back").symlink_to(photos)
    assert read_all(photos) == plain
    shutil.copy(files_of(photos)[0], photos / "flat.jpg")
    flat = [entry for entry in source_of(photos).entries() if entry.name == "flat.jpg"]
    assert [entry.label for entry in flat] == [""]


def test_a_folder_is_walked_as_everywhere(photos: Path, plain: list[tuple[str, bytes]]) -> None:
    """Hidden files and folders are left out, a photo is known by its content, what cannot be read is named."""
    before = files_of(photos)
    (photos / ".cache").mkdir()
    for copy in (".cache/a.jpg", "class 1/.a.jpg", "class 2/photo"):
        (photos / copy).write_bytes(plain[0][1])
    (photos / "class 2/note").write_text("tea")
    (photos / "class 2/nowhere").symlink_to(photos / "gone")
    (photos / "round").symlink_to(photos)
    entries = {entry.name: entry for entry in source_of(photos).entries()}
    own = {file.relative_to(photos).as_posix() for file in before}
    assert set(entries) == {*own, "class 2/nowhere", "class 2/photo"}
    assert entries["class 2/photo"].label == "class 2"
    assert "cannot be read" in entries["class 2/nowhere"].problem


def test_a_list_of_paths(photos: Path, plain: list[tuple[str, bytes]], tmp_path: Path) -> None:
    names = [file.relative_to(tmp_path).as_posix() for file in files_of(photos)]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(reversed(names)) + "\n")
    assert [data for _, data in read_all(listed)] == [data for _, data in plain]
    assert [data for _, data in read_all(files_of(photos))] == [data for _, data in plain]
    listed.write_text("\n".join([*names, names[3]]))
    with pytest.raises(OptionError, match="is listed more than once"):
        read_all(listed)
    listed.write_text("\n".join([*names, f"./{names[3]}"]))  # the same photo, spelled in another way
    with pytest.raises(OptionError, match="is listed more than once"):
        read_all(listed)
    listed.write_text("gone.jpg\n")
    (entry,) = source_of(listed).entries()
    assert "There is no picture at gone.jpg" in entry.problem


def test_a_table_tells_classes_and_boxes(photos: Path, tmp_path: Path) -> None:
    names = [file.relative_to(photos).as_posix() for file in files_of(photos)]
    table = tmp_path / "table.tsv"
    lines = ["file\tclass\tx0\ty0\tx1\ty1", f"{names[0]}\tcat\t2\t3\t9\t12", f"{names[0]}\tcat\t20\t3\t29\t12"]
    table.write_text("\n".join([*lines, f"{names[1]}\tdog\t\t\t\t"]))
    first, second, third, *_ = source_of(photos, table=table).entries()
    assert (first.label, first.boxes) == ("cat", ((2, 3, 10, 13), (20, 3, 30, 13)))
    assert (second.label, second.boxes) == ("dog", ())
    assert third.label == "class 1"
    same = tmp_path / "table.json"
    same.write_text(json.dumps([{"file": names[0], "class": "cat", "boxes": [[2, 3, 9, 12], [20, 3, 29, 12]]}]))
    assert next(source_of(photos, table=same).entries()) == first
    csv = photos.parent / "photos.csv"
    csv.write_text("file,label\nphotos/class 1/00.jpg,x\n")
    assert [(entry.name, entry.label) for entry in source_of(csv).entries()] == [("photos/class 1/00.jpg", "x")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "name\nx.jpg\n", "has the columns name; wanted file"),
        ("t.csv", "file,x0\nx.jpg,1\n", "all of x0, y0, x1, y1"),
        ("t.csv", "file,class\na.jpg,x\na.jpg,x\n", "lists a.jpg more than once"),
        ("t.csv", "file,x0,y0,x1,y1\na.jpg,1,2,b,4\n", "wanted four whole numbers"),
        ("t.csv", "file,class\n,x\n", "has no file"),
        ("t.csv", "file\nnot there.jpg\n", "which the source has not"),
        ("t.json", "{", "is no JSON"),
        ("t.json", "{}", "no list of objects"),
    ],
)
def test_tables_that_cannot_be_read_are_told(photos: Path, tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(OptionError, match=message):
        list(source_of(photos, table=tmp_path / name).entries())


def test_tar_shards_are_read_as_webdataset_reads_them(tars: Path, plain: list[tuple[str, bytes]]) -> None:
    paths = sorted(map(str, tars.iterdir()))
    script = (  # in a process of its own, for it leaves its files open
        "import sys, json, hashlib, webdataset\n"
        "samples = webdataset.WebDataset(sys.argv[1:], shardshuffle=False)\n"
        "pairs = [(s['cls'].decode(), s.get('jpg') or s['png']) for s in samples]\n"
        "print(json.dumps([[label, hashlib.sha256(data).hexdigest()] for label, data in pairs]))"
    )
    done = subprocess.run([sys.executable, "-c", script, *paths], check=True, capture_output=True, text=True)
    ours = [[label, hashlib.sha256(data).hexdigest()] for label, data in read_all(tars)]
    assert ours == json.loads(done.stdout)
    assert read_all(tars) == plain
    assert read_all(f"{tars}/train-{{000..001}}.tar") == plain
    assert read_all(f"{tars}/train-*.tar") == plain
    assert read_all(paths) == plain
    names = [entry.name for entry in source_of(tars).entries()]
    assert len(set(names)) == 20
    assert names[12] == "train-001.tar/0000.jpg"


def test_a_tar_cut_in_the_middle_gives_what_lies_before(tars: Path, vit: vitviz.ViT, tmp_path: Path) -> None:
    archive = tars / "train-000.tar"
    with tarfile.open(archive) as tar:
        place = next(info.offset_data for info in tar if info.name.startswith("0007") and info.name.endswith("jpg"))
    archive.write_bytes(archive.read_bytes()[: place + 300])
    atlas = vitviz.atlas(tars, tmp_path / "out", model=vit)
    assert atlas.photos == 7 + 8
    assert [problem.name for problem in atlas.problems][0] == "train-000.tar/0007.jpg"
    assert any("is cut off" in problem.reason for problem in atlas.problems)
    archive.write_bytes(archive.read_bytes()[:3000] + b"\1" * 20000)
    problems = [entry.problem for entry in source_of(tars).entries() if entry.problem]
    assert any("cannot be reached" in problem or "cut off" in problem for problem in problems)


def end_of(data: bytes, zeros: int) -> bytes:
    """An archive that ends so many bytes behind its last member."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        last = tar.getmembers()[-1]
    return data[: last.offset_data + -(-last.size // 512) * 512 + zeros]


@pytest.mark.parametrize(
    ("harm", "photos_read", "message"),
    [
        (lambda data, header: data[:header], 7, "is cut off after 14 members"),  # where a member would begin
        (lambda data, header: data[: header + 200], 7, "is cut off after 14 members"),
        (lambda data, header: data[:header] + b"\1" * 512 + data[header + 512 :], 7, "is damaged after 14 members"),
        (lambda data, header: data + data, 12, "goes on behind its end"),
        (lambda data, header: data + bytes(20000), 12, None),
        (lambda data, header: end_of(data, 512), 12, "is cut off after 24 members"),  # one block of zeros is no end
        (lambda data, header: end_of(data, 1023), 12, "is cut off after 24 members"),
        (lambda data, header: end_of(data, 1024), 12, None),
    ],
)
def test_where_a_tar_ends_is_looked_at(tars: Path, harm: Any, photos_read: int, message: str | None) -> None:
    """Python's own reader stops without a word wherever a member's header is none."""
    archive = tars / "train-000.tar"
    with tarfile.open(archive) as tar:
        header = next(info.offset for info in tar if info.name.startswith("0007"))
    archive.write_bytes(harm(archive.read_bytes(), header))
    entries = list(source_of(archive).entries())
    assert sum(not entry.problem for entry in entries) == photos_read
    problems = [entry.problem for entry in entries if entry.problem]
    assert len(problems) == (message is not None)
    assert message is None or message in problems[0]


def test_links_in_a_tar_are_named(tmp_path: Path, photos: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(photos / "class 1", "some", recursive=False)
        tar.add(files_of(photos)[0], "some/a.jpg")
        for name, kind in (("b.jpg", tarfile.LNKTYPE), ("c.jpg", tarfile.SYMTYPE), ("c.txt", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(f"some/{name}")
            info.type, info.linkname = kind, "some/a.jpg"
            tar.addfile(info)
    photo, *links = source_of(tmp_path / "x.tar").entries()
    assert not photo.problem
    assert [link.name for link in links] == ["x.tar/some/b.jpg", "x.tar/some/c.jpg"]
    assert all("is a link to 'some/a.jpg'" in link.problem for link in links)


def test_names_that_are_twice_in_a_tar_are_told_apart(tmp_path: Path, photos: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for file in files_of(photos)[:2]:
            info = tarfile.TarInfo("a.jpg")
            info.size = file.stat().st_size
            tar.addfile(info, io.BytesIO(file.read_bytes()))
    first, second = source_of(tmp_path / "x.tar").entries()
    assert first.problem == ""
    assert "has a photo of that name before" in second.problem
    assert first.name != second.name


def test_tar_classes_may_stand_in_json_after_the_photo(tmp_path: Path, photos: Path) -> None:
    with webdataset.TarWriter(str(tmp_path / "x.tar")) as writer:
        data = files_of(photos)[0].read_bytes()
        writer.write({"__key__": "some/a", "jpg": data, "json": json.dumps({"label": 3}).encode()})
        writer.write({"__key__": "some/b", "jpg": data})
    assert [entry.label for entry in source_of(tmp_path / "x.tar").entries()] == ["3", ""]


@pytest.mark.parametrize("kind", ["parquet", "feather", "arrow", "struct", "paths"])
def test_tables_of_bytes_and_of_paths(kind: str, photos: Path, plain: list[tuple[str, bytes]], tmp_path: Path) -> None:
    pictures: list[Any] = [data for _, data in plain]
    if kind == "struct":  # as datasets of Hugging Face keep them
        pictures = [{"bytes": data, "path": None} for data in pictures]
    if kind == "paths":
        pictures = [file.relative_to(tmp_path).as_posix() for file in files_of(photos)]
    labels = [int(label[-1]) - 1 for label, _ in plain]
    table = pyarrow.table({"id": list(range(20)), "path" if kind == "paths" else "image": pictures, "label": labels})
    told = {"info": {"features": {"label": {"names": ["class 1", "class 2"], "_type": "ClassLabel"}}}}
    table = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    file = tmp_path / f"table.{kind if kind in ('feather', 'arrow') else 'parquet'}"
    if kind == "feather":
        pyarrow.feather.write_feather(table, file, chunksize=7)
    elif kind == "arrow":
        with pyarrow.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    else:
        pyarrow.parquet.write_table(table, file, row_group_size=7)
    assert read_all(file) == plain


def test_photos_of_a_table_of_paths_are_watched(photos: Path, tmp_path: Path, vit: vitviz.ViT) -> None:
    file, names = tmp_path / "t.parquet", [str(path) for path in files_of(photos)[:3]]
    pyarrow.parquet.write_table(pyarrow.table({"path": names}), file)
    vitviz.atlas(file, tmp_path / "out", model=vit)
    shutil.copy(names[1], names[0])
    with pytest.raises(OptionError, match="t.parquet#0 has another"):
        vitviz.atlas(file, tmp_path / "out", model=vit)
    pyarrow.parquet.write_table(pyarrow.table({"path": [*names, "photos/../" + names[0]]}), file)
    assert len(list(source_of(file).entries())) == 4  # another path, though of no photo
    pyarrow.parquet.write_table(pyarrow.table({"path": [*names, f"{photos}/./class 1/00.jpg"]}), file)
    with pytest.raises(OptionError, match="stands in t.parquet#0 and in t.parquet#3; wanted each photo once"):
        list(source_of(file).entries())


def test_tables_that_cannot_be_used_are_told(tmp_path: Path, vit: vitviz.ViT) -> None:
    file = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"number": [1]}), file)
    with pytest.raises(OptionError, match="has the columns number; wanted image, bytes or path"):
        list(source_of(file).entries())
    with pytest.raises(OptionError, match="wanted x"):
        list(source_of(file, column="x").entries())
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(OptionError, match="cannot be read as a table"):
        list(source_of(file).entries())
    pyarrow.parquet.write_table(pyarrow.table({"image": [None, b"x"]}), file)
    with pytest.raises(vitviz.VitvizError, match="None of the 2 photos can be measured"):
        vitviz.atlas(file, tmp_path / "out", model=vit)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not there", "There is nothing at"),
        ("x.zip", "no source of photos"),
        ("x.tar.gz", "Unpack it to a plain .tar"),
        ("mixed", "holds table and tar files"),
    ],
)
def test_sources_that_are_none_are_told(tmp_path: Path, name: str, message: str) -> None:
    for file in ("x.zip", "x.tar.gz"):
        (tmp_path / file).write_bytes(b"x")
    (tmp_path / "mixed").mkdir()
    for file in ("a.tar", "b.parquet"):
        (tmp_path / "mixed" / file).write_bytes(b"x")
    with pytest.raises(OptionError, match=message):
        source_of(tmp_path / name)


def test_an_empty_source_is_told(tmp_path: Path, vit: vitviz.ViT) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="There is no photo in .*empty; wanted at least one"):
        vitviz.atlas(tmp_path / "empty", tmp_path / "out", model=vit)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(OptionError, match="There is no photo"):
        vitviz.atlas(tmp_path / "empty.txt", tmp_path / "out2", model=vit)


def test_boxes_follow_the_photo_into_the_model(photos: Path, tmp_path: Path, vit: vitviz.ViT) -> None:
    """A large photo is made smaller when it is opened; its boxes are counted in its own pixels."""
    file = photos / "class 1/00.jpg"
    names = [path.relative_to(photos).as_posix() for path in files_of(photos)]
    Image.open(file).resize((4800, 4000)).save(file)
    table = tmp_path / "t.csv"
    table.write_text(f"file,x0,y0,x1,y1\n{names[0]},1000,1000,2999,2999\n{names[1]},10,10,29,29\n{names[2]},0,0,99,9\n")
    atlas = vitviz.atlas(photos, tmp_path / "out", model=vit, table=table)
    assert [(problem.name, "outside the photo" in problem.reason) for problem in atlas.problems] == [(names[2], True)]
    assert atlas.photos == 20
    summary = atlas.summary("box_share")
    assert (summary.count == 2).all()
    box = box_in_input(vit, (48, 40), (10, 10, 30, 30))
    shares = []
    for path in files_of(photos)[:2]:
        rows = vitviz.trace(vit, path).attention_row(1, "class")[:, 1:].reshape(2, 4, 4).numpy()
        shares.append([vitviz.energy_in_box(row, vit.grid, box) for row in rows])
    np.testing.assert_allclose(summary.mean[1], np.mean(shares, 0), rtol=1e-3)


def test_boxes_that_overlap_count_once(vit: vitviz.ViT) -> None:
    both = coverage_of(vit.grid, [(0, 0, 16, 16), (8, 8, 20, 24)])
    assert both.reshape(4, 4).tolist() == [[1, 1, 0, 0], [1, 1, 0.5, 0], [0, 1, 0.5, 0], [0, 0, 0, 0]]
