"""The link is the view: written, read, kept over page changes, and told where it cannot be used."""

import pytest

from vitviz.errors import OptionError
from vitviz.ui.choices import CHOICES

WHOLE = {
    "example": "cat",
    "model": "tiny:registers",
    "layer": 0,
    "head": 1,
    "patch": 7,
    "direction": "attended_by",
    "scale": "layer",
    "special": 0,
    "opacity": 0.35,
    "palette": "cividis",
    "smooth": 1,
    "statistic": "entropy",
    "fusion": "max",
    "discard": 0.5,
    "residual": 0.25,
    "start": 0,
    "end": 0,
    "ablate": "0.1-1.0",
}
TIMM = {"model": "timm:vit_tiny_patch16_224", "weights": "random", "size": 112}
BAD = [
    ("attention", {"layer": "99"}, "no layer 99: this model has layers 0 to 1, so layer 1 is shown"),
    ("attention", {"head": "99"}, "no head 99: this layer has heads 0 to 1, so the mean of all heads"),
    ("attention", {"patch": "-1"}, "no token '-1'; wanted a patch number from 0 to 15"),
    ("attention", {"patch": "9999"}, "no token '9999'; wanted a patch number from 0 to 15"),
    ("attention", {"model": "tiny:plain", "patch": "class"}, "no token 'class'; wanted a patch number from 0 to 15"),
    ("start", {"model": "timm:resnet18"}, "resnet18"),
    ("start", {"model": "timm:swin_tiny_patch4_window7_224"}, "swin_tiny"),
    ("start", {"model": "timm:nope"}, "no model called 'nope'; wanted one of"),
    ("start", {"model": "nope"}, "no model 'nope'; wanted one of default or"),
    ("start", {"model": "timm:vit_tiny_patch16_22"}, "Did you mean 'vit_tiny_patch16_224'"),
    ("start", {"model": "timm:vit_base_patch16_224"}, "not in the local cache.*Available offline: default"),
    ("start", {**TIMM, "size": "13"}, "13.*16"),
    ("start", {"model": "default", "weights": "random"}, "weights of its own"),
    ("heads", {"ablate": "99.99"}, "switches off heads that this model does not have"),
    ("heads", {"statistic": "register_share"}, "no values of .On registers.; the attention distance is shown"),
    ("rollout", {"discard": "1"}, "At most 95% of the weights can be discarded"),
    ("rollout", {"start": "99"}, "layers 0 to 1.*layers 1 to 1 are shown"),
    ("rollout", {"end": "99"}, "layers 0 to 1.*layers 0 to 1 are shown"),
    ("start", {"example": "upload"}, "somebody's own photo, which is not in the memory"),
    ("start", {"example": "camera"}, "somebody's own photo, which is not in the memory"),
    ("start", {"example": "nope"}, "no example photo 'nope'; wanted one of red-panda"),
    ("start", {"example": "kingfischer"}, "Did you mean 'kingfisher'"),
    ("start", {"photo": "../../etc/passwd"}, "'photo'='../../etc/passwd', which is not a choice here; it is left out"),
    ("attention", {"row": "99999", "layr": "1"}, "'row'='99999'.*left out.(.|\n)*Perhaps layer was meant"),
]
"""What can be read and does not fit. Texts that cannot be read are in the table of tests/ui/reader/test_link.py."""
UNREADABLE = {
    "layer": ("9" * 5000, "layer='9+'"),
    "head": ("abc", "head='abc'.*whole number from 0"),
    "example": ("x" * 5000, "example='x+'"),
    "model": ("<script>alert(1)</script>", r"model='<script>alert\(1\)</script>'.*letters, digits"),
    "size": ("99999", "99999.*wanted at most 640"),
    "weights": ("my.pickle", "weights='my.pickle'.*wanted one of 'pretrained', 'random'"),
    "opacity": ("nan", "opacity='nan'.*a number from 0 to 1"),
    "palette": ("jet", "palette='jet'.*wanted one of 'viridis'"),
    "direction": ("up", "direction='up'.*wanted one of 'attends_to'"),
    "scale": ("big", "scale='big'.*wanted one of 'map'"),
    "special": ("yes", "special='yes'.*wanted one of '0', '1'"),
    "ablate": ("junk", r"ablate='junk'.*heads such as 3\.1-11\.5"),
    "statistic": ("beauty", "statistic='beauty'.*wanted one of"),
    "foreground": ("1", "foreground='1'.*a number from 0 to 0.95"),
    "rollout_map": ("all", "rollout_map='all'.*wanted one of 'layer', 'rollout'"),
    "fusion": ("sum", "fusion='sum'.*wanted one of 'mean', 'max', 'min'"),
    "residual": ("-0.5", "residual='-0.5'.*a number from 0 to 1"),
}


