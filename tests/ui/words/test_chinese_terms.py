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
    "(?:的|个|原|首选|最佳|哪个\\*)回答(?!的)|^回答$|、回答|答错|答对": "预测结果, 预测错误",
    "您": "你",
    "侧边栏": "侧栏",
    "奈特": "nat",
    "份额": "占比",
    "正确率": "准确率",
    "平均值": "均值",
    "标尺": "色标",
    "层归一化": "LayerNorm",
    "视觉 Transformer": "Vision Transformer",
    "点击|轻点|回车|Escape": "单击, 轻触, Enter, Esc",
    "搭档|配对者": "配对对象",
    "步长": "步幅",
    "学习得到|学习到的|学到的(?:查询|向量|位置表|滤波器)": "可学习的",
    "棋盘": "画面",
    "编码器块(?:网格|大小|词元)": "图像块",
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


WRITING = {
    "[一-鿿][A-Za-z0-9]|[A-Za-z0-9%][一-鿿]": "a space between Chinese and Latin letters or digits",
    "[一-鿿][,;:!?]|[,;:!?] ?[一-鿿]|[一-鿿]\\.(?![a-z])": "Chinese punctuation, full width",
    "\\d %|} %": "no space before a percent sign",
    "[一-鿿] [一-鿿]|[，。；：！？）、] | [，。；：！？（、]": "no space inside Chinese or beside its signs",
}
"""What breaks the rules of writing, and the rule."""


@pytest.mark.parametrize("wrong", WRITING)
def test_the_rules_of_writing_hold(wrong: str) -> None:
    plain = {name: re.sub(r":small\[(.*?)\]", r"\1", text) for name, text in texts().items()}
    told = {name: re.sub(r"`[^`]*`|\*\*|\s*\n", "", text) for name, text in plain.items()}
    places = {name[:60]: [*re.findall(f".{{0,9}}(?:{wrong}).{{0,9}}", text)] for name, text in told.items()}
    assert not {name: wrongs for name, wrongs in places.items() if wrongs}, WRITING[wrong]
