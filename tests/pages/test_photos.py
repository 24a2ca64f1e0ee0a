"""The reader's own photos: taken, converted with a note, or refused with the photo before kept."""

import base64
import hashlib
import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.test_picture_files import SEVERAL, STORED, WHOLE, dicom, encoded, float_tiff, npy
from vitviz.images import SUFFIXES, open_photo
from vitviz.ui.kept import photo_shelf
from vitviz.ui.reader import own_photos


def noise(mode="RGB", size=(48, 40), seed=0):
    shape = (size[1], size[0], 3)
    image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))
    return image.convert(mode)


def file(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb():
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return file(noise(), "JPEG", exif=exif)


DEEP = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (40, 48), dtype=np.uint16))
SCAN = Image.fromarray(np.random.default_rng(1).integers(0, 4096, (40, 48), dtype=np.uint16))
HIDDEN = Image.fromarray(np.dstack([noise().resize((48, 40)), np.zeros((40, 48), np.uint8)]))
CLEAR = Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 48, 4), dtype=np.uint8))
FRAMES = [noise(seed=seed) for seed in (1, 2)]
GOOD = {
    "photo.jpg": (file(noise(), "JPEG"), "image/jpeg", ""),
    "photo.png": (file(noise()), "image/png", ""),
    "photo.webp": (file(noise(), "WEBP"), "image/webp", ""),
    "grey.png": (file(noise("L")), "image/png", ""),
    "palette.png": (file(noise("P")), "image/png", ""),
    "cmyk.jpg": (file(noise("CMYK"), "JPEG"), "image/jpeg", "CMYK"),
    "deep.png": (file(DEEP), "image/png", "16 bits"),
    "scan.png": (file(SCAN), "image/png", "values were scaled to 8 bits: 0 is black, 4095 is white"),
    "no-alpha.png": (file(HIDDEN), "image/png", "its fourth channel would hide the whole picture"),
    "phone.jpg": (file(FRAMES[0], "MPO", save_all=True, append_images=FRAMES[1:]), "image/jpeg", ""),
    "clear.png": (file(CLEAR), "image/png", "transparent parts"),
    "moving.webp": (
        file(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]),
        "image/webp",
        "first of 2 frames",
    ),
    "turned.jpg": (rotated(), "image/jpeg", "turned upright"),
    "large.jpg": (file(noise(size=(3000, 2000)), "JPEG", quality=20), "image/jpeg", "reduced from 3000 × 2000"),
}
KINDS = {**WHOLE, **{name: make for name, (make, _) in SEVERAL.items()}}
BAD = {
    "empty.png": (b"", "0 bytes"),
    "cut.jpg": (file(noise(), "JPEG")[:300], "damaged or cut off"),
    "cut.png": (file(noise())[:300], "damaged or cut off"),
    "tiny.png": (file(noise(size=(1, 1))), "too small: 1 × 1"),
    "bomb.png": (bomb(), "too large: "),
    "page.png": (b"<html><script>alert(1)</script>", "not a picture.*start with '<html><scrip'"),
    "text.jpg": (b"hello", "not a picture"),
    "narrow.png": (file(noise(size=(4000, 16))), "too narrow: 4000 × 16"),
}


def upload(app, name, data, mime="image/png"):
    app.app.file_uploader(key="upload").set_value((name, data, mime)).run()
    return app


def own(data):
    """The name of an own photo: the hash of its content, whatever its file is called."""
    return "own:" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.mark.parametrize("name", GOOD)
def test_a_photo_is_taken_with_a_note_on_what_was_changed(dashboard, name):
    data, mime, note = GOOD[name]
    app = dashboard("attention", example="cat").sound()
    before = app.blob("viewer")
    upload(app, name, data, mime)
    if note:
        app.told(rf"Your photo: .*{note}")
    else:
        app.sound()
    assert app.link["example"] == own(data)
    assert app.blob("viewer") != before
    assert [tile[0] for tile in app.component("photo_picker")["tiles"]][-1] == own(data)
    assert app.component("photo_picker")["current"] == own(data)
    assert own(data) not in str(app.manifest), "it would be a permission to look"
    assert "'photo.jpg'" in app.app.code[0].value
    assert any("Put the path of your own photo" in each.value for each in app.app.caption)


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_photo_is_told_and_the_photo_stays(dashboard, name):
    data, message = BAD[name]
    app = dashboard("attention", example="cat", patch=7).sound()
    before, link = app.blob("viewer"), app.link
    upload(app, name, data).told(message)
    assert app.blob("viewer") == before
    assert app.link == link
    assert app.run().sound().blob("viewer") == before


def test_a_broken_file_after_a_good_one_keeps_the_good_one(dashboard):
    app = upload(dashboard("start"), "photo.png", GOOD["photo.png"][0]).sound()
    digest = app.manifest["picture"]["digest"]
    upload(app, "cut.png", BAD["cut.png"][0]).told("damaged or cut off")
    assert app.manifest["picture"]["digest"] == digest
    assert app.link["example"] == own(GOOD["photo.png"][0])


