"""The Patches page: painting, every change, the link, what is measured when asked for, files and messages."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.pages.dashboard import NAMES, ROOT
from vitviz.analysis.patch_changes import CHANGES
from vitviz.errors import CheckpointError
from vitviz.export.arrays import npz_bytes
from vitviz.models.vit import ViT
from vitviz.ui.choices.patches import NOTHING, Painting
from vitviz.ui.explore.patches import painting
from vitviz.ui.furniture import show
from vitviz.ui.kept import networks

PAGE = "patches"
PAINTED = Painting(4, 4, frozenset({5, 6, 9}))
TIMM = {"model": "timm:vit_tiny_patch16_224", "weights": "random", "size": 64}


@pytest.fixture(autouse=True)
def _forget_passes():
    yield
    painting.passes.clear()


def words(app):
    return "\n".join(each.value for each in [*app.app.markdown, *app.app.caption])


def paint(app, painted):
    grid = app.exports[-1][0].vit.grid
    return app.put(painted=Painting(grid.rows, grid.columns, frozenset(painted)).text())


@pytest.mark.parametrize("model", NAMES)
def test_the_page_opens_on_every_kind_of_model_and_says_what_to_do(dashboard, model):
    app = dashboard(PAGE, model=model).sound()
    opened = app.component("painter")  # on an example
    assert opened["painted"]
    assert opened["changed"]
    assert "painted" not in app.link
    app = app.put(painted=NOTHING).sound()
    assert app.link["painted"] == "none"
    assert any("Paint on the photo" in each.value for each in app.app.info)
    sent = app.component("painter")
    assert (sent["painted"], sent["changed"], sent["effect"]) == ([], False, "")
    assert app.has("plotly_chart", "vit_answers") == (model != "tiny:embedding")
    arrays = app.export.arrays()
    assert np.array_equal(arrays["answer"], arrays["answer_before"])
    assert np.array_equal(arrays["map"], arrays["map_before"])
    labels = [each.label for each in app.app.main.expander]
    assert labels[-3:] == ["Why might this mislead?", "This view in Python", "Share and export"]
    assert (ROOT / "assets/text/en/caution-patches.md").read_text().strip() in words(app)
    app = paint(app, {0, 7}).sound()
    assert app.component("painter")["painted"] == [0, 7]
    assert app.component("painter")["changed"]
    arrays = app.export.arrays()
    assert not np.array_equal(arrays["answer"], arrays["answer_before"])
    assert float(app.app.metric[0].value) < 1
    assert arrays["painted"].sum() == 2


def test_every_change_moves_the_answer_of_the_patches_it_is_made_to(dashboard):
    app = dashboard(PAGE, painted=PAINTED.text()).sound()
    scene = app.exports[-1][0]
    for change, keep in [(each, False) for each in CHANGES] + [("grey", True), ("removed", True)]:
        app.put(change=change, keep_only=keep).sound()
        arrays = app.export.arrays()
        by_hand = vitviz.change_patches(scene.vit, scene.photo.image, PAINTED.patches, change, keep_only=keep)
        assert np.allclose(arrays["answer"], by_hand.logits, atol=1e-5)
        assert not np.allclose(arrays["answer"], arrays["answer_before"], atol=1e-5)
        moved = (arrays["changed_picture"] != arrays["picture"]).any(-1)
        cells = moved.reshape(4, 24, 4, 24).any((1, 3))  # shown at three times 8 pixels
        assert np.array_equal(cells, arrays["painted"] != keep)
        assert ("others" in app.component("painter")["effect"]) == keep


def test_the_link_is_the_view(dashboard):
    link = {"painted": PAINTED.text(), "change": "removed", "keep_only": 1, "patch_map": "rollout"}
    app = dashboard(PAGE, **link).sound()
    assert {name: app.link[name] for name in link} == {name: str(value) for name, value in link.items()}
    assert app.manifest["settings"]["painted"] == [5, 6, 9]
    assert "Rollout of all layers, mean of the heads: where the class token looks." in words(app)
    assert "painted" not in app.go("heads").sound().link
    assert app.go(PAGE).sound().link["painted"] == PAINTED.text()
    plain = app.put(painted="", change="grey", keep_only=False, patch_map="attention").sound()
    assert not {"painted", "change", "keep_only", "patch_map"} & set(plain.link)


@pytest.mark.parametrize(("link", "pattern"), [
    ({"painted": "junk"}, "painted='junk'.*such as 16x16.AAE"),
    ({"painted": "4x4.A"}, "painted='4x4.A'.*base 64 cannot be read"),
    ({"painted": "4x4.____"}, "patch 23 lies outside its grid of 16"),
    ({"change": "gray"}, "change='gray'.*Did you mean 'grey'"),
    ({"patch_sizes": "0-7"}, "patch_sizes='0-7'.*1 to 64"),
    ({"patch_sizes": "8-33"}, "Left out: 33 px"),
    ({"painted": Painting(4, 4, frozenset(range(16))).text(), "change": "removed"},
     "All 16 patches would be removed"),
])  # fmt: skip
def test_what_a_link_cannot_have_is_told_and_left_out(dashboard, link, pattern):
    app = dashboard(PAGE, **{"painted": NOTHING, **link}).told(pattern)
    if "such as 16x16" in pattern or "base 64" in pattern or "outside its grid" in pattern:
        assert app.component("painter")["painted"]  # the opening example
        return
    arrays = app.export.arrays()
    assert np.array_equal(arrays["answer"], arrays["answer_before"])


def test_a_painting_for_another_grid_is_carried_over_and_told(dashboard):
    half = Painting(8, 8, frozenset(range(32))).text()  # the upper half
    app = dashboard(PAGE, painted=half).sound()
    assert any("made on 8 × 8 patches; it is carried over to 4 × 4" in each.value for each in app.app.info)
    assert app.component("painter")["painted"] == list(range(8))
    assert app.link["painted"] == Painting(4, 4, frozenset(range(8))).text()


def test_all_patches_painted(dashboard):
    everything = Painting(4, 4, frozenset(range(16))).text()
    app = dashboard(PAGE, painted=everything).sound()
    assert app.component("painter")["changed"]
    assert not app.put(keep_only=True).sound().component("painter")["changed"]
    assert any("No patch is changed" in each.value for each in app.app.info)


def test_shuffling_overlapping_patches_is_refused_with_the_reason(dashboard):
    app = dashboard(
        PAGE, model="timm:vit_tiny_r_s16_p8_224", weights="random", size=64,
        painted=Painting(2, 2, frozenset({0, 3})).text(), change="shuffled",
    )  # fmt: skip
    app.told("does not cut the picture into separate patches")
    assert any("Its patches cannot be resized" in each.value for each in app.app.info)


@pytest.mark.parametrize("model", ["tiny:class", "tiny:embedding"])
def test_the_drop_curve_is_measured_when_asked_for(dashboard, model):
    app = dashboard(PAGE, model=model, change="removed").sound()
    assert not app.has("plotly_chart", "drop_curve")
    app.app.button(key="ask_drop").click().run()
    app.sound()
    assert app.has("plotly_chart", "drop_curve")
    arrays = app.export.arrays()
    assert arrays["dropped"][0] == 0
    assert arrays["dropped"][-1] <= 15 / 16
    assert arrays["random_low"][3] < arrays["random_mean"][3] < arrays["random_high"][3]
    assert "never below half" in words(app) or "half or less from" in words(app)
    assert not app.put(change="blur").sound().has("plotly_chart", "drop_curve")
    assert app.put(change="removed").sound().has("plotly_chart", "drop_curve")


def test_the_occlusion_map_is_the_librarys(dashboard):
    app = dashboard(PAGE).sound()
    app.app.button(key="ask_occlusion").click().run()
    app.sound()
    scene = app.exports[-1][0]
    by_hand = vitviz.attribute("occlusion", scene.vit, scene.photo.image)
    assert np.allclose(app.export.arrays()["occlusion"], by_hand.values, atol=1e-5)
    assert 'attribute("occlusion"' in app.app.code[0].value


def test_patch_sizes_are_run_when_asked_for(dashboard):
    app = dashboard(PAGE, patch_sizes="4-8-10").sound()
    app.app.button(key="ask_sizes").click().run()
    app.sound()
    table = app.app.dataframe[0].value
    assert list(table["Patches"]) == ["8 × 8", "4 × 4", "3 × 3"]
    assert list(table["Tokens"]) == [65, 17, 10]
    assert list(table["Patch"]) == ["4 px", "8 px (own)", "10 px"]
    assert "10 px → 30 × 30" in words(app)
    assert all(each.startswith("data:image/png;base64,") for each in table["Grid"])
    app.app.multiselect(key="patch_size_list").set_value([16]).run()
    assert app.sound().link["patch_sizes"] == "16"
    assert not app.app.dataframe
    app.app.multiselect(key="patch_size_list").set_value([]).run()
    assert app.sound().link.get("patch_sizes") is None  # none is the default few
    without = dashboard(PAGE, model="tiny:embedding", patch_sizes="16").sound()
    without.app.button(key="ask_sizes").click().run()
    assert list(without.sound().app.dataframe[0].value["Answer"]) == ["–"]


def test_the_trained_cnn_answers_beside(dashboard):
    app = dashboard(PAGE, **TIMM).sound()
    assert "**CNN EfficientNet-Lite0**, trained on the classes of the shipped ViT" in words(app)
    assert app.has("plotly_chart", "cnn_answers")
    assert "It has no tokens to remove" not in words(app)
    beside = app.put(painted=PAINTED.text(), change="removed").sound()
    assert beside.has("plotly_chart", "cnn_answers")
    assert "It has no tokens to remove" in words(beside)


def test_without_the_file_of_the_cnn_the_page_stands_and_says_so(dashboard, monkeypatch):
    def fail(height, width):
        raise CheckpointError("the file is cut off")

    monkeypatch.setattr(networks, "convnet", fail)
    app = dashboard(PAGE)
    app.app.run()  # a notice stands at the top of the next run
    app.told("the file is cut off")
    assert not app.has("plotly_chart", "cnn_answers")
    assert app.has("plotly_chart", "vit_answers")


def test_the_files_of_the_page(dashboard):
    painted = Painting(3, 5, frozenset({7})).text()
    app = dashboard(PAGE, model="tiny:wide", painted=painted, change="noise").sound()
    export, told = app.export, app.manifest
    picture = Image.open(io.BytesIO(export.png()))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.5)
    assert picture.convert("RGB").getcolors(50) is None
    arrays = export.arrays()
    assert arrays["map"].shape == arrays["painted"].shape == (3, 5)
    with np.load(io.BytesIO(npz_bytes(arrays, told)), allow_pickle=False) as stored:
        assert np.array_equal(stored["answer"], arrays["answer"])
    settings = json.loads(show.json_text(told))["settings"]
    assert (settings["method"], settings["painted"], settings["change"]) == (PAGE, [7], "noise")
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", export.html(told))


def test_the_code_gives_the_numbers(dashboard, tiny_models, monkeypatch):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, painted=PAINTED.text(), keep_only=1, versus=3, patch_sizes="16").sound()
    for key in ("ask_drop", "ask_occlusion", "ask_sizes"):
        app.app.button(key=key).click().run()
    app.sound()
    scope = {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    arrays = app.export.arrays()
    assert np.allclose(scope["values"], arrays["answer"], atol=1e-5)
    assert np.allclose(scope["curve"].most_attended, arrays["most_attended_first"], atol=1e-5)
    assert np.allclose(scope["occlusion"].values, arrays["occlusion"], atol=1e-5)
    assert [each.macs for each in scope["sizes"]] == arrays["sizes_macs"].tolist()


def test_heads_that_are_off_elsewhere_are_on_here(dashboard):
    app = dashboard(PAGE, ablate="0.0", painted=PAINTED.text()).sound()
    assert "all its heads on" in words(app)
    assert app.manifest["edit"]["ablate_heads"] == []


def test_a_stroke_is_kept_in_the_link(monkeypatch):
    state, kept = {}, {}
    monkeypatch.setattr(painting.st, "session_state", state)
    monkeypatch.setattr(painting.link, "put", lambda setting: kept.update({setting.name: setting.value}))
    grid = vitviz.PatchGrid(4, 4, (8, 8))
    painting._keep(grid, painting.Stroke(frozenset({5, 6}), 2, live=True))
    assert not kept, "a stroke that goes on is shown, and not yet in the link"
    assert len(state) == 2
    painting._keep(grid, painting.Stroke(frozenset({5, 6, 9}), 3))
    assert kept == {"painted": PAINTED.text()}
    assert list(state.values()) == [3]


def test_the_margin_of_a_picture_that_no_patch_covers_is_never_changed(build_vit):
    module = build_vit(img_size=(24, 24))
    vit = ViT.from_module(module)
    mask = painting._mask(vit.grid, frozenset(range(9)), 1, (26, 27, 3))
    assert mask[:24, :24].all()
    assert not mask[24:].any()
    assert not mask[:, 24:].any()
