"""Guess first: every section hides its answer until the reader has guessed; a tick is earned."""

import html
from importlib import import_module

import pytest

from vitviz.ui.choices.lesson import PAGES
from vitviz.ui.furniture import guessing, worksheet, worksheet_print
from vitviz.ui.furniture.guess import CurveGuess, OptionGuess
from vitviz.ui.navigation import sections

FOLDERS = {"patches_and_detail": "detail", "attention_from_scratch": "scratch"}
KNOBS = ("slider", "select_slider", "number_input", "selectbox", "toggle", "radio", "checkbox", "multiselect")


def test_the_shared_choices_know_the_learn_pages():
    assert list(PAGES) == [entry.name for entry in list(sections().values())[1]]


@pytest.mark.parametrize("page", PAGES)
def test_every_section_asks_before_it_answers(dashboard, monkeypatch, page):
    """One visit to each section: at most two knobs and the guess are open, nothing of the answer is shown."""
    sheets, sheet_of = [], worksheet.sheet_of
    monkeypatch.setattr(worksheet, "sheet_of", lambda *given: (sheets.append(sheet_of(*given)), sheets[-1])[1])
    guesses, asked = {}, guessing.asked
    monkeypatch.setattr(guessing, "asked", lambda told: (guesses.update(now=told.guess), asked(told))[1])
    lesson = import_module(f"vitviz.ui.learn.{FOLDERS.get(page, page)}").LESSON
    app = dashboard(page, example="koala", guess_first=1).app
    for section in lesson.sections:
        app.session_state["vitviz_choices"] = {**app.session_state["vitviz_choices"], lesson.choice.name: section.name}
        app.run()
        assert not app.exception, app.exception[0].stack_trace
        assert not app.latex, "the formula is part of the answer"
        assert not app.get("plotly_chart"), section.name
        folded = {id(knob) for box in app.main.expander for kind in KNOBS for knob in box.get(kind)}
        knobs = [knob for kind in KNOBS for knob in app.main.get(kind) if id(knob) not in folded]
        own = [
            knob for knob in knobs if not str(knob.key).startswith(("guess_", "choice_guess_first", "course_", "crop_"))
        ]
        assert len(own) <= 2, [knob.label for knob in own]
        guess = guesses[section.name] = guesses.pop("now")
        assert guess.is_right(guess.right if isinstance(guess, OptionGuess) else guess.truth)
        assert not isinstance(guess, CurveGuess) or guess.distance(guess.truth) == 0
        printed = worksheet_print.worksheet(sheets[-1])
        assert "guess_first=1" in sheets[-1].address
        assert sheets[-1].guidance.do[:20].split("'")[0] in html.unescape(printed)
        assert sheets[-1].guidance.conclude not in html.unescape(printed)
        assert guess.answer in html.unescape(worksheet_print.answers(sheets[-1]))
        assert [button.proto.disabled for button in app.get("download_button") if button.key == "download_answers"] == [
            True
        ]
    assert len(guesses) == len(lesson.sections)
    assert len({guess.question for guess in guesses.values()}) == len(guesses)


def test_a_guess_stays_beside_the_answer_of_its_own_section(dashboard):
    """An option, a knob that changes what the answer is about, another section, a skipped guess, a class."""
    page = dashboard("depth", depth_experiment="layer_norm", guess_first=1).sound()
    assert page.words_before_picture > 40, "the words are counted from the question on"
    app = page.app
    form = "guess_depth_layer_norm"
    app.button(f"{form}_submit").click().run()
    assert any(text.value == "Choose or type something first." for text in app.caption)
    app.number_input(f"{form}_number").set_value(70.0)
    app.button(f"{form}_submit").click().run()
    assert any("**Your guess**  \n70 times" in text.value for text in app.markdown)
    assert any(":material/check_circle: **Right**  \n79." in text.value for text in app.markdown)  # within a quarter
    assert app.latex
    app.slider("choice_depth_growth").set_value(0.1).run()
    assert any("The answer has changed since" in text.value for text in app.markdown)

    app.session_state["vitviz_choices"] = {**app.session_state["vitviz_choices"], "depth_experiment": "residual"}
    app.run()
    assert not app.latex, "the guess of one section opens no other"
    app.radio("guess_depth_residual_option").set_value(0)
    app.button("guess_depth_residual_submit").click().run()
    assert any(":material/arrow_forward: **The answer**  \nCoarse structure" in text.value for text in app.markdown)
    app.button("guess_depth_residual_again").click().run()
    app.button("guess_depth_residual_skip").click().run()
    assert app.latex
    assert not any("Your guess" in text.value for text in app.markdown)
    app.session_state["vitviz_guesses"] = {}
    app.session_state["vitviz_choices"] = {**app.session_state["vitviz_choices"], "class": True, "guess_first": False}
    app.run()
    assert not app.latex
    assert not [button for button in app.button if button.key.endswith("_skip")]
    assert app.toggle("choice_guess_first").disabled


def test_a_course_keeps_what_is_done_in_the_link_and_a_class_its_settings(dashboard):
    app = dashboard("cost", course="1-9").told("numbers of lessons from 1 to 7")
    app.app.checkbox("course_done").check().run()
    assert app.link["course"] == "5"
    labels = [to.proto.label for to in app.app.main.get("page_link")]
    assert labels[-2:] == ["Long range", "Depth"]
    app = dashboard("depth", **{"class": 1, "depth_alpha": 0.3})
    assert not [button for button in app.app.get("download_button") if "answers" in button.key]
    assert not any(box.label[0].isdecimal() for box in app.app.main.expander), "no answers to unfold"
    app.app.slider("choice_depth_alpha").set_value(0.1).run()
    app.app.button("class_back").click().run()
    assert app.choices["depth_alpha"] == 0.3