def test_of_several_files_at_once_each_is_told_by_its_name(dashboard):
    cut = BAD["cut.png"][0]
    good = [(name, *GOOD[name][:2]) for name in ("grey.png", "turned.jpg")]
    app = dashboard("start")
    app.app.file_uploader(key="upload").set_value(
        [("first.png", cut, "image/png"), ("second.png", cut[:-9], "image/png"), *good]
    ).run()
    said = [each.value for each in app.app.warning]
    assert [re.split(r"[:(]", text.replace("\\", ""))[:2] for text in said] == [
        ["first.png", " The picture is damaged or cut off "],
        ["second.png", " The picture is damaged or cut off "],
        ["Your photo turned.jpg", " turned upright as its EXIF data says."],
    ]
    assert app.link["example"] == own(GOOD["turned.jpg"][0])


def test_a_photo_stays_over_page_changes_and_beside_the_examples(dashboard):
    app = upload(dashboard("attention"), "photo.png", GOOD["photo.png"][0]).sound()
    digest = app.manifest["picture"]["digest"]
    for page in ("heads", "rollout", "start"):
        assert app.go(page).sound().manifest["picture"]["digest"] == digest
    assert app.put(example="dog").sound().manifest["picture"]["digest"] != digest
    assert app.put(example="upload").sound().manifest["picture"]["digest"] == digest


def test_the_camera_gives_a_photo(dashboard):
    app = dashboard("attention").sound()
    app.app.toggle(key="camera_on").set_value(True).run()
    app.app.get("camera_input")[0].set_value(("camera.jpg", GOOD["photo.jpg"][0], "image/jpeg")).run()
    assert app.sound().link["example"] == own(GOOD["photo.jpg"][0])


def test_a_file_name_with_markup_goes_nowhere(dashboard):
    name = "<script>alert(1)</script>**bold**.png"
    app = upload(dashboard("attention"), name, GOOD["photo.png"][0]).sound()
    shown = [each.value for kind in ("markdown", "caption", "code") for each in app.app.get(kind)]
    assert not [text for text in shown if "script" in text]
    assert "script" not in str(app.manifest)
    app = upload(dashboard("attention"), name, b"<script>alert(1)</script>").told("not a picture")
    assert "\\<script\\>" in app.app.warning[0].value


def test_two_readers_do_not_see_each_others_photos(dashboard):
    first, second = dashboard("attention", example="cat"), dashboard("attention", example="dog")
    upload(first, "a.png", file(noise(seed=5)))
    assert second.run().sound().link["example"] == "dog"
    assert "own:" not in str(second.component("photo_picker")["tiles"])
    upload(second, "a.png", file(noise(seed=6)))
    one, two = first.run().sound().blob("viewer"), second.run().sound().blob("viewer")
    assert one != two
    assert first.run().blob("viewer") == one
    second.put(layer=0, head="1")
    assert first.run().sound().link["head"] == "mean"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_taken_by_the_upload(dashboard, name):
    data = KINDS[name]()
    app = upload(dashboard("attention", example="cat"), "photo.heic", data, "application/octet-stream")
    assert app.manifest["picture"]["digest"] == open_photo(data).digest
    assert app.link["example"] == own(data)


def test_the_upload_box_lists_every_kind(dashboard):
    box = dashboard("start").app.file_uploader(key="upload")
    assert {f".{suffix.removeprefix('.')}" for suffix in box.proto.type} >= set(SUFFIXES)


def digest(app):
    return app.manifest["picture"]["digest"]


def test_the_window_of_a_deep_photo_is_told_editable_and_in_the_link(dashboard):
    data = npy(STORED)
    app = upload(dashboard("attention", example="cat"), "scan.npy", data)
    app.told("0 is black, 4095 is white")
    assert "photo_window" not in app.link
    assert any("0 is black, 4095 is white" in each.value for each in app.app.caption)
    for kind in ("full", "range", "percentiles"):
        app.app.selectbox(key="photo_window_kind").select(kind).run()
        assert digest(app) == open_photo(data, window=kind).digest
        assert app.sound().link["photo_window"] == kind
        assert f"window='{kind}'" in app.app.code[0].value
    app.app.selectbox(key="photo_window_kind").select("given").run()
    app.app.number_input(key="photo_window_low").set_value(400.0).run()
    app.app.number_input(key="photo_window_high").set_value(2000.0).run()
    wanted = open_photo(data, window=(400, 2000))
    assert digest(app) == wanted.digest
    assert app.sound().link["photo_window"] == "400..2000"
    assert any("400 is black, 2000 is white" in each.value for each in app.app.caption)
    app.app.number_input(key="photo_window_low").set_value(3000.0).run()
    app.told("The lower end of the window must be less")
    assert digest(app) == wanted.digest
    for page in ("heads", "start"):
        assert digest(app.go(page).sound()) == wanted.digest


