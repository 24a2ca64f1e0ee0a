"""The Tokens page: both photos in the browser, norms, logit lens, spectrum, CKA, files and messages."""

import io
import json

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.pages.dashboard import NAMES, ROOT
from vitviz.analysis.map_comparison import same_crop
from vitviz.examples import example
from vitviz.export.arrays import npz_bytes
from vitviz.images import open_image
from vitviz.ui.components.packing import unpack
from vitviz.ui.furniture import show
from vitviz.ui.kept import cache, networks

PAGE = "tokens"


@pytest.fixture(autouse=True)
def _forget_tokens():
    yield
    for kept in (
        cache.token_colours,
        cache.token_norms,
        cache.logit_lens,
        cache.class_evidence,
        cache.token_spectrum,
        cache.layer_similarity,
        networks.redrawn,
    ):
        kept.clear()


def words(app):
    return "\n".join(each.value for each in [*app.app.markdown, *app.app.caption, *app.app.info])


@pytest.mark.parametrize("model", NAMES)
def test_the_page_opens_on_every_kind_of_model(dashboard, model):
    app = dashboard(PAGE, model=model).sound()
    sent = app.component("token_viewer")
    assert [(each["rows"], each["columns"]) for each in sent["pictures"]] == [
        (3, 5) if model == "tiny:wide" else (4, 4)
    ] * 2
    assert sent["channels"] == 32
    assert app.has("plotly_chart", "stream_bands")
    assert app.has("plotly_chart", "lens_curve") == (model != "tiny:embedding")
    assert ("no classifier" in words(app)) == (model == "tiny:embedding")
    assert not app.has("plotly_chart", "cka_matrix")
    labels = [each.label for each in app.app.main.expander]
    assert labels[-3:] == ["Why might this mislead?", "This view in Python", "Share and export"]
    assert (ROOT / "assets/text/en/caution-tokens.md").read_text().strip() in words(app)


def test_the_browser_gets_the_tokens_of_both_photos(dashboard, tiny_models):
    app = dashboard(PAGE, example="cat", second="dog", layer=0, patch=5).sound()
    meta, parts = unpack(app.blob("token_viewer"))
    vit = tiny_models["tiny:class"]
    here, there = (vitviz.trace(vit, example(name).path) for name in ("cat", "dog"))
    units = [
        np.frombuffer(parts[f"tokens{place}"], "<i2").reshape(16, 32)
        * np.frombuffer(parts[f"scales{place}"], "<f4")[:, None]
        for place in (0, 1)
    ]
    wanted = vitviz.token_similarity(here, 5, layer=0, other=there)
    assert units[1] @ units[0][5] == pytest.approx(wanted.values.ravel(), abs=2e-4)
    assert (meta["chosen"], [each["title"] for each in meta["pictures"]])[0] == 5
    arrays = app.export.arrays()
    assert np.allclose(arrays["second_map"], wanted.values)
    assert app.manifest["settings"]["best_match"]["second"] == wanted.best


def test_a_pinned_patch_does_not_send_the_tokens_again(dashboard):
    app = dashboard(PAGE, patch=5).sound()
    before = app.blob("token_viewer")
    revision = app.component("token_viewer")["revision"]
    chosen = {"patch": 9, "scale": "signed", "revision": revision}
    app.app.session_state["token_viewer"] = {"view": [{"turn": 1, "value": chosen}]}
    app.put(patch="9", likeness="signed").sound()  # as the callback does
    assert app.blob("token_viewer") == before
    assert app.export.arrays()["map"].ravel()[9] == pytest.approx(1)
    changed = app.put(patch="2").sound().component("token_viewer")  # somebody else's wish
    assert (changed["chosen"], changed["scale"]) == (2, "signed")
    assert changed["revision"] > revision


