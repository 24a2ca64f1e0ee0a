"""The Receptive field page: networks side by side, the same place in each, every depth, files and messages."""

import io
import json
import re
import threading

import numpy as np
import pytest
from PIL import Image

import vitviz
import vitviz.examples
from tests.pages.dashboard import NAMES
from vitviz.export.arrays import npz_bytes
from vitviz.ui.furniture import show
from vitviz.ui.kept import cache, networks
from vitviz.ui.work import long_work

PAGE = "receptive_field"


@pytest.fixture(autouse=True)
def _forget_fields():
    yield
    for kept in (cache.receptive_field, cache.field_radius, cache.attention_fields, networks.redrawn):
        kept.clear()


@pytest.mark.parametrize("model", NAMES)
def test_the_page_opens_on_every_kind_of_model(dashboard, model):
    app = dashboard(PAGE, model=model).sound()
    table = app.table()
    assert list(table["Network"])[1:] == ["Its attention rollout", "CNN EfficientNet-Lite0", "The same ViT, random"]
    assert app.has("plotly_chart", "field_profile")
    roles = ("map", "rollout", "convnet", "random")
    rows, columns = (3, 5) if model == "tiny:wide" else (4, 4)
    for sent in (app.component(f"field_{role}") for role in roles):
        assert (sent["rows"], sent["columns"]) == (rows, columns)
    areas = table[["20%", "30%", "50%", "99%"]].map(lambda text: float(text.rstrip("%")))
    assert (np.diff(areas.to_numpy(), axis=1) >= 0).all()
    assert areas.to_numpy().max() <= 100


def test_random_weights_are_said_to_be_random_and_those_of_the_cnn_are_not(dashboard):
    app = dashboard(PAGE).sound()
    weights = list(app.table()["Weights"])
    assert "trained on the photos of the shipped ViT" in weights[2]
    assert "redrawn at random" in weights[3]
    random = dashboard(PAGE, model="timm:vit_tiny_patch16_224", weights="random", size=32, layer=0).sound()
    assert random.component("depth_film")["panels"][0]["title"] == "ViT “timm:vit_tiny_patch16_224”"
    table = random.table()
    assert len(table) == 3  # a random ViT needs no random one beside it
    assert table["Weights"][0] == "random weights"


def test_the_same_place_is_read_in_every_network(dashboard):
    app = dashboard(PAGE, patch=0, layer=0).sound()
    told = app.manifest["settings"]
    vit, rolled, net, _ = told["networks"]
    assert told["token"] == vit["token"] == rolled["token"] == "0"
    assert (vit["by"], rolled["by"]) == ("gradient", "rollout")
    # half of 17 layers is blocks.3.1 with 2 × 2 places of 16 px
    assert (net["layer"], net["token"]) == (7, "0")
    corner = app.put(patch="15").sound().manifest["settings"]["networks"]
    assert corner[2]["token"] == "3"
    assert app.component("field_convnet")["chosen"] == 15


@pytest.mark.parametrize("choices", [
    {"layer": 0, "patch": 0, "field_scale": "linear", "palette": "cividis", "opacity": 1.0},
    {"layer": 1, "patch": "class", "pictures": "examples", "opacity": 0.0},
])  # fmt: skip
def test_knobs_at_their_ends(dashboard, choices):
    app = dashboard(PAGE, **choices).sound()
    assert ("Radius by photo (px)" in app.table()) == ("pictures" in choices)
    for name in choices:
        assert app.link[name] == str(choices[name]) or name == "opacity"


@pytest.mark.parametrize("pictures", ["one", "examples"])
def test_this_photo_stands_beside_the_mean_of_the_examples(dashboard, tiny_models, pictures):
    app = dashboard(PAGE, patch=6, layer=0, pictures=pictures, spread=1).sound()
    spec = json.loads(next(each for each in app.app.get("plotly_chart") if each.key == "field_profile").proto.spec)
    dotted = [each["name"] for each in spec["data"] if each["line"].get("dash") == "dot"]
    other = "mean of the examples" if pictures == "one" else "this photo"
    assert len(dotted) == 4
    assert all(name.endswith(other) for name in dotted)
    assert len([each for each in spec["data"] if "fill" in each]) == (pictures == "examples") * 4
    told = "10 photos of different sizes, each resized and cropped to 32 × 32 px"
    assert any(told in each.value for each in app.app.caption) == (pictures == "examples")
    found = app.table(1)
    vit = tiny_models["tiny:class"]
    photos = [each.path for each in vitviz.examples.photographs()]
    wanted = vitviz.receptive_field(vit, photos, layer=0, token=6)
    assert found["Mean of the examples"][0] == f"{wanted.radius:.1f}"
    assert found["Standard deviation"][0] == f"{wanted.per_image_radius.std():.1f}"


