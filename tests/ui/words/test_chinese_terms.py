"""Chinese as textbooks say it: terms that were put right in the whole catalogue and in the longer texts stay so."""

from __future__ import annotations

import gettext
import re

import pytest

from tests.pages.dashboard import ROOT
from vitviz.ui.text import CLASS, translation

WRONG = {
    "(?:个|该|各|真实的)块": "编码器块, 残差块 or 图像块",
    "可达距离": "注意力距离",
    "看向": "关注",
    "把握": "置信度",
    "半边": "半个物体",
    "卷起": "注意力展开",
    "规模扩展": "可扩展性",
    "留出数字": "留出集",
    "(?:的|个|原|首选|最佳|哪个\\*)回答(?!的)": "预测结果",
}
"""What is no term of the field, and what is said instead."""


def texts() -> dict[str, str]:
    catalogue = translation("zh")
    assert isinstance(catalogue, gettext.GNUTranslations)
    messages = {str(message): str(told) for message, told in catalogue._catalog.items()}  # type: ignore[attr-defined]
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "assets/text/zh").glob("*.md")}
    return {name: told for name, told in (messages | files).items() if not name.startswith(f"{CLASS}\x04")}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_term_does_not_return(wrong: str) -> None:
    places = {name[:60]: told for name, told in texts().items() if re.search(wrong, told)}
    assert not places, f"say {WRONG[wrong]}"


def test_the_class_token_is_named_as_papers_name_it() -> None:
    assert translation("zh").gettext("class token") == "类别词元（[CLS]）"
    assert len(texts()) > 2000
