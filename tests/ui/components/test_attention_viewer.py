"""The mount of the attention viewer on a page: what it sends again, what it returns, what it keeps."""

from streamlit.testing.v1 import AppTest

from vitviz.ui.components.packing import unpack


def app():
    import numpy as np
    import streamlit as st

    from vitviz.grid import PatchGrid
    from vitviz.ui.components.attention_view import AttentionView
    from vitviz.ui.components.attention_viewer import attention_viewer

    grid = PatchGrid(2, 3, (4, 4), ("class",))
    queries = np.full((2, 7, 2), st.session_state.get("layer", 1), np.float32)
    state = attention_viewer(
        AttentionView(
            photo=b"photo",
            grid=grid,
            layer=st.session_state.get("layer", 1),
            layers=4,
            query=st.session_state.get("query", "class"),
            queries=queries,
            keys=queries,
        ),
        key="viewer",
    )
    st.text(f"{state.query} {state.head} {state.layer}")


def telling():
    import numpy as np
    import streamlit as st

    from vitviz.grid import PatchGrid
    from vitviz.ui.components.attention_view import AttentionView
    from vitviz.ui.components.attention_viewer import attention_viewer

    told = st.session_state.setdefault("told", [])
    arrays = {"queries": np.ones((2, 7, 2), np.float32), "keys": np.ones((2, 7, 2), np.float32)}
    query = told[-1] if told else "class"
    view = AttentionView(
        photo=b"photo", grid=PatchGrid(2, 3, (4, 4), ("class",)), layer=1, layers=4, query=query, **arrays
    )
    state = attention_viewer(view, key="viewer", on_change=lambda state: told.append(state.query))
    st.text(state.query)


def blob(at):
    return at.get("bidi_component")[0].proto.bytes


def header(at):
    return unpack(blob(at))[0]


def click(at, turn=None, **choices):
    turn = turn or at.session_state["_viewer_turns"]["view"].turn + 1
    state = {**header(at)["state"], "revision": header(at)["revision"], **choices}
    at.session_state["viewer"] = {"view": [{"turn": turn, "value": state}]}
    return at.run()


def test_first_run_shows_the_view_and_returns_its_state():
    at = AppTest.from_function(app).run()
    assert not at.exception
    assert at.text[0].value == "class mean 1"
    assert header(at)["state"]["query"] == "class"


def test_a_click_changes_the_result_and_not_one_byte_of_the_data():
    at = AppTest.from_function(app).run()
    before = blob(at)
    click(at, query="4", head=1)
    assert at.text[0].value == "4 1 1"
    assert blob(at) == before


def test_mirroring_the_click_changes_nothing_either():
    at = AppTest.from_function(app).run()
    before = blob(at)
    at.session_state["query"] = "4"
    click(at, query="4")
    assert blob(at) == before


def test_a_new_wish_of_python_is_sent_with_a_new_revision():
    at = AppTest.from_function(app).run()
    click(at, query="4")
    at.session_state["query"] = "5"
    at.run()
    assert (header(at)["state"]["query"], header(at)["revision"]) == ("5", 2)


def test_python_can_return_to_the_first_state_after_a_click():
    at = AppTest.from_function(app).run()
    at.session_state["query"] = "4"
    click(at, query="4")
    at.session_state["query"] = "class"
    at.run()
    assert (header(at)["state"]["query"], header(at)["revision"]) == ("class", 2)


def test_a_click_that_python_overruled_is_over():
    at = AppTest.from_function(app).run()
    click(at, query="4")
    at.session_state["query"] = "5"
    at.run()
    assert at.text[0].value == "5 mean 1"
    at.run()
    assert at.text[0].value == "5 mean 1"
    click(at, query="4")
    assert at.text[0].value == "4 mean 1"


def test_a_new_layer_keeps_the_revision():
    at = AppTest.from_function(app).run()
    click(at, query="4")
    content = header(at)["content"]
    at.session_state["layer"] = 2
    at.run()
    assert (header(at)["layer"], header(at)["revision"]) == (2, 1)
    assert header(at)["content"] != content
    assert at.text[0].value == "4 mean 2"


def test_a_state_that_does_not_fit_does_not_break_the_page():
    at = AppTest.from_function(app).run()
    click(at, query="register 4", head=9)
    assert not at.exception
    assert at.text[0].value == "class mean 1"


def test_of_two_quick_clicks_the_later_counts_whichever_run_begins_last():
    at = AppTest.from_function(app).run()
    click(at, query="4", turn=12)
    assert at.text[0].value == "4 mean 1"
    click(at, query="3", turn=11)
    assert at.text[0].value == "4 mean 1"
    click(at, query="2", turn=13)
    assert at.text[0].value == "2 mean 1"


def test_a_click_whose_callback_was_cut_off_is_told_by_the_run_after_it():
    at = AppTest.from_function(telling).run()
    click(at, query="4")  # as after a callback that a quicker click has cut off: none runs
    assert (at.session_state["told"], at.text[0].value) == (["4"], "4")
    at.run()
    assert at.session_state["told"] == ["4"]
    assert header(at)["revision"] == 1


def test_a_new_wish_says_which_click_it_has_heard_of():
    at = AppTest.from_function(app).run()
    assert header(at)["heard"] == 0
    click(at, query="4", turn=7)
    assert header(at)["heard"] == 0  # not a byte is new
    at.session_state["query"] = "5"
    at.run()
    assert (header(at)["revision"], header(at)["heard"]) == (2, 7)
