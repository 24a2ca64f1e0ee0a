"""Every page opens on every kind of model, with its view."""

import numpy as np
import pytest

from tests.pages.dashboard import MAIN, NAMES, PAGES, RELATIVE, ROOT
from vitviz.ui.choices import CHOICES, FILES
from vitviz.ui.choices.choice import Choice
from vitviz.ui.navigation import START, entries

EACH_PAGE = pytest.mark.parametrize("page", PAGES)
VIEW = {"attention": "viewer", "heads": "atlas", "rollout": "rollout_viewer"}
GRID = {"tiny:wide": (3, 5)}
SPECIAL = {
    "tiny:registers": ["class", "register 1", "register 2", "register 3", "register 4"],
    "tiny:plain": [],
    "tiny:pooled": [],
}


def test_the_navigation_lists_every_page_file():
    files = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
    listed = [entry.name for entry in entries()]
    assert sorted(listed) == files
    assert listed[0] == START
    assert MAIN.read_text().count("st.Page(") == 1
    own = {path.stem for path in (ROOT / "tests/pages").glob("test_*.py")}
    assert [name for name in files if name not in PAGES and f"test_{name}" not in own] == []


def test_no_two_choices_share_a_name_and_each_belongs_to_a_page_that_exists():
    own = {id(choice): choice for file in FILES for choice in vars(file).values() if isinstance(choice, Choice)}
    assert sorted(choice.name for choice in own.values()) == sorted(CHOICES)
    pages = {entry.name for entry in entries()}
    assert {page for choice in CHOICES.values() for page in choice.pages} <= pages
    assert all(choice.read(as_text(choice)) == choice.default for choice in CHOICES.values() if choice.pages)


def as_text(choice):
    return str(int(choice.default)) if isinstance(choice.default, bool) else str(choice.default)


@EACH_PAGE
@pytest.mark.parametrize("model", NAMES)
def test_a_page_opens_on_every_kind_of_model(dashboard, page, model):
    app = dashboard(page, model=model).sound()
    assert app.link["model"] == model
    special = SPECIAL.get(model, ["class"])
    rows, columns = GRID.get(model, (4, 4))
    middle = rows // 2 * columns + columns // 2
    assert app.link["patch"] == ("class" if special and page != "rollout" else str(middle))
    assert any(f"{rows} × {columns} patches of 8 px" in each.value for each in app.app.caption)
    lists = [*app.app.selectbox, *app.app.multiselect]  # they show their options as they are, Markdown's signs too
    assert not [option for each in lists for option in each.options if "\\" in option]
    if page == "heads":
        assert len(app.app.dataframe[0].value) == 4  # 2 layers of 2 heads
        wall = app.component("wall")
        assert (wall["layers"], wall["heads"], wall["rows"], wall["columns"]) == (2, 2, rows, columns)
    elif page in VIEW:
        sent = app.component(VIEW[page])
        assert (sent["rows"], sent["columns"], sent["prefix"]) == (rows, columns, special)
        assert (sent["channels"] == 0) == (page == "rollout" or model == RELATIVE)


def test_start_shows_one_map_a_layer_and_four_doors(dashboard):
    app = dashboard("start").sound()
    film = app.component("layer_film")
    assert film["frames"] == ["Photo", "Layer 0", "Layer 1"]
    assert film["panels"][0]["rows"] == film["panels"][0]["columns"] == 4
    assert len(app.app.get("page_link")) == 2 + 4 + 1 + 1  # of the first minute, doors, the course, the next page
    assert [each.value for each in app.app.main.subheader] == [
        "I want to understand it",
        "I want to show it",
        "I want to measure my model",
        "I want proof",
    ]


def test_a_model_without_classifier_says_so_and_shows_the_cosine_of_ablation(dashboard):
    app = dashboard("heads", model="tiny:embedding", ablate="1.0").sound()
    assert any("No classifier" in each.value for each in app.app.markdown)
    assert app.app.metric[0].label.startswith("Cosine")
    assert not app.has("plotly_chart", "answers")


def test_the_attention_of_ablated_heads_is_told_in_words(dashboard):
    app = dashboard("heads", ablate="1.0").sound()
    told = [image.alt for each in app.app.get("image") for image in each.proto.imgs]
    assert sum(text.startswith("Strongest patches: ") for text in told) == 2


def test_a_photo_of_another_choice_is_another_picture(dashboard):
    app = dashboard("attention", example="cat").sound()
    cat = app.blob("viewer")
    assert app.put(example="dog").sound().blob("viewer") != cat
    assert app.link["example"] == "dog"
    assert app.component("photo_picker")["current"] == "dog"


def test_the_numbers_in_the_browser_are_those_of_the_trace(dashboard, tiny_models):
    import vitviz
    from vitviz.examples import example
    from vitviz.ui.components.packing import unpack

    app = dashboard("attention", example="cat", layer=1).sound()
    meta, parts = unpack(app.blob("viewer"))
    shape = (meta["heads"], 17, meta["channels"])
    queries, keys = (np.frombuffer(parts[name], "<f4").reshape(shape) for name in ("queries", "keys"))
    scores = np.exp(queries @ keys.transpose(0, 2, 1))
    trace = vitviz.trace(tiny_models["tiny:class"], example("cat").path)
    expected = trace.attention(1).numpy()
    assert np.abs(scores / scores.sum(-1, keepdims=True) - expected).max() <= 1e-5


def test_what_comes_and_goes_on_a_page_moves_neither_its_foot_nor_the_keys(dashboard):
    links = [("attention", {}), ("attention", {"present": "on"}), ("positions", {"shuffle": 1}), ("depth", {})]
    places = set()
    for page, link in links:
        blocks = dashboard(page, **link).sound().app.main.children
        places.add(tuple(place for place, block in blocks.items() if "shortcuts" in keys_in(block)))
    assert len(places) == 1
    assert places != {()}


def keys_in(block):
    return [getattr(each, "key", None) for each in block] if hasattr(block, "children") else []
