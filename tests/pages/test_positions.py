"""The Positions page: every kind of encoding, the chosen place, the shuffle experiment, files and messages."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.pages.dashboard import NAMES, RELATIVE, ROOT
from vitviz.errors import UnsupportedModelError
from vitviz.export.arrays import npz_bytes
from vitviz.models.vit import ViT
from vitviz.ui.components.packing import unpack
from vitviz.ui.explore.positions import input_sizes
from vitviz.ui.furniture import show
from vitviz.ui.kept import cache
from vitviz.ui.work import long_work

PAGE = "positions"
NONE = "tiny:none"


@pytest.fixture(autouse=True)
def _forget_positions():
    yield
    for kept in (cache.positions, cache.shuffled, cache.interpolated):
        kept.clear()


@pytest.fixture
def without(tiny_models, build_vit):
    """The name of a model without position encoding."""
    tiny_models[NONE] = ViT.from_module(build_vit(pos_embed="none"), name=NONE)
    yield NONE
    del tiny_models[NONE]


def words(app):
    return "\n".join(each.value for each in app.app.markdown)


@pytest.mark.parametrize("model", NAMES)
def test_the_page_opens_on_every_kind_of_model(dashboard, model):
    app = dashboard(PAGE, model=model).sound()
    kind = "Relative bias" if model == RELATIVE else "Learned"
    assert f"**{kind}**" in words(app)
    assert app.has("plotly_chart", "profiles")
    assert len(app.app.metric) == (0 if model == RELATIVE else 2)
    labels = [each.label for each in app.app.main.expander]
    assert labels[-3:] == ["Why might this mislead?", "This view in Python", "Share and export"]
    assert (ROOT / "assets/text/en/caution-positions.md").read_text().strip() in words(app)
    not_applicable = [each.value for each in app.app.info if "Not applicable" in each.value]
    assert len(not_applicable) == (2 if model == RELATIVE else 0)  # components, another grid
    mosaic = app.component("mosaic")
    assert (mosaic["rows"], mosaic["columns"]) == ((3, 5) if model == "tiny:wide" else (4, 4))


def test_a_model_without_positions_says_so_and_shuffling_changes_nothing(dashboard, without):
    app = dashboard(PAGE, model=without, shuffle=1).sound()
    assert "**None**" in words(app)
    assert any("Not applicable" in each.value for each in app.app.info)
    assert not app.has("plotly_chart", "profiles")
    arrays = app.export.arrays()
    assert np.allclose(arrays["cosine_with_positions"], 1, atol=1e-5)
    assert "map" not in arrays
    assert Image.open(io.BytesIO(app.export.png())).format == "PNG"
    assert app.manifest["settings"]["kind"] == "none"
    reasons = [each.value for each in app.app.info if "Not applicable" in each.value]
    assert len(reasons) == 3
    assert not any(each.key == "mosaic" for each in app.app.get("bidi_component"))


def test_rotary_positions_have_a_kernel(dashboard):
    app = dashboard(PAGE, model="timm:vit_small_patch16_rope_224", weights="random", size=64).sound()
    assert "**Rotary**" in words(app)
    values = app.export.arrays()["similarity"]
    assert values.shape == (16, 16)
    assert np.allclose(np.diag(values), 1, atol=1e-5)
    assert "so nothing is interpolated" in "".join(each.value for each in app.app.info)
    assert app.export.arrays()["components"].shape == (6, 4, 4)


def test_one_of_several_encodings_is_chosen(dashboard):
    eva = {"model": "timm:eva02_tiny_patch14_224", "weights": "random", "size": 56}
    app = dashboard(PAGE, **eva).sound()
    assert "**Learned**" in words(app)
    app.app.segmented_control(key="position_encoding").set_value("rotary").run()
    assert app.sound().link["encoding"] == "rotary"
    assert "**Rotary**" in words(app)
    assert app.manifest["settings"]["kind"] == "rotary"
    assert "kind='rotary'" in app.app.code[0].value
    dashboard(PAGE, encoding="rotary").told("no encoding “rotary”")


def test_the_chosen_place_is_the_pinned_patch(dashboard):
    app = dashboard(PAGE, patch=5).sound()
    arrays = app.export.arrays()
    assert np.array_equal(arrays["map"].ravel(), arrays["similarity"][5])
    app.app.selectbox(key="position_patch").set_value(0).run()
    assert app.sound().link["patch"] == "0"
    assert app.export.arrays()["map"].ravel()[0] == pytest.approx(1, abs=1e-6)
    middle = dashboard(PAGE, patch="class").sound()
    assert middle.manifest["settings"]["patch"] == 10


def test_a_place_of_the_mosaic_is_chosen_by_a_click(dashboard):
    app = dashboard(PAGE, model="tiny:wide", patch=5).sound()
    meta, parts = unpack(app.blob("mosaic"))
    picture = Image.open(io.BytesIO(parts["picture"]))
    assert (picture.width % 5, picture.height % 3) == (0, 0)
    assert meta["chosen"] == 5
    assert app.put(patch="14").sound().component("mosaic")["chosen"] == 14  # as the click does
    assert np.array_equal(app.export.arrays()["map"].ravel(), app.export.arrays()["similarity"][14])


def test_the_positions_are_shown_on_another_grid(dashboard, tiny_models):
    app = dashboard(PAGE, model="tiny:wide").sound()
    assert app.manifest["settings"]["new_grid"] == [1, 2]
    app.app.slider(key="position_rows").set_value(9).run()
    assert app.sound().link["new_grid"] == "9"
    arrays = app.export.arrays()
    wanted = vitviz.interpolated_similarity(tiny_models["tiny:wide"], 9, 15)
    for way, name in ((True, "similarity_antialiased"), (False, "similarity_not_antialiased")):
        assert np.allclose(arrays[name], wanted.similarity_after[way])
    told = app.manifest["settings"]["difference_of_the_two_ways"]
    assert told == pytest.approx(wanted.difference)


def test_input_sizes_are_measured_when_asked_for(dashboard, monkeypatch):
    monkeypatch.setattr(input_sizes, "SIZES", (4, 16, 30, 32, 48))  # 4 is no patch, 30 is 32
    app = dashboard(PAGE).sound()
    assert not app.has("plotly_chart", "size_cosine")
    app.app.toggle(key="choice_input_sizes").set_value(True).run()
    app.sound()
    table = app.table()
    assert list(table["Input (px)"]) == ["16 × 16", "32 × 32 *", "48 × 48"]
    assert list(table["Tokens"]) == ["5", "17", "37"]
    assert app.export.arrays()["input_size_cosine"][1] == pytest.approx(1)
    assert not app.has("button", "stop_input_sizes")
    assert len(long_work.result(("input sizes", app_key(app), photo_digest(app)))) == 3


def app_key(app):
    return app.exports[-1][0].model_key


def photo_digest(app):
    return app.exports[-1][0].photo.digest


def test_input_sizes_of_a_model_that_takes_one_only_are_told(dashboard, monkeypatch):
    def refuse(vit, image, *, sizes):
        raise UnsupportedModelError(f"{vit.name} cannot take an input of {sizes}")

    with monkeypatch.context() as refusing:
        refusing.setattr(input_sizes, "input_size_steps", refuse)
        app = dashboard(PAGE, input_sizes=1).told("cannot take an input")
    assert not app.has("plotly_chart", "size_cosine")
    assert not app.has("button", "stop_input_sizes")
    monkeypatch.setattr(input_sizes, "SIZES", (16, 32))
    toggle = app.app.toggle(key="choice_input_sizes").set_value(False).run().toggle
    toggle(key="choice_input_sizes").set_value(True).run()
    assert app.sound().has("plotly_chart", "size_cosine")  # tried again


def test_input_sizes_refused_to_one_reader_are_measured_for_another(dashboard, monkeypatch):
    monkeypatch.setattr(input_sizes, "SIZES", (16, 32))
    steps, refusals = input_sizes.input_size_steps, [UnsupportedModelError("not now")]

    def refuse_once(vit, image, *, sizes):
        if refusals:
            raise refusals.pop()
        return steps(vit, image, sizes=sizes)

    monkeypatch.setattr(input_sizes, "input_size_steps", refuse_once)
    assert not dashboard(PAGE, input_sizes=1).told("not now").has("plotly_chart", "size_cosine")
    assert dashboard(PAGE, input_sizes=1).sound().has("plotly_chart", "size_cosine")


def test_shuffling_moves_the_class_token_only_with_positions(dashboard):
    app = dashboard(PAGE).sound()
    assert not app.has("plotly_chart", "shuffle_curve")
    app.app.toggle(key="choice_shuffle").set_value(True).run()
    assert app.sound().link["shuffle"] == "1"
    assert app.has("plotly_chart", "shuffle_curve")
    arrays = app.export.arrays()
    assert np.allclose(arrays["cosine_without_positions"], 1, atol=1e-5)
    assert arrays["cosine_with_positions"][0] == pytest.approx(1)
    assert arrays["cosine_with_positions"].min() < 1 - 1e-6
    assert len(app.table()) == 5


def test_a_model_without_classifier_shuffles_without_answers(dashboard):
    app = dashboard(PAGE, model="tiny:embedding", shuffle=1).sound()
    assert app.has("plotly_chart", "shuffle_curve")
    assert not app.app.table


def test_what_a_link_cannot_have_is_told(dashboard):
    dashboard(PAGE, model="tiny:plain", patch="class", shuffle="yes", new_grid=999).told(
        "no token 'class'", "shuffle='yes'.*wanted one of", "grid of 999 rows is too large to show; 50 rows"
    )
    dashboard(PAGE, patch=16, new_grid=-1).told("no token '16'", "new_grid='-1'.*whole number")


def test_the_files_of_the_page(dashboard):
    app = dashboard(PAGE, model="tiny:wide", patch=3, shuffle=1).sound()
    export, told = app.export, app.manifest
    picture = Image.open(io.BytesIO(export.png()))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.5)
    assert picture.convert("RGB").getcolors(50) is None
    arrays = export.arrays()
    assert arrays["map"].shape == (3, 5)
    assert (len(arrays["row_profile"]), len(arrays["column_profile"])) == (3, 5)
    with np.load(io.BytesIO(npz_bytes(arrays, told)), allow_pickle=False) as stored:
        assert np.array_equal(stored["similarity"], arrays["similarity"])
    assert json.loads(show.json_text(told))["settings"]["method"] == PAGE
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", export.html(told))


def test_the_code_gives_the_numbers(dashboard, tiny_models, monkeypatch):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, patch=6, shuffle=1).sound()
    scope = {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    assert np.allclose(scope["values"], app.export.arrays()["map"])
