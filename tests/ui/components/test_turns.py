"""What a component says is told once and in its order, whatever becomes of the runs that should have told it."""

import pytest
from streamlit.testing.v1 import AppTest


def app():
    import streamlit as st

    from vitviz.ui.components.shortcuts import shortcuts

    shortcuts({"a": "first", "b": "second"}, key="keys", on_act=st.session_state.setdefault("told", []).append)


def say(at, *choices):
    at.session_state["keys"] = {"act": [{"turn": turn, "value": {"name": name}} for name, turn in choices]}
    return at.run()


def test_a_choice_that_no_callback_has_told_is_told_by_the_next_run():
    at = AppTest.from_function(app).run()
    say(at, ("first", 1))
    say(at, ("first", 1), ("first", 2))  # the same once more is another choice
    say(at, ("first", 2), ("second", 3), ("first", 4))  # the run of the third never began
    say(at, ("first", 1), ("first", 2))  # a run that comes late
    assert at.session_state["told"] == ["first", "first", "second", "first"]


@pytest.mark.parametrize("said", ["first", [{"turn": "9", "value": {"name": "first"}}], [{"turn": 9}], [[]], {}])
def test_a_browser_can_say_anything(said):
    at = AppTest.from_function(app).run()
    at.session_state["keys"] = {"act": said}
    at.run()
    assert not at.exception
    assert at.session_state["told"] == []


def test_a_session_that_does_not_know_the_component_tells_nothing_of_another():
    at = AppTest.from_function(app)
    say(at, ("first", 5))  # as after a restart of the server
    assert at.session_state["told"] == []
    say(at, ("first", 5), ("second", 6))
    assert at.session_state["told"] == ["second"]
