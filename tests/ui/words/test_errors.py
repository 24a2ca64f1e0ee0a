"""Refusals of pictures in another language: every template is in the catalogue, with the same braces."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from vitviz.errors import ImageError
from vitviz.images import PHRASES, WANTED
from vitviz.ui.text import translation
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.library_words import LOADING, refusals


def braces(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    "text", [*refusals(), *(text for part in LOADING for text in refusals(part)), *PHRASES, WANTED]
)
def test_every_refusal_of_a_picture_or_of_an_own_model_is_translated(text: str) -> None:
    told = translation("zh").gettext(text)
    assert re.search("[\u4e00-\u9fff]", told)
    assert braces(told) == braces(text)


def test_refusals_are_found() -> None:
    assert len(refusals()) > 30
    assert any("too narrow" in text for text in refusals())


def test_a_refusal_is_said_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ImageError("The picture is empty: 0 bytes. Wanted {wanted}; save or upload it again.", wanted=WANTED)
    assert str(error) == in_dashboard(error)
    monkeypatch.setattr("vitviz.ui.words.errors._", translation("zh").gettext)
    assert in_dashboard(error).startswith("图片为空：0 字节。应为JPEG")
    braces_in_values = ImageError(
        "There is no picture at {path}. Check the path; wanted {wanted}.", path="{x}", wanted=""
    )
    assert "{x}" in str(braces_in_values)
    assert "{x}" in in_dashboard(braces_in_values)