@pytest.mark.parametrize(("link", "seen"), [
    ({"foreground": 0.95, "layer": 1}, r"patches lie above the threshold 0\.95"),
    ({"foreground": 0.5, "flip": 1, "layer": 0, "likeness": "signed"}, "after layer 0"),
    ({"lens_class": 9, "layer": 0, "patch": 0}, "Evidence for|after layer 0"),
])  # fmt: skip
def test_knobs_at_their_ends(dashboard, link, seen):
    import re

    app = dashboard(PAGE, **link).sound()
    assert re.search(seen, words(app).replace("\\", ""))
    for name, value in link.items():
        assert app.link[name] == str(value)


@pytest.mark.parametrize(("against", "title"), [
    ("", "Layer of tiny:class"),
    ("random", "Layer of tiny:class, random weights"),
    ("tiny:wide", "Layer of tiny:wide"),
])  # fmt: skip
def test_layers_are_compared_when_it_is_asked_for(dashboard, against, title):
    app = dashboard(PAGE, cka_with=against).sound()
    app.app.toggle(key="choice_cka").set_value(True).run()
    assert app.sound().link["cka"] == "1"
    spec = json.loads(next(each for each in app.app.get("plotly_chart") if each.key == "cka_matrix").proto.spec)
    assert spec["layout"]["xaxis"]["title"]["text"] == title
    cka = app.export.arrays()["cka"]
    assert cka.shape == (3, 3)
    assert np.allclose(np.diag(cka), 1) == (against == "")
    assert ("averaged over areas" in words(app)) == (against == "tiny:wide")


def test_two_models_are_compared_on_one_crop(dashboard, tiny_models):
    vit, other = tiny_models["tiny:class"], tiny_models["tiny:wide"]
    app = dashboard(PAGE, example="cat", cka=1, cka_with="tiny:wide").sound()
    image = open_image(example("cat").path)
    here, there = vitviz.trace(vit, image), vitviz.trace(other, same_crop(vit, other, image))
    wanted = vitviz.layer_similarity(here, there).values
    assert np.allclose(app.export.arrays()["cka"], wanted, atol=1e-5)
    apart = vitviz.layer_similarity(here, vitviz.trace(other, image)).values
    assert not np.allclose(apart, wanted, atol=1e-3)


def test_a_model_that_cannot_be_compared_is_told_on_the_page(dashboard):
    app = dashboard(PAGE, cka=1, cka_with="timm:resnet18").sound()
    assert "resnet18" in words(app)
    assert not app.has("plotly_chart", "cka_matrix")


def test_what_a_link_cannot_have_is_told(dashboard):
    bad = {"second": "nope", "foreground": 2, "likeness": "x", "lens_class": 10, "layer": 9}
    dashboard(PAGE, **bad, patch=16).told(
        "no photo “nope”",
        "foreground='2'.*from 0 to 0.95",
        "likeness='x'.*wanted one of",
        "no class 10: this model has classes 0 to 9",
        "no layer 9",
        "no token '16'",
    )


def test_the_files_of_the_page(dashboard):
    app = dashboard(PAGE, model="tiny:wide", patch=3, cka=1, ablate="0.0").sound()
    assert "all its heads on" in words(app)
    export, told = app.export, app.manifest
    picture = Image.open(io.BytesIO(export.png()))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.5)
    arrays = export.arrays()
    assert arrays["map"].shape == (3, 5)
    assert arrays["colours"].shape == (3, 5, 3)
    assert arrays["norms"].shape == (2, 3, 5)
    with np.load(io.BytesIO(npz_bytes(arrays, told)), allow_pickle=False) as stored:
        assert np.array_equal(stored["branch"], arrays["branch"])
    assert json.loads(show.json_text(told))["settings"]["method"] == PAGE
    page = export.html(told)
    assert "TokenViewer" in page
    assert "connect-src" not in page
    assert "default-src 'none'" in page


def test_the_code_gives_the_numbers(dashboard, tiny_models, monkeypatch):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, patch=6, layer=0, foreground=0.2, cka=1).sound()
    scope = {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    arrays = app.export.arrays()
    assert np.allclose(scope["values"], arrays["map"])
    assert np.allclose(scope["colours"][1], arrays["second_colours"])
    assert np.allclose(scope["cka"], arrays["cka"])
