"""The link without a dashboard: what is taken over from it, what is told and left out, what is written, and when."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from vitviz.assets import PACKAGE
from vitviz.ui.choices import CHOICES
from vitviz.ui.reader import link

STALE = link._STALE_SECONDS
ALWAYS = {"example": "cat", "model": "default", "layer": "3", "head": "mean", "patch": "7"}
"""What a whole link has at least."""
UNREADABLE = [
    ("layer", "abc", "layer='abc'.*whole number from 0"),
    ("layer", "-1", "layer='-1'.*whole number from 0"),
    ("layer", "9" * 5000, "layer='9{60}'.*whole number from 0"),
    ("head", "abc", "head='abc'.*whole number from 0"),
    ("model", "<script>alert(1)</script>", r"model='<script>alert\(1\)</script>'.*letters, digits"),
    ("example", "x" * 5000, "example='x{60}'.*letters, digits"),
    ("size", "abc", "size='abc'.*whole number"),
    ("size", "99999", "size='99999'.*wanted at most 640"),
    ("weights", "my.pickle", "weights='my.pickle'.*wanted one of 'pretrained', 'random'"),
    ("opacity", "7", "opacity='7'.*a number from 0 to 1"),
    ("opacity", "nan", "opacity='nan'.*a number from 0 to 1"),
    ("palette", "jet", "palette='jet'.*wanted one of 'viridis'"),
    ("direction", "up", "direction='up'.*wanted one of 'attends_to'"),
    ("scale", "big", "scale='big'.*wanted one of 'map'"),
    ("special", "yes", "special='yes'.*wanted one of '0', '1'"),
    ("statistic", "beauty", "statistic='beauty'.*wanted one of"),
    ("ablate", "junk", r"ablate='junk'.*heads such as 3\.1-11\.5"),
    ("atlas_statistic", "beauty", "atlas_statistic='beauty'.*wanted one of"),
    ("atlas", "../../etc", r"atlas='../../etc'.*letters, digits"),
    ("rollout_map", "all", "rollout_map='all'.*wanted one of 'layer', 'rollout'"),
    ("fusion", "sum", "fusion='sum'.*wanted one of 'mean', 'max', 'min'"),
    ("residual", "-0.5", "residual='-0.5'.*a number from 0 to 1"),
    ("foreground", "1", "foreground='1'.*a number from 0 to 0.95"),
]
"""Name, text and what is told of a choice whose text is none."""


def put(**choices: Any) -> None:
    link.put(*(CHOICES[name].at(value) for name, value in choices.items()))


def get(name: str) -> Any:
    return link.get(CHOICES[name])


class Parameters(dict[str, str]):
    """The address bar, and how often it was written."""

    written = 0

    def to_dict(self) -> dict[str, str]:
        return dict(self)

    def from_dict(self, parameters: dict[str, str]) -> None:
        self.written += 1
        self.clear()
        self.update(parameters)


class Reader:
    """A session, an address bar and a clock, without Streamlit."""

    def __init__(self) -> None:
        self.session_state: dict[str, Any] = {}
        self.query_params = Parameters()
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def receive(self, parameters: dict[str, str], *, after: float = 10.0) -> list[str]:
        """Open a link some seconds later and return what is told."""
        self.now += after
        self.query_params = Parameters(parameters)
        link.receive()
        return link.take_notices()

    def publish(self, *, after: float = 10.0, **choices: Any) -> dict[str, str]:
        """Change choices some seconds later and return what stands in the address bar."""
        self.now += after
        put(**choices)
        link.publish()
        return self.query_params.to_dict()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """One reader on the Attention page."""
    one = Reader()
    monkeypatch.setattr(link, "st", one)
    monkeypatch.setattr(link, "time", SimpleNamespace(monotonic=one.monotonic))
    link.enter("attention")
    return one


@pytest.mark.parametrize(
    ("name", "text", "message"), UNREADABLE, ids=[f"{name}={text[:20]}" for name, text, _ in UNREADABLE]
)
def test_a_text_that_is_none_is_told_and_left_out_and_the_rest_is_taken(
    reader: Reader, name: str, text: str, message: str
) -> None:
    put(opacity=0.25, layer=1)
    before = get(name)
    (told,) = reader.receive({name: text, "heated": "5"})
    assert re.search(message, told)
    assert told.endswith("; it is left out.")
    assert get(name) == before
    assert get("heated") == "5"
    assert reader.publish().get(name) != text


def test_what_is_told_is_told_once(reader: Reader) -> None:
    reader.query_params = Parameters({"layer": "abc"})
    link.receive()
    link.receive()
    assert len(link.take_notices()) == 1
    assert link.take_notices() == []


def test_parameters_that_are_no_choices_are_told_and_left_out(reader: Reader) -> None:
    told = reader.receive({"utm_source": "mail", "layr": "3"})
    assert told == [
        "The link says 'layr'='3', which is not a choice here; it is left out. Perhaps layer was meant.",
    ]
    assert len(reader.receive({f"other{number}": "" for number in range(99)})) == 3
    assert reader.publish(layer=2)["layer"] == "2"
    assert "utm_source" not in reader.query_params


def test_a_page_change_drops_the_link_and_changes_nothing(reader: Reader) -> None:
    written = reader.publish(layer=4, opacity=0.25)
    reader.receive({})
    assert (get("layer"), get("opacity")) == (4, 0.25)
    assert reader.publish() == written


def test_the_link_written_last_is_no_wish(reader: Reader) -> None:
    written = reader.publish(layer=4)
    put(layer=5)
    reader.receive(written, after=3600)  # nothing was written since
    assert get("layer") == 5


def test_a_link_replaced_a_moment_ago_is_an_echo_and_a_while_ago_a_wish_to_go_back(reader: Reader) -> None:
    first = reader.publish(layer=4)
    reader.publish(layer=5, after=3600)  # this is when the first was replaced
    put(opacity=0.3)  # a click, which the browser sends with the address that it has
    reader.receive(first, after=STALE - 0.01)
    assert get("layer") == 5
    reader.receive(first, after=0.01)
    assert get("layer") == 4


def test_the_back_button_is_a_wish_almost_at_once(reader: Reader) -> None:
    first = reader.publish(layer=4)
    reader.publish(layer=5)
    reader.receive(first, after=0.29)
    assert get("layer") == 5
    reader.receive(first, after=0.02)
    assert get("layer") == 4


def test_writing_the_same_link_again_does_not_make_an_echo_younger(reader: Reader) -> None:
    first = reader.publish(layer=4)
    reader.publish(layer=5)
    reader.publish(after=STALE)
    reader.receive(first, after=0)
    assert get("layer") == 4


def test_a_whole_link_restores_defaults_and_a_part_of_one_leaves_the_rest(reader: Reader) -> None:
    put(opacity=0.25, palette="cividis", layer=9)
    reader.receive({"layer": "2"})
    assert (get("layer"), get("opacity"), get("palette")) == (
        2,
        0.25,
        "cividis",
    )
    reader.receive({**ALWAYS, "palette": "spotlight"})
    assert (get("layer"), get("opacity"), get("palette")) == (
        3,
        0.7,
        "spotlight",
    )


def test_a_whole_link_of_one_page_leaves_the_choices_of_another(reader: Reader) -> None:
    put(likeness="signed", opacity=0.25)  # likeness belongs to the Tokens page
    reader.receive(ALWAYS)
    assert (get("likeness"), get("opacity")) == ("signed", 0.7)
    link.enter("tokens")
    reader.receive(ALWAYS)
    assert get("likeness") == "range"


def test_what_is_written_is_what_is_always_there_what_was_changed_and_what_the_page_has(reader: Reader) -> None:
    always = {choice.name for choice in CHOICES.values() if choice.always}
    assert set(reader.publish()) == always == set(ALWAYS)
    written = reader.publish(smooth=True, special=False, opacity=0.35, likeness="signed", palette="spotlight")
    assert written.items() >= {"smooth": "1", "special": "0", "opacity": "0.35"}.items()
    assert set(written) == {*always, "smooth", "special", "opacity"}
    link.enter("tokens")
    assert reader.publish()["likeness"] == "signed"


def test_the_address_bar_is_written_when_it_must_change(reader: Reader) -> None:
    reader.publish(layer=4)
    reader.publish()
    assert reader.query_params.written == 1
    reader.publish(layer=5)
    assert reader.query_params.written == 2


def test_only_the_last_links_are_kept(reader: Reader) -> None:
    for layer in range(30):
        reader.publish(layer=layer, after=0.01)
    kept = reader.session_state[link._WRITTEN]
    assert [past["layer"] for _moment, past in kept] == [str(layer) for layer in range(10, 30)]


def test_a_widget_shows_the_choice_and_keeps_what_is_set(reader: Reader) -> None:
    put(layer=4)
    tied = link.widget(CHOICES["layer"])
    assert reader.session_state[tied["key"]] == 4
    reader.session_state[tied["key"]] = 6
    tied["on_change"]()
    assert get("layer") == 6


class Stopped(dict[str, Any]):
    """The session state of a run that Streamlit has stopped: whoever touches it is stopped, too."""

    def setdefault(self, *given: Any) -> Any:
        raise SystemExit

    __getitem__ = __setitem__ = setdefault


def test_what_is_looked_at_aside_goes_with_the_run_that_looks(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    put(layer=4, opacity=0.5)
    own = reader.session_state
    with link.aside([CHOICES["layer"].at(9)]):
        assert (get("layer"), get("opacity")) == (9, 0.5)
        put(head="2")
        monkeypatch.setattr(reader, "session_state", Stopped(own))
    with pytest.raises(SystemExit):
        get("layer")
    monkeypatch.setattr(reader, "session_state", own)
    assert (get("layer"), get("head"), get("opacity")) == (4, "mean", 0.5)


def test_widgets_are_set_in_one_way() -> None:
    """Set otherwise, a value that the browser said before it had heard of another choice would take that back."""
    files = [*(PACKAGE / "ui").rglob("*.py"), *(PACKAGE.parent / "pages").glob("*.py")]
    setting = re.compile(r"^\s*st\.session_state\[(key|tied\[.key.\])\] = (?!True$)", re.MULTILINE)
    assert [file.stem for file in files if setting.search(file.read_text(encoding="utf-8"))] == ["link"]
