"""Refusals of pictures in another language: every template is in the catalogue, with the same braces."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from vitviz.errors import ImageError, OptionError, check_index
from vitviz.images import PHRASES, WANTED
from vitviz.ui.choices.evidence import METHOD_NAMES
from vitviz.ui.text import translation
from vitviz.ui.words.errors import in_dashboard, reason
from vitviz.ui.words.library_words import refusals


def braces(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("text", [*refusals(), *PHRASES, WANTED])
def test_every_refusal_that_a_reader_meets_is_translated(text: str) -> None:
    told = translation("zh").gettext(text)
    assert re.search("[\u4e00-\u9fff]", told)
    assert braces(told) == braces(text)


def test_refusals_are_found() -> None:
    assert len(refusals("images")) > 30
    assert len(refusals()) > len(refusals("images")) + 10
    assert any("too narrow" in text for text in refusals())


def test_a_link_that_does_not_fit_is_told_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice of an invalid list of methods, an index that is none, and a name that is nearly one."""
    monkeypatch.setattr("vitviz.ui.words.errors._", translation("zh").gettext)
    with pytest.raises(OptionError, match="Did you mean 'rollout'") as unknown:
        METHOD_NAMES.read("rolout")
    assert reason(unknown.value).startswith("没有方法 'rolout'；应为 class_attention, ")
    assert reason(unknown.value).endswith("你是指 'rollout' 吗？")
    with pytest.raises(OptionError, match="Layer 9 does not exist; there are 2. Give one from 0 to 1") as outside:
        check_index("Layer", 9, 2)
    assert reason(outside.value) == "层 9 不存在；共有 2 个。请给出 0 到 1 之间的数。"
    assert reason(ValueError("plain")) == "plain"


def test_a_refusal_is_said_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ImageError("The picture is empty: 0 bytes. Wanted {wanted}; save or upload it again.", wanted=WANTED)
    assert str(error) == in_dashboard(error)
    monkeypatch.setattr("vitviz.ui.words.errors._", translation("zh").gettext)
    assert in_dashboard(error).startswith("图片为空：0 字节。应为图片文件（JPEG")
    braces_in_values = ImageError(
        "There is no picture at {path}. Check the path; wanted {wanted}.", path="{x}", wanted=""
    )
    assert "{x}" in str(braces_in_values)
    assert "{x}" in in_dashboard(braces_in_values)
