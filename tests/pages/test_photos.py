"""The reader's own photos: taken, converted with a note, or refused with the photo before kept."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image


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
BAD = {
    "empty.png": (b"", "0 bytes"),
    "cut.jpg": (file(noise(), "JPEG")[:300], "damaged or cut off"),
    "cut.png": (file(noise())[:300], "damaged or cut off"),
    "tiny.png": (file(noise(size=(1, 1))), "too small: 1 × 1"),
    "bomb.png": (bomb(), "too large: "),
    "page.png": (b"<html><script>alert(1)</script>", "not a picture.*start with '<html><scrip'"),
    "text.jpg": (b"hello", "not a picture"),
    "gif.png": (file(noise("P"), "GIF"), "not a picture"),
    "narrow.png": (file(noise(size=(4000, 16))), "too narrow: 4000 × 16"),
}


def upload(app, name, data, mime="image/png"):
    app.app.file_uploader(key="upload").set_value((name, data, mime)).run()
    return app


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
    assert app.link["example"] == "upload"
    assert app.blob("viewer") != before
    assert [tile[0] for tile in app.component("photo_picker")["tiles"]][-1] == "upload"
    assert app.component("photo_picker")["current"] == "upload"
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
    assert app.link["example"] == "upload"


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
    assert app.sound().link["example"] == "camera"


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
    assert "upload" not in str(second.component("photo_picker")["tiles"])
    upload(second, "a.png", file(noise(seed=6)))
    one, two = first.run().sound().blob("viewer"), second.run().sound().blob("viewer")
    assert one != two
    assert first.run().blob("viewer") == one
    second.put(layer=0, head="1")
    assert first.run().sound().link["head"] == "mean"