def test_the_code_of_a_windowed_photo_gives_the_numbers_shown(dashboard, tmp_path, monkeypatch):
    (tmp_path / "photo.jpg").write_bytes(npy(STORED))
    monkeypatch.chdir(tmp_path)
    app = upload(dashboard("attention"), "scan.npy", npy(STORED)).put(photo_window="percentiles").sound()
    line = next(line for line in app.app.code[0].value.splitlines() if "open_photo" in line)
    expression = line[line.index("vitviz.open_photo") : line.index(")", line.index("vitviz.open_photo")) + 1]
    assert eval(expression, {"vitviz": vitviz}).digest == digest(app)
    assert app.manifest["settings"]["opened"] == {"window": "percentiles"}


def test_a_link_with_a_window_waits_for_the_photo(dashboard):
    app = dashboard("attention", example="upload", photo_window="400..2000", photo_frame=1)
    app.told("somebody's own photo")
    upload(app, "scan.npy", npy(STORED))
    assert digest(app) == open_photo(STORED, window=(400, 2000)).digest
    upload(app, "other.npy", npy(STORED[::-1].copy()))  # another photo is not seen through the window of the last
    assert digest(app) == open_photo(STORED[::-1]).digest
    assert "photo_window" not in app.link


@pytest.mark.parametrize("text", ["wide", "9..1", "5", "1..2..3", "nan..1"])
def test_windows_of_a_link_that_are_none_are_told(dashboard, text):
    dashboard("attention", photo_window=text).told("photo_window=.*cannot be used.*400..2000")


def test_values_of_unknown_white_are_shown_over_their_range_and_told(dashboard):
    data = float_tiff(np.linspace(-3, 900, 2400).reshape(40, 60))
    app = upload(dashboard("attention"), "field.tif", data).told("-3 is black, 900 is white")
    assert app.link["photo_window"] == "range"
    app.app.selectbox(key="photo_window_kind").select("full").run()
    app.told("nothing says which is white")
    assert app.run().sound().link["photo_window"] == "range"


def test_a_dicom_file_has_its_window_and_a_frame_can_be_chosen(dashboard):
    frames = np.stack([STORED, STORED[::-1]])
    data = dicom(frames, WindowCenter=1000, WindowWidth=801)
    app = upload(dashboard("attention"), "scan.dcm", data).told("picture 1 of the 2.*599.5 is black|599.5 is black")
    assert digest(app) == open_photo(data).digest
    app.app.number_input(key="choice_photo_frame").set_value(2).run()
    assert digest(app) == open_photo(data, frame=2).digest
    assert app.sound().link["photo_frame"] == "2"
    app.put(photo_frame=7).told("Frame 7 does not exist")
    assert digest(app) == open_photo(data, frame=2).digest


def test_a_photo_of_8_bits_has_no_window(dashboard):
    app = upload(dashboard("attention", photo_window="full"), "photo.png", encoded(noise(), "PNG")).sound()
    assert not [each for each in app.app.selectbox if each.key == "photo_window_kind"]
    assert "photo_window" not in app.link


def test_several_photos_at_once_are_kept_through_a_reload_and_compared(dashboard):
    files = [file(noise(seed=seed)) for seed in (21, 22, 23)]
    app = dashboard("start")
    listed = [(f"{number}.png", data, "image/png") for number, data in enumerate(files)]
    app.app.file_uploader(key="upload").set_value(listed).run()
    assert app.sound().link["example"] == own(files[2])
    titles = dict(tile[:2] for tile in app.component("photo_picker")["tiles"])
    assert [titles[own(data)] for data in files] == ["your photo 1", "your photo 2", "your photo 3"]
    assert app.component("photo_picker")["own"] == [own(data) for data in files]
    again = dashboard("compare", example=own(files[0]), against="photo", other_photo=own(files[1])).sound()
    first, second = (again.manifest["settings"][side] for side in ("first", "second"))
    assert [side["digest"] for side in (first, second)] == [open_photo(data).digest for data in files[:2]]
    assert "'photo.jpg'" in again.app.code[0].value
    assert "'second.jpg'" in again.app.code[0].value
    assert again.component("photo_picker")["own"] == [own(data) for data in files[:2]], "what the link shows, no more"
    app.app.button(key="remove_photo").click().run()
    assert app.link["example"] == "red-panda"
    dashboard("start", example=own(files[2])).told("not in the memory of this vitviz")
    dashboard("start", example=own(b"never seen")).told("not in the memory of this vitviz")


def test_own_photos_are_bounded_in_number_and_bytes(dashboard, monkeypatch):
    monkeypatch.setattr(own_photos, "MOST", 2)
    files = [file(noise(seed=seed)) for seed in (31, 32, 33)]
    app = dashboard("start")
    app.app.file_uploader(key="upload").set_value([("a.png", data, "image/png") for data in files]).run()
    app.told("You have 2 photos here")
    assert app.component("photo_picker")["own"] == [own(data) for data in files[1:]]
    photo_shelf.files().drop(own(files[1]))  # pushed out by others
    app.run().told("pushed a photo of yours out")
    assert app.run().sound().component("photo_picker")["own"] == [own(files[2])]
    assert photo_shelf.FILE_BYTES + photo_shelf.PHOTO_BYTES <= 700_000_000