def test_the_rollout_is_the_librarys_in_pixels(dashboard, tiny_models):
    app = dashboard(PAGE, model="tiny:wide", layer=1, patch=7).sound()
    rolled = app.export.arrays()["rollout"]
    trace = vitviz.trace(tiny_models["tiny:wide"], vitviz.examples.example("red-panda").path)
    wanted = vitviz.attention_field(trace, layer=1, token=7).values
    assert rolled.shape == (24, 40)
    assert rolled.sum() == pytest.approx(1, rel=1e-5)
    assert np.allclose(rolled.reshape(3, 8, 5, 8).sum((1, 3)), wanted, atol=1e-6)


def test_every_depth_is_measured_when_it_is_asked_for(dashboard):
    app = dashboard(PAGE).sound()
    assert not app.has("plotly_chart", "depth_curve")
    app.app.toggle(key="choice_depths").set_value(True).run()
    assert app.sound().link["depths"] == "1"
    spec = json.loads(next(each for each in app.app.get("plotly_chart") if each.key == "depth_curve").proto.spec)
    named = {each["name"]: each for each in spec["data"] if each.get("name")}
    assert any("half the side" in name for name in named)
    assert "seeing all pixels alike" in named
    dashes = [each for each in named.values() if each["line"].get("dash") == "dash"]
    assert [each["line"]["color"] for each in dashes] == ["#D55E00", "#0072B2"]
    assert dashes[1]["name"] == "Its attention rollout"


@pytest.mark.parametrize(("link", "pattern"), [
    ({"pictures": "all"}, "pictures='all'.*wanted one of"),
    ({"field_scale": "x"}, "field_scale='x'.*wanted one of"),
    ({"depths": "2"}, "depths='2'.*wanted one of"),
    ({"patch": "99"}, "no token '99'"),
    ({"layer": "9"}, "no layer 9"),
    ({"model": "tiny:plain", "patch": "class"}, "no token 'class'"),
])  # fmt: skip
def test_what_a_link_cannot_have_is_told(dashboard, link, pattern):
    dashboard(PAGE, **link).told(pattern)


def test_the_files_of_the_page(dashboard):
    app = dashboard(PAGE, example="koala", patch=6).sound()
    export, told = app.export, app.manifest
    picture = Image.open(io.BytesIO(export.png()))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.5)
    assert picture.convert("RGB").getcolors(50) is None
    arrays = export.arrays()
    assert arrays["map"].shape == arrays["convnet"].shape == arrays["random"].shape == (32, 32)
    with np.load(io.BytesIO(npz_bytes(arrays, told)), allow_pickle=False) as stored:
        assert np.array_equal(stored["convnet"], arrays["convnet"])
    assert json.loads(show.json_text(told))["settings"]["method"] == PAGE
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", export.html(told))


def test_every_network_follows_the_crop(dashboard):
    """The CNN's own key has no crop in it: its field must not be the one of another crop of the photo."""
    app = dashboard(PAGE, example="koala", patch=6).sound()
    before = app.export.arrays()
    after = app.put(crop="squash").sound().export.arrays()
    for role in ("map", "convnet", "random"):
        assert not np.array_equal(before[role], after[role]), role


@pytest.mark.parametrize("pictures", ["one", "examples"])
def test_the_code_gives_the_numbers(dashboard, tiny_models, monkeypatch, pictures):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, layer=1, patch=6, pictures=pictures).sound()
    scope = {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    assert np.allclose(scope["values"], app.export.arrays()["map"], rtol=1e-3, atol=1e-5)


@pytest.mark.usefixtures("beside")
def test_the_film_and_the_examples_are_measured_beside_the_page_and_stopped(dashboard, monkeypatch):
    """A click while they are measured takes nothing back; what is stopped waits until it is asked for again."""
    go, frame = threading.Event(), cache.field_frame
    monkeypatch.setattr(cache, "field_frame", lambda *given: go.wait(60) and frame(*given))
    app = dashboard(PAGE).sound()
    assert [panel["missing"] for panel in app.component("depth_film")["panels"]] == [[1], [1]], (
        "but for the chosen depth"
    )
    number = next(iter(app.app.session_state["vitviz_runs"].values()))
    app.put(opacity=0.5).sound()
    assert list(app.app.session_state["vitviz_runs"].values()) == [number], "the same work goes on"
    assert len(app.table()) == 4, "what is quick stands meanwhile"
    app.app.button(key="stop_film").click().run()
    go.set()
    long_work.queue().wait(number, 30)
    stopped = app.run().sound().component("depth_film")
    assert [panel["missing"] for panel in stopped["panels"]] == [[], []], "what was measured before the stop stays"
    app.app.button(key="ask_film").click().run()
    long_work.queue().wait(number + 1, 30)
    film = app.run().sound().component("depth_film")
    assert film["frames"] == ["Depth 1 of 2", "Depth 2 of 2"]
    assert [panel["missing"] for panel in film["panels"]] == [[], []]
    app.put(pictures="examples")
    long_work.queue().wait(number + 2, 60)
    assert "Radius by photo (px)" in app.run().sound().table()
