"""What messages advise exists: every option, every argument, every function that an error names."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.texts import README, ROOT, rows
from vitviz.cli import program

FILES = sorted((ROOT / "vitviz").rglob("*.py"))
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
OTHERS = {  # of PyTorch, timm and safetensors
    "state_dict", "save_file", "patch_embed", "global_pool", "set_input_size", "pos_embed", "num_classes", "head_dim",
    "forward_features", "forward_head",
}  # fmt: skip
OF_PIP = {"--no-deps", "--force-reinstall"}


def text_of(node: ast.AST) -> str:
    """Return the constant words of an expression, with "{}" for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return " ".join(filter(None, map(text_of, ast.iter_child_nodes(node))))


def messages() -> Iterator[tuple[str, str]]:
    """Yield (file, text) of every error that vitviz raises on purpose, advice included."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                yield file, re.sub(r"\s+", " ", " ".join(map(text_of, [*node.args, *node.keywords])))


MESSAGES = sorted(set(messages()))


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (group,) = (each for each in program.parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(group.choices)


def options_of(command: str) -> set[str]:
    return set(subparsers()[command]._option_string_actions)


def parameters() -> set[str]:
    """Return the arguments of every function and the fields of every record that a reader can call."""
    found: set[str] = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found |= {each.arg for each in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs)}
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return found


def names() -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    own = {node.name for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, kinds)}
    texts = {  # values of options, names of methods and knobs
        node.value for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)
    }
    return own | {text for text in texts if isinstance(text, str) and text.isidentifier()}


PARAMETERS, NAMES = parameters(), names()


def test_the_texts_are_found() -> None:
    assert len(MESSAGES) > 250
    assert any("Give one from 0 to {" in text for _, text in MESSAGES)


@pytest.mark.parametrize(("file", "text"), MESSAGES)
def test_every_option_exists_where_it_is_named(file: str, text: str) -> None:
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) - OF_PIP:
        asked = re.search(rf"python -m vitviz ([a-z-]+) [^`]*{option}", text)
        if asked:
            assert option in options_of(asked[1])
            continue
        assert file.startswith(
            ("vitviz/cli/", "vitviz/files.py", "vitviz/models/train", "vitviz/models/evaluate", "vitviz/labs/")
        ), f"{file} belongs to the library, whose readers have no {option}"
        if file.startswith(("vitviz/cli/", "vitviz/files.py")):
            own = Path(file).stem.replace("_", "-")
            near = [own] if own in subparsers() else [name for name in subparsers() if option in options_of(name)]
            assert near, f"no command has {option}"
            assert all(option in options_of(name) for name in near), (near, option)


@pytest.mark.parametrize(("file", "text"), MESSAGES)
def test_every_argument_and_function_exists(file: str, text: str) -> None:
    for argument in re.findall(r"(?<![\w.-])([a-z]\w*)=(?!=)", text):
        assert argument in PARAMETERS | OTHERS, f"nothing takes {argument}="
    for name in re.findall(r"(?<![\w./{}-])[a-z]+(?:_[a-z0-9]+)+\b(?![./])", text):
        assert name in NAMES | PARAMETERS | OTHERS, f"there is no {name}"


def code() -> str:
    """Return all words of the code, f-strings with "…" for what is filled in."""
    told = [text_of(node) for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    told += [node.value for tree in TREES.values() for node in ast.walk(tree)
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    told += [(ROOT / "Makefile").read_text(encoding="utf-8"), (ROOT / "tests/browser/conftest.py").read_text()]
    return re.sub(r"\s+", " ", "\n".join(told))


def test_every_message_of_the_troubleshooting_can_appear() -> None:
    whole = code()
    table = rows(README, "Troubleshooting")[1:]
    assert len(table) >= 10
    for row in table:
        for message in re.findall(r"`([^`]+)`", row[0]):
            for part in message.split("…"):
                assert part.strip(" :") in whole, message


def test_every_setting_of_the_troubleshooting_is_known() -> None:
    from streamlit import config

    for row in rows(README, "Troubleshooting"):
        for name in re.findall(r"STREAMLIT_(\w+)=", " ".join(row)):
            section, _, rest = name.lower().partition("_")
            first, *others = rest.split("_")
            config.get_option(f"{section}.{first}{''.join(word.title() for word in others)}")


def test_the_dashboard_shows_errors_in_its_own_words() -> None:
    """``str(error)`` gives the advice of Python, such as a file of weights, which the dashboard does not take."""
    shown = [path for path in (ROOT / "vitviz/ui").rglob("*.py") if "kept" not in path.parts]
    assert [path.name for path in shown if "str(error)" in path.read_text(encoding="utf-8")] == []
