"""The dashboard as readers use it, in Chromium: links, photos, pins, layers, heads, keys, files.

Most flows run on a small model of random weights: what is tested is the dashboard, not what the model knows.
"""

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.visit import PAGES, QUICK
from vitviz.ui.kept.photo_shelf import key_of

pytestmark = pytest.mark.timeout(400)  # a flow has many steps, each of which a busy machine may draw out


def png(seed=0, size=(300, 240)):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


# Links


def test_an_unknown_page_is_refused_and_the_shipped_model_is_shown_at_once(visit):
    reader = visit("stray")
    reader.says("Page not found")
    reader.page.keyboard.press("Escape")
    reader.heading("What does a Vision Transformer see?")
    assert reader.pages == list(PAGES.values())
    assert reader.link["model"] == "default"
    assert reader.find('.film:not([data-ready=""]) .tile canvas').count() == 12  # a map a layer; the photo has none
    reader.shot("start")
    reader.page.get_by_role("link", name="Open Attention").click()
    reader.heading("Where does each patch look?").shows(layer=8, head="mean", query="class")
    assert reader.link["layer"] == "8"
    reader.shot("attention")


def test_pins_layers_and_reload_give_the_same_view(visit):
    reader = visit("attention", **QUICK).shows(layer=11)
    reader.find('.st-key-photo_picker .tile[data-photo="cat"]').click()
    reader.wait_for_link(example="cat")
    reader.photo_is("cat")
    sent = len(reader.frames)
    drawn = "canvas => canvas.toDataURL()"
    canvas = reader.viewer().locator(".photo canvas")
    before = canvas.evaluate(drawn)
    for patch in (20, 21, 50, 99, 130):
        reader.point(patch)
        reader.shows(hover=patch)
    assert canvas.evaluate(drawn) != before
    assert len(reader.frames) == sent  # hovering asks the server nothing
    reader.point(87, click=True)
    reader.wait_for_link(patch=87).shows(query=87)
    reader.viewer().locator(".previous").click()
    reader.wait_for_link(layer=10).shows(layer=10, query=87)
    reader.page.mouse.move(5, 5)
    reader.shows(hover="")
    link, row = reader.link, reader.viewer().evaluate("app => app.attentionRow(0)")
    reader.page.reload()
    reader.settle().shows(layer=10, query=87)
    assert reader.link == link
    assert reader.viewer().evaluate("app => app.attentionRow(0)") == row


def test_back_returns_to_the_view_and_to_the_page_before_at_the_first_press(visit):
    reader = visit("attention", patch=20, **QUICK).shows(query=20)
    reader.point(50, click=True)
    reader.wait_for_link(patch=50)
    reader.go("Rollout").shows("rollout_viewer")
    reader.wait_for_link(patch=50)
    reader.page.go_back()
    reader.heading("Where does each patch look?").wait_for_link(patch=50).shows(query=50)
    reader.page.go_back()
    reader.wait_for_link(patch=20).shows(query=20)


# Photos and models


def test_a_photo_is_uploaded_and_a_broken_one_is_told(visit):
    reader = visit("attention", example="cat", **QUICK).shows(query="class")
    chooser = reader.find('.st-key-upload input[type="file"]')
    chooser.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": png()[:2000]})
    reader.says("The picture is damaged or cut off")
    reader.photo_is("cat")
    assert reader.link["example"] == "cat"
    reader.shot("broken-upload")
    other, mine = png(1, (60, 480)), png(2)
    chooser.set_input_files(
        [{"name": f"<b>{data[40]}</b>.png", "mimeType": "image/png", "buffer": data} for data in (other, mine)]
    )
    reader.wait_for_link(example=key_of(mine))
    reader.photo_is(key_of(mine))
    reader.shows(query="class")
    reader.find('.st-key-photo_picker .tile[data-photo="cat"]').click()
    reader.wait_for_link(example="cat")
    reader.page.reload()  # another session of the server, which the tab tells what it had
    for data in (other, mine):
        reader.find(f'.st-key-photo_picker .tile[data-photo="{key_of(data)}"]')
    reader.find(f'.st-key-photo_picker .tile[data-photo="{key_of(other)}"]').click()
    reader.wait_for_link(example=key_of(other))
    reader.photo_is(key_of(other))
    assert reader.find('.st-key-strip [data-testid="stImage"] img').bounding_box()["height"] <= 72  # a tall photo


def test_a_model_is_changed_and_offered_with_random_weights_where_there_is_no_network(visit):
    reader = visit("attention", **QUICK, size=112, patch=20).shows(layer=11)
    box = reader.find(".st-key-choice_model input")
    box.click()
    box.fill("timm:deit_tiny_distilled_patch16_224")
    reader.page.keyboard.press("Enter")
    reader.says("could not be downloaded")
    reader.shot("model-unavailable")
    assert reader.link["model"] == QUICK["model"]
    reader.find(".st-key-random_weights button").click()
    reader.wait_for_link(model="timm:deit_tiny_distilled_patch16_224", weights="random")
    reader.viewer().get_by_text("distillation").wait_for()
    reader.shows(query=20)


# Keys


