"""The example photos: readable, small, listed once, and none without a credit."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

EXAMPLES = Path(__file__).resolve().parents[1] / "assets" / "examples"
TEXTS = {"id", "file", "title", "alt"}
FIELDS = {*TEXTS, "classes", "answer"}
MAX_SIDE = 1024  # pixels
MIN_SIDE = 224  # pixels: the input side of the usual vision transformers
MAX_BYTES = 250_000
FREE_LICENCES = ("CC0 1.0", "Public domain")
# What a plain JPEG header holds; EXIF, XMP, comments and colour profiles add other keys.
PLAIN_HEADER = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}


def _listed() -> list[dict[str, Any]]:
    """The entries of examples.toml in the order shown."""
    with (EXAMPLES / "examples.toml").open("rb") as file:
        entries: list[dict[str, Any]] = tomllib.load(file)["example"]
    return entries


def _credits() -> list[list[str]]:
    """The rows of the table in CREDITS.md, header and rule left out, as lists of cells."""
    lines = (EXAMPLES / "CREDITS.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


LISTED = _listed()
PHOTOS = [entry["file"] for entry in LISTED]
photo = pytest.mark.parametrize("name", PHOTOS)


def test_there_are_at_least_six_examples() -> None:
    assert len(LISTED) >= 6


def test_every_entry_has_the_same_filled_fields() -> None:
    for entry in LISTED:
        assert set(entry) - {"made_of"} == FIELDS
        assert all(entry[name] == entry[name].strip() and entry[name] for name in TEXTS)


@pytest.mark.parametrize("field", ["id", "file", "title", "alt"])
def test_no_two_entries_share_a_field(field: str) -> None:
    values = [entry[field] for entry in LISTED]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: str(entry["id"]))
def test_ids_fit_in_a_link_and_texts_are_short(entry: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", entry["id"])
    assert entry["file"] == f"{entry['id']}.jpg"
    assert len(entry["title"]) <= 24
    assert len(entry["alt"]) <= 125


@photo
def test_photo_opens_as_rgb_within_the_limits(name: str) -> None:
    path = EXAMPLES / name
    with Image.open(path) as image:
        image.load()
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        assert max(image.size) <= MAX_SIDE
        assert min(image.size) >= MIN_SIDE
    assert path.stat().st_size < MAX_BYTES


@photo
def test_photo_carries_no_metadata(name: str) -> None:
    with Image.open(EXAMPLES / name) as image:
        assert set(image.info) <= PLAIN_HEADER
        assert not image.getexif()


@photo
def test_photo_is_a_picture_and_not_a_flat_area(name: str) -> None:
    with Image.open(EXAMPLES / name) as image:
        assert ImageStat.Stat(image.convert("L")).stddev[0] > 16


def test_upright_square_ish_and_wide_photos_are_all_there() -> None:
    ratios = []
    for name in PHOTOS:
        with Image.open(EXAMPLES / name) as image:
            ratios.append(image.width / image.height)
    assert min(ratios) < 0.8
    assert max(ratios) > 2
    assert any(1 < ratio < 1.4 for ratio in ratios)


def test_credits_name_each_listed_photo_once_in_the_order_shown() -> None:
    assert [row[0] for row in _credits()] == [f"`{name}`" for name in PHOTOS]


@pytest.mark.parametrize("row", _credits(), ids=lambda row: str(row[0]).strip("`"))
def test_credit_has_author_source_free_licence_and_changes(row: list[str]) -> None:
    _file, shows, author, source, licence, changes = row
    assert all((shows, author, changes))
    assert re.search(r"\]\(https://\S+\)", source)
    assert licence.startswith(FREE_LICENCES)


def test_the_folder_holds_nothing_but_listed_photos_and_their_papers() -> None:
    found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*")}
    assert found == {*PHOTOS, "CREDITS.md", "examples.toml"}