def goes_on(app, link):
    """Check that what was told is told once, and that what is shown now is a link that works."""
    before = app.link
    app.run().sound()
    assert app.link == before
    for name, text in link.items():
        assert app.link.get(name) != text
    assert app.app.selectbox(key="choice_model").value == app.link["model"]
    assert app.component("photo_picker")["current"] == app.link["example"]


def whole(page):
    """The part of WHOLE that the link of a page holds: its own choices and those that pages share."""
    here = {name for name, choice in CHOICES.items() if not choice.pages or page in choice.pages}
    return {name: str(value) for name, value in WHOLE.items() if name in here and name != "start"}  # 0 is its default


@pytest.mark.parametrize(
    ("page", "link", "message"), BAD, ids=[f"{next(reversed(each[1].items()))}"[:40] for each in BAD]
)
def test_a_link_that_cannot_be_used_is_told_and_the_page_goes_on(dashboard, page, link, message):
    app = dashboard(page, **link).told(message)
    name = next(reversed(link))
    goes_on(app, {name: link[name]})


@pytest.mark.parametrize("page", ["start", "attention", "heads", "rollout", "tokens"])
def test_whatever_cannot_be_read_is_told_at_once_and_the_page_goes_on(dashboard, page):
    link = {name: text for name, (text, _message) in UNREADABLE.items()}
    app = dashboard(page, **link).told(*(message for _text, message in UNREADABLE.values()))
    goes_on(app, link)


@pytest.mark.parametrize("typed", ["007", "７"])
def test_a_number_typed_another_way_is_the_same_patch_and_head(dashboard, typed):
    app = dashboard("attention", patch=typed, head="01").sound()
    assert (app.link["patch"], app.link["head"]) == ("7", "1")
    assert app.export.view.cell == (1, 3)  # patch 7 of 4 × 4


def test_numbers_that_are_options_of_a_list_are_read_as_their_plain_text():
    for name in ("head", "heated"):
        assert [CHOICES[name].read(text) for text in ("07", "７")] == ["7", "7"]
    with pytest.raises(OptionError, match=r"such as 0\.3"):
        CHOICES["range_head"].read("０.３")


@pytest.mark.parametrize(
    "link",
    [
        {"layer": "abc"},
        {"head": "abc"},
        {"patch": "zzz"},
        {"model": "timm:nope"},
        {"example": "nope"},
        {"opacity": "7"},
    ],
)
def test_a_link_typed_over_a_view_keeps_the_last_value_that_worked(dashboard, link):
    good = {"example": "cat", "model": "tiny:wide", "layer": "0", "head": "1", "patch": "7", "opacity": "0.35"}
    app = dashboard("attention", **good).sound()
    name = next(iter(link))
    app.app.query_params[name] = link[name]
    app.run().told(".")
    fallen = {"patch": "class", "example": "red-panda"}
    assert app.link[name] == fallen.get(name, good[name])
    for other in set(good) - set(link):
        assert app.link[other] == good[other]


