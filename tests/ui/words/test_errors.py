"""Refusals of pictures in another language: every template is in the catalogue, with the same braces."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path
from string import Formatter

import pytest
import torch
from PIL import Image

import vitviz
from vitviz.assets import ATLASES
from vitviz.atlas.folder import ATLAS
from vitviz.clause import Clause
from vitviz.errors import CheckpointError, ImageError, OptionError, check_index
from vitviz.images import PHRASES, WANTED, open_photo
from vitviz.images.limits import MAX_BYTES
from vitviz.images.reading import decoding
from vitviz.models import timm_door
from vitviz.models.checkpoints.file import Contents
from vitviz.models.checkpoints.fit import difference
from vitviz.models.checkpoints.recognition import LAYOUTS, recognition_of
from vitviz.ui.choices.evidence import METHOD_NAMES
from vitviz.ui.kept import own_models
from vitviz.ui.text import translation
from vitviz.ui.words.errors import clause, in_dashboard, reason
from vitviz.ui.words.library_words import ROOT, TRUTH, calls, is_apart, is_read_by_readers, refusals


def braces(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_refusal_that_a_reader_meets_is_translated() -> None:
    told = {text: translation("zh").gettext(text) for text in (*refusals(), *PHRASES, WANTED)}
    assert len(told) > 500
    assert [text for text in told if not re.search("[\u4e00-\u9fff]", told[text])] == []
    assert [text for text in told if braces(told[text]) != braces(text)] == []


def test_what_readers_meet_is_said_by_templates() -> None:
    """A text that is put together where it is raised cannot be said in another language, nor be found here."""
    count = 0
    for path in sorted(ROOT.rglob("*.py")):
        for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
            kind = getattr(call.func, "id", "")
            if is_apart(path) or kind in ("ValueError", "UnpicklingError"):
                continue
            if kind in (*TRUTH, "Clause") or is_read_by_readers(path):
                assert not isinstance(call.args[0], ast.JoinedStr | ast.BinOp), f"{path}:{call.lineno}"
                count += 1
    assert count > 300


def test_what_is_done_to_a_file_is_said_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {f"module.{name}": value for name, value in timm_door.build("test_vit", classes=3).state_dict().items()}
    selection = recognition_of(Contents("a.pth", "torch file", state), LAYOUTS, "averaged")
    assert selection is not None
    monkeypatch.setattr("vitviz.ui.words.errors._", translation("zh").gettext)
    assert [clause(step) for step in selection.steps] == ["去掉前缀 module."]
    step = pickle.loads(pickle.dumps(selection.steps[0]))
    assert (step, clause(step)) == ("prefix module. removed", "去掉前缀 module.")
    told = difference("timm:test_vit", {"blocks.0.norm1.weight": torch.zeros(1)}, timm_door.build("test_vit"))
    assert "blocks.0.norm1.weight (1,) instead of (64,)" in told
    assert re.search(
        r"^检查点与 timm:test_vit 不符：\d+ 个缺失：.* …；1 个形状不同：.* \(1,\)，而应为 \(64,\)。", clause(told)
    )


def test_a_file_is_refused_in_chinese_by_the_name_that_its_reader_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What stands inside of a refusal stays a clause of its own when the machine's folders are taken out of it."""
    monkeypatch.setattr("vitviz.ui.words.errors._", translation("zh").gettext)
    file = tmp_path / "mine.pth"
    told = difference("timm:test_vit", {"blocks.0.norm1.weight": torch.zeros(1)}, timm_door.build("test_vit"))
    with pytest.raises(CheckpointError) as refused, own_models._without_paths(file, "mine.pth"):
        raise CheckpointError("{told}", told=Clause("{why} {name}", why=told, name=file))
    assert re.search(r"^检查点与 timm:test_vit 不符：\d+ 个缺失：.* mine\.pth$", in_dashboard(refused.value))
    assert str(tmp_path) not in f"{refused.value}{in_dashboard(refused.value)}"


def test_the_longer_name_decides_who_reads_a_file() -> None:
    assert [is_read_by_readers(ROOT / name) for name in ("atlas/result.py", "models/vit.py", "images/door.py")] == [
        True
    ] * 3
    assert [is_apart(ROOT / name) for name in ("atlas/run.py", "models/evaluate.py", "cli/program.py")] == [True] * 3


def test_why_an_atlas_cannot_be_read_can_be_said_in_another_language(tmp_path: Path) -> None:
    """The reason, too, is a template in the message: a folder whose file of numbers is none."""
    for file in (ATLASES / "examples").iterdir():
        (tmp_path / file.name).write_bytes(b"no numbers" if file.name == ATLAS else file.read_bytes())
    with pytest.raises(OptionError, match="cannot be read. The file of numbers is damaged") as refused:
        vitviz.read_atlas(tmp_path)
    reason = refused.value.values["reason"]
    assert isinstance(reason, Clause)
    assert reason.template.startswith("The file of numbers is damaged ({error}); wanted")


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


def test_why_a_picture_is_too_large_can_be_said_in_another_language() -> None:
    with pytest.raises(ImageError, match="too large: more than 40 MB; wanted") as large:
        open_photo(bytes(MAX_BYTES + 1))
    assert isinstance(large.value.values["got"], Clause)
    with pytest.raises(ImageError, match="too large: 900 million pixels; wanted") as bomb, decoding():
        raise Image.DecompressionBombError("Image size (900000000 pixels) exceeds limit")
    assert isinstance(bomb.value.values["got"], Clause)


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
