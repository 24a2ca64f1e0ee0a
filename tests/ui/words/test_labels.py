"""The library's English in the reader's language: figures and maps in words, tokens, notes on photos."""

import ast
import io
import re

import pytest
from PIL import Image

from tests.pages.dashboard import ROOT
from vitviz.figures.alt import WORDS
from vitviz.figures.summary import TEMPLATES
from vitviz.images import open_photo
from vitviz.ui.reader import models
from vitviz.ui.words import labels


@pytest.fixture
def marked(monkeypatch):
    """Texts that went through ``_`` are in brackets."""
    monkeypatch.setattr(labels, "_", lambda text: f"[{text}]")


def test_english_readers_get_the_library_s_own_sentences():
    assert labels.figure_words() == WORDS
    assert labels.map_words() == TEMPLATES


def test_every_sentence_with_a_word_is_translated(marked):
    for told in (labels.figure_words(), labels.map_words()):
        same = [text for text in told.values() if not text.startswith("[")]
        assert not [text for text in same if re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", text))]


def test_tokens_are_named(marked):
    names = ["class", "distillation", "register 12", "class 2"]
    assert [labels.token_name(name) for name in names] == [
        "[class]", "[distillation]", "[register 12]", "class 2",
    ]  # fmt: skip
    assert [labels.token_title(name) for name in names[:3]] == [
        "[class token]", "[distillation token]", "[register 12]",
    ]  # fmt: skip


def test_weights_have_a_name_that_can_be_translated(monkeypatch):
    monkeypatch.setattr(models, "_", lambda text: f"[{text}]")
    assert [models.weights_name(each) for each in models.KINDS_OF_WEIGHTS] == ["[pretrained]", "[random]"]


def test_a_note_on_a_photo_is_translated_with_its_numbers(marked):
    data = io.BytesIO()
    Image.new("CMYK", (3000, 1500)).save(data, "JPEG")
    notes = open_photo(data.getvalue()).notes
    assert [labels.photo_note(note) for note in notes] == [
        "[print colours (CMYK) were converted to RGB]",
        "[reduced from 3000 × 1500 pixels]",
    ]
    assert labels.photo_note("something else") == "something else"


def test_every_note_that_a_photo_can_have_is_known():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "vitviz/images").glob("*.py"))
    assert not re.findall(r"""notes\.append\(f?["']""", source)  # all of them stand in notes.py
    written = re.findall(r'^[A-Z_]+ = "(.*)"$', (ROOT / "vitviz/images/notes.py").read_text("utf-8"), re.MULTILINE)
    assert written == list(labels.PHOTO_NOTES)


def test_every_picture_and_table_of_a_page_has_a_text():
    paths = [*(ROOT / "vitviz/ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    silent, calls = [], 0
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in ("image", "dataframe"):
                calls += 1
                if "alt" not in {each.arg for each in node.keywords}:
                    silent.append(f"{path.name}:{node.lineno}")
    assert calls > 40
    assert not silent
