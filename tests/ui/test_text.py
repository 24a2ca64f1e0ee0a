"""Languages: every word is translated, with the placeholders of the source; each reader has a language of their own."""

import ast
import threading
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from streamlit.string_util import clean_text

from tests.pages.dashboard import ROOT
from vitviz.ui import text
from vitviz.ui.text import LANGUAGES, LOCALE, SOURCE
from vitviz.ui.words.library_words import library_classes, library_words

OTHERS = sorted(set(LANGUAGES) - {SOURCE})
MARKS = ("_", "N_", "ngettext", "pgettext")
WIDE = "，；：。（）“”"
TEXTS = sorted((ROOT / "assets/text" / SOURCE).glob("*.md"))


def catalogue(language):
    with (LOCALE / language / "LC_MESSAGES" / "vitviz.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    return {
        (message.context, source): message.string[0] if message.pluralizable else message.string
        for message in messages
        for source in forms(message.id)
    }


def forms(source):
    """A text for one and a text for many are both to be translated."""
    return source if isinstance(source, tuple) else (source,)


def fields(sentence):
    return sorted((name, how) for _, name, how, _ in Formatter().parse(sentence) if name is not None)


def headings(path):
    return [line.split()[0] for line in path.read_text("utf-8").splitlines() if line[:1] == "#"]


@pytest.fixture(scope="module")
def visible():
    """Every text that the code passes through ``_``, and the library's own."""
    folders = (ROOT / "vitviz/ui", ROOT / "pages")
    collected = {form for folder in folders for found in extract_from_dir(str(folder)) for form in forms(found[2])}
    plain = {(None, word) for word in collected | library_words()}
    return plain | {(text.CLASS, name) for name in library_classes()}


@pytest.mark.parametrize("language", OTHERS)
def test_every_visible_text_is_translated(language, visible):
    words = catalogue(language)
    assert len(visible) > 1000
    assert visible - set(words) == set(), "make messages, then translate these"
    assert set(words) - visible == set(), "make messages takes these out"
    assert [source for source, told in words.items() if not told] == []


def test_no_text_is_marked_inside_an_f_string_which_the_catalogue_s_extractor_does_not_read():
    hidden = []
    for path in [*(ROOT / "vitviz/ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        strings = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.JoinedStr)]
        calls = [call for node in strings for call in ast.walk(node) if isinstance(call, ast.Call)]
        marks = [call for call in calls if getattr(call.func, "id", "") in MARKS]
        hidden += [f"{path.name}:{mark.lineno}" for mark in marks if isinstance(mark.args[0], ast.Constant)]
    assert hidden == []


@pytest.mark.parametrize("language", OTHERS)
def test_placeholders_and_edges_are_those_of_the_source(language):
    for (_context, source), told in catalogue(language).items():
        if "{" in source and "\\" not in source:
            assert fields(told) == fields(source), source
        if told[0] not in WIDE:  # a wide sign brings its own space
            assert told[0].isspace() == source[0].isspace(), source
        if told[-1] not in WIDE:
            assert told[-1].isspace() == source[-1].isspace(), source


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_read_is_the_catalogue(language):
    compiled = text.translation(language)
    with (LOCALE / language / "LC_MESSAGES" / "vitviz.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    for message in messages:
        if message.pluralizable:
            told = tuple(compiled.ngettext(*message.id, count) for count in range(1, 1 + len(message.string)))
        else:
            told = compiled.pgettext(message.context, message.id) if message.context else compiled.gettext(message.id)
        assert told == message.string, "make messages compiles the catalogue"


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_longer_text_is_there_with_the_same_headings(language, path):
    other = path.parents[1] / language / path.name
    assert headings(other) == headings(path)


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-CN", "zh"), ("zh_TW", "zh"), ("ZH", "zh"), ("en-GB", "en"), ("de", "en"), (None, "en"), ("", "en")],
)  # fmt: skip
def test_the_browser_s_locale_gives_the_language(locale, language):
    assert text.of_locale(locale) == language


def test_a_thread_of_nobody_speaks_english_and_what_is_kept_the_language_of_its_making():
    spoken = []
    token = text._spoken.set("zh")
    try:
        make = text.kept(lambda: text._("Answers"))
    finally:
        text._spoken.reset(token)
    for work in (lambda: text._("Answers"), make):
        thread = threading.Thread(target=lambda work=work: spoken.append(work()))
        thread.start()
        thread.join()
    assert spoken == ["Answers", text.translation("zh").gettext("Answers")]
    assert text.language() == SOURCE


@pytest.mark.parametrize("sentence", ["trained: on much", "trained, on much", "trained：on", "trained，on", "trained"])
def test_the_first_clause_ends_at_a_colon_or_comma_of_any_language(sentence):
    assert text.first_clause(sentence) == "trained"


def test_texts_that_are_in_no_catalogue_stay_as_they_are():
    assert text.translation("zh").gettext("no such text") == "no such text"


def test_a_constant_is_translated_each_time_a_reader_sees_it():
    said = text.N_("Loading the model …")
    assert clean_text(said) == "Loading the model …"  # what Streamlit makes of a spinner's words
    token = text._spoken.set("zh")
    try:
        assert clean_text(said) == text.translation("zh").gettext("Loading the model …") != said
    finally:
        text._spoken.reset(token)


def test_the_words_of_every_spinner_can_be_translated():
    sources = [path.read_text("utf-8") for path in (ROOT / "vitviz/ui").rglob("*.py")]
    assert sum("show_spinner=N_(" in source for source in sources) > 3
    assert not [source for source in sources if 'show_spinner="' in source]
