"""Every page in every language: it runs, it is translated, and readers do not hear each other's language."""

import re
from contextlib import contextmanager

import pytest

from vitviz.attribution.attribute import find_method
from vitviz.ui import text
from vitviz.ui.navigation import START, entries
from vitviz.ui.text import LANGUAGES, SOURCE, translation

OTHERS = sorted(set(LANGUAGES) - {SOURCE})
HAN = re.compile("[一-鿿]")


@contextmanager
def speaking(language):
    """AppTest asks a widget for the names of its options again, outside the run: in the language it was drawn in."""
    token = text._spoken.set(language)
    yield
    text._spoken.reset(token)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("page", [entry.name for entry in entries()])
def test_a_page_is_translated(dashboard, page, language):
    shown = dashboard(page, language=language).sound()
    assert shown.link["language"] == language
    prose = [
        each.value
        for kind in ("header", "subheader", "caption", "markdown", "info", "warning", "error")
        for each in shown.app.get(kind)
    ]
    assert prose
    told = [re.sub("`[^`]*`", "", each) for each in prose]  # formulas and code stay as they are
    english = [each for each in told if re.search("[A-Za-z]{3,} [a-z]{3,} [a-z]{2,}", each)]
    assert not [each for each in english if not HAN.search(each)]


def test_two_readers_have_two_languages_and_one_changes_theirs(dashboard):
    title = "What does a Vision Transformer see?"
    told = translation("zh").gettext(title)
    chinese, english = dashboard(START, language="zh").sound(), dashboard(START).sound()
    for reader, spoken, wanted in ((chinese, "zh", told), (english, "en", title), (chinese, "zh", told)):
        with speaking(spoken):
            assert reader.run().app.header[0].value == wanted
    assert "language" not in english.link
    with speaking("zh"):
        chinese.app.selectbox(key="language").set_value("en").run()
    assert chinese.sound().app.header[0].value == title
    assert chinese.link["language"] == "en"


def test_a_method_is_told_about_in_the_reader_s_language(dashboard):
    shown = dashboard("evidence", language="zh", methods="rollout").sound()
    told = [each.value for each in shown.app.markdown]
    assert translation("zh").gettext(find_method("rollout").summary) in told


def test_an_unknown_language_is_told(dashboard):
    dashboard(START, language="xx").told("language='xx'")


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("attention", "第 1 层，头 0：类别词元（[CLS]）关注哪里"),
        ("rollout", "第 0 至 1 层的注意力展开，各头取平均：图像块 10（第 3 行第 3 列）关注哪里"),
    ],
)
def test_the_title_of_an_export_is_in_the_readers_language(dashboard, page, told):
    app = dashboard(page, layer=1, head=0, language="zh").sound()
    assert f"<h1>{told}</h1>" in app.export.html({})
    assert app.export.view.label.startswith(("layer 1, head 0", "rollout of layers"))  # in files it is English