def test_a_whole_link_reproduces_the_view(dashboard):
    app = dashboard("attention", **WHOLE).sound()
    wanted = whole("attention")
    assert app.link == wanted
    state = app.component("viewer")["state"]
    assert state == {
        "query": "7",
        "head": 1,
        "direction": "attended_by",
        "scale": "layer",
        "hide_special": False,
        "opacity": 0.35,
        "palette": "cividis",
        "interpolate": True,
        "layer": 0,
    }
    again = dashboard("attention", **app.link).sound()
    assert again.link == app.link
    assert again.blob("viewer") == app.blob("viewer")
    for page in ("heads", "rollout", "start"):
        assert app.go(page).sound().link == whole(page)
    app.go("rollout")
    assert app.app.slider(key="choice_residual").value == 0.25
    assert app.app.slider(key="choice_discard").value == 0.5
    assert app.app.slider(key="rollout_layers").value == (0, 0)
    assert app.go("heads").app.segmented_control(key="choice_statistic").value == "entropy"
    assert app.component("atlas")["ticked"] == [1, 2]
    assert app.component("atlas")["selected"] == 1


def test_a_link_with_one_choice_leaves_the_others(dashboard):
    app = dashboard("attention", **WHOLE).sound()
    app.app.query_params.clear()
    app.app.query_params["layer"] = "1"
    app.run().sound()
    assert app.link == {**whole("attention"), "layer": "1"}
    assert app.go("rollout").sound().link == {**whole("rollout"), "layer": "1"}


def test_going_back_to_a_whole_link_restores_defaults_too(dashboard):
    app = dashboard("attention", example="cat", layer=0).sound()
    first = app.link
    app.put(direction="attended_by", opacity=0.2).sound()
    assert app.link == {**first, "direction": "attended_by", "opacity": "0.2"}
    app.app.session_state["vitviz_links_written"] = [(0.0, app.link)]  # that was a while ago
    app.app.query_params.clear()
    for name, value in first.items():
        app.app.query_params[name] = value
    app.run().sound()
    assert app.link == first
    assert app.component("viewer")["state"]["direction"] == "attends_to"


def test_choices_survive_page_changes_that_drop_the_link(dashboard):
    app = dashboard("attention", **WHOLE).sound()
    for page in ("start", "heads", "rollout", "attention"):
        app.app.query_params.clear()
        assert app.go(page).sound().link == whole(page)


def test_the_rollout_page_leaves_no_trace_in_the_link(dashboard):
    app = dashboard("attention", patch=3).sound()
    link = app.link
    assert app.go("rollout").sound().link == link


def test_pages_open_on_their_own_view_until_the_reader_chooses(dashboard):
    app = dashboard("attention").sound()
    assert (app.link["layer"], app.link["patch"]) == ("1", "class")
    assert app.go("rollout").sound().link["patch"] == "10"
    assert app.go("tokens").sound().link["layer"] == "0"
    app.go("attention").sound()
    assert (app.link["layer"], app.link["patch"]) == ("1", "class")
    app.put(layer=0, patch="5").sound()
    app.go("rollout").sound()
    assert (app.link["layer"], app.link["patch"]) == ("0", "5")


def test_a_layer_of_a_deeper_model_is_told_when_the_model_changes(dashboard):
    app = dashboard("attention", **TIMM, layer=9).sound()
    app.app.selectbox(key="choice_model").set_value("default").run()
    app.told("no layer 9: this model has layers 0 to 1")
    assert app.link["layer"] == "1"


def test_markup_in_a_link_is_shown_as_it_was_typed(dashboard):
    app = dashboard("start", model="<img src=x onerror=alert(1)>[a](javascript:alert(2))**b**")
    app.told("model='<img src=x onerror=alert")
    raw = app.app.warning[0].value
    assert "\\<img" in raw
    assert "\\[a\\]\\(javascript" in raw
    assert "\\*\\*b" in raw


def test_a_widget_that_had_not_heard_of_another_choice_does_not_take_it_back(dashboard, monkeypatch):
    app = dashboard("receptive_field", layer=1).sound()
    app.put(layer=0).sound()  # as a viewer does, with a click
    app.app.slider(key="choice_layer").set_value(1).run()  # what the browser still has, said with the next click
    assert app.sound().link["layer"] == "0"
    monkeypatch.setattr("vitviz.ui.reader.link._ECHO_SECONDS", 0)
    app.app.slider(key="choice_layer").set_value(1).run()
    assert app.sound().link["layer"] == "1"
