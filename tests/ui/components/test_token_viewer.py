"""The mount of the token viewer on a page: of quick choices the last one counts, and each is told once."""

from streamlit.testing.v1 import AppTest

from vitviz.ui.components.packing import unpack


def app():
    import numpy as np
    import streamlit as st

    from vitviz.grid import PatchGrid
    from vitviz.ui.components.token_view import TokenPicture, TokenView
    from vitviz.ui.components.token_viewer import token_viewer

    told = st.session_state.setdefault("told", [])
    one = TokenPicture(
        title="one",
        photo=b"jpeg",
        grid=PatchGrid(2, 3, (4, 4), ("class",)),
        tokens=np.arange(24.0).reshape(6, 4),
        colours=np.zeros((2, 3, 3)),
    )
    patch = st.session_state.get("wish", told[-1] if told else 0)
    token_viewer(TokenView(pictures=(one, one), patch=patch), key="viewer", on_change=lambda it: told.append(it.patch))


def header(at):
    return unpack(at.get("bidi_component")[0].proto.bytes)[0]


def click(at, patch, turn):
    chosen = {"patch": patch, "scale": "range", "revision": header(at)["revision"]}
    at.session_state["viewer"] = {"view": [{"turn": turn, "value": chosen}]}
    return at.run()


def test_of_two_quick_clicks_the_later_counts_whichever_run_begins_last():
    at = AppTest.from_function(app).run()
    assert not at.exception
    click(at, patch=4, turn=12)
    click(at, patch=3, turn=11)
    assert at.session_state["told"] == [4]
    click(at, patch=2, turn=13)
    assert at.session_state["told"] == [4, 2]


def test_a_click_whose_callback_was_cut_off_is_told_once_and_changes_not_one_byte():
    at = AppTest.from_function(app).run()
    before = at.get("bidi_component")[0].proto.bytes
    click(at, patch=4, turn=1)  # as after a callback that a quicker click has cut off: none runs
    at.run()
    assert at.session_state["told"] == [4]
    assert at.get("bidi_component")[0].proto.bytes == before


def test_a_new_wish_says_which_click_it_has_heard_of():
    at = AppTest.from_function(app).run()
    click(at, patch=4, turn=7)
    assert (header(at)["revision"], header(at)["heard"]) == (1, 0)
    at.session_state["wish"] = 5
    at.run()
    assert (header(at)["chosen"], header(at)["revision"], header(at)["heard"]) == (5, 2, 7)
    click(at, patch=3, turn=8)
    assert at.session_state["told"] == [4, 3]


def test_a_new_viewer_starts_where_the_old_one_was():
    at = AppTest.from_function(app).run()
    click(at, patch=4, turn=1)
    at.session_state["viewer"] = {}  # as after another page
    at.run()
    assert (header(at)["chosen"], header(at)["revision"]) == (4, 2)