def test_everything_is_reached_from_the_keyboard(visit):
    reader = visit("attention", **QUICK).shows(layer=11)
    press = reader.page.keyboard.press
    reader.tab_to(r"^tile radio")
    press("ArrowRight")
    tiles = reader.find(".st-key-photo_picker .tile")
    second = tiles.nth(1).get_attribute("data-photo")
    reader.wait_for_link(example=second)
    reader.photo_is(second)
    press("ArrowDown")  # the focus stayed in the group
    third = tiles.nth(2).get_attribute("data-photo")
    reader.wait_for_link(example=third)
    reader.tab_to(r"^photo .*application")
    for key in ("ArrowUp", "Home", "PageUp", "ArrowDown", "ArrowRight", "ArrowRight"):
        press(key)
    reader.shows(hover=16)
    press("Enter")
    reader.wait_for_link(patch=16).shows(query=16)
    press(",")
    reader.wait_for_link(layer=10).shows(layer=10, query=16)
    reader.tab_to(r"\bstep ")
    press("Enter")
    reader.wait_for_link(layer=9).shows(layer=9)
    reader.tab_to(r"^tile radio")
    press("ArrowRight")
    reader.wait_for_link(head="max").shows(head="max")


# Heads and rollout


def test_a_deep_link_opens_heads_they_are_switched_off_and_one_is_opened_on_attention(visit):
    reader = visit("heads", layer=3, **QUICK).heading("Which head does what?")  # of a fresh server: the wheel's flow
    assert reader.pages == list(PAGES.values())
    reader.photo_is("red-panda")
    assert reader.find(".st-key-strip").is_visible()
    assert reader.link["layer"] == "3"
    assert reader.page.title() == "Heads · vitviz"
    reader.shot("heads")
    assert reader.find(".st-key-strip strong").inner_text()
    assert reader.find(".st-key-answers").count() == 0
    reader.head(0, 1, modifiers=["Shift"])
    reader.wait_for_link(ablate="0.1")
    wall = reader.find('.st-key-wall .wall:not([data-ready=""])[data-off="L0·H1"]')
    asked = len(reader.frames)
    wall.locator('.tile[data-cell="7"]').hover()
    reader.find('.wall[data-shown="L2·H1"]').wait_for()
    assert len(reader.frames) == asked  # pointing asks the server nothing
    wall.locator('.tile[data-cell="4"]').click()
    reader.wait_for_link(beside="1.1")
    reader.find('.wall[data-pinned="L1·H1"]').get_by_role("button", name="Switch off").click()
    reader.wait_for_link(ablate="0.1-1.1")
    reader.find(".wall .effect td").first.wait_for()
    reader.find(".st-key-answers .main-svg").first.wait_for()
    assert "L1·H1" in reader.find(".st-key-strip").inner_text()
    assert float(reader.find('[data-testid="stMetricValue"]').inner_text()) < 1
    reader.shot("heads-off")
    reader.head(4, 2)
    reader.heading("Where does each patch look?").shows(layer=4, head=2)
    reader.wait_for_link(layer=4, head=2)
    assert "L1·H1" in reader.find(".st-key-strip").inner_text()
    assert reader.link["ablate"] == "0.1-1.1"


def test_the_rollout_is_scrubbed_through_the_layers(visit):
    reader = visit("rollout", **QUICK).shows("rollout_viewer", layer=11)
    reader.shot("rollout")
    film, asked = reader.find('.film:not([data-ready=""])'), len(reader.frames)
    film.locator(".scrub").press("Home")
    film.locator(".play").click()  # motion is unwelcome here: each press is one frame
    reader.find('.film[data-playing="false"][data-frame="1"]').wait_for()
    reader.page.emulate_media(reduced_motion="no-preference")
    film.locator(".play").click()
    reader.find('.film[data-playing="true"]:not([data-frame="1"])').wait_for()
    film.get_by_role("button", name="Pause").click()
    film.locator(".scrub").press("Home")
    reader.find('.film[data-playing="false"][data-frame="0"]').wait_for()
    reader.page.keyboard.press("?")
    reader.find(".shortcuts dialog[open]").get_by_role("button", name="Close").click()
    assert len(reader.frames) == asked  # all of it in the browser
    reader.viewer("rollout_viewer").locator(".previous").click()
    reader.wait_for_link(end=10).shows("rollout_viewer", layer=10)
    thumbs = reader.find(".st-key-rollout_layers").get_by_role("slider")
    assert thumbs.nth(1).input_value() == "10"
    thumbs.nth(1).press("ArrowLeft")
    reader.wait_for_link(end=9).shows("rollout_viewer", layer=9)
    thumbs.nth(0).press("ArrowRight")
    reader.wait_for_link(start=1)
    reader.viewer("rollout_viewer").get_by_text("Rollout 1–9").first.wait_for()
    reader.point(30, "rollout_viewer", click=True)
    reader.wait_for_link(patch=30).shows("rollout_viewer", query=30)
    reader.page.keyboard.press("n")
    reader.heading("Why this answer?")


def test_the_files_are_downloaded_with_the_readers_colours(visit, tmp_path):
    pictures = []
    reader = visit("attention", palette="viridis", opacity=1, patch=20, **QUICK).shows(query=20)
    reader.page.get_by_text("Share and export").click()
    for palette in ("viridis", "spotlight"):
        if palette == "spotlight":
            reader.viewer().locator(".palette").get_by_role("radio", name="Spotlight").click()
            reader.wait_for_link(palette=None)  # it is the default
        file = reader.download(".st-key-download_png button")
        file.save_as(tmp_path / f"{palette}.png")
        with Image.open(tmp_path / f"{palette}.png") as picture:
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.5)
            pictures.append(np.asarray(picture.convert("RGB").resize((60, 60)), np.int16))
    assert file.suggested_filename == "vitviz-attention-layer11.png"
    assert np.abs(pictures[0] - pictures[1]).max() > 40
    copied = Image.open(io.BytesIO(reader.copied(".st-key-copy_picture")))  # written anew by the browser
    with Image.open(tmp_path / "spotlight.png") as picture:
        assert copied.convert("RGB").tobytes() == picture.convert("RGB").tobytes()
