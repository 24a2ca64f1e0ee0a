"""What messages advise exists: every option, every argument, every function that an error names."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.promises.texts import README, ROOT, rows
from vitviz.cli import program

OTHERS = {  # of PyTorch, timm and safetensors
    "state_dict", "save_file", "patch_embed", "global_pool", "set_input_size", "pos_embed", "num_classes", "head_dim",
    "forward_features", "forward_head",
}  # fmt: skip
OF_PIP = {"--no-deps", "--force-reinstall"}
Trees = dict[str, ast.Module]


@pytest.fixture(scope="module")
def trees() -> Trees:
    """Every file of the library by its path."""
    files = sorted((ROOT / "vitviz").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def text_of(node: ast.AST) -> str:
    """Return the constant words of an expression, with "{}" for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return " ".join(filter(None, map(text_of, ast.iter_child_nodes(node))))


@pytest.fixture(scope="module")
def messages(trees: Trees) -> list[tuple[str, str]]:
    """(file, text) of every error that vitviz raises on purpose, advice included."""
    texts = set()
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                texts.add((file, re.sub(r"\s+", " ", " ".join(map(text_of, [*node.args, *node.keywords])))))
    return sorted(texts)


@cache
def options() -> dict[str, set[str]]:
    """Return the options of every command."""
    (group,) = (action for action in program.parser()._actions if isinstance(action, argparse._SubParsersAction))
    return {name: set(parser._option_string_actions) for name, parser in group.choices.items()}


@pytest.fixture(scope="module")
def parameters(trees: Trees) -> set[str]:
    """The arguments of every function and the fields of every record that a reader can call."""
    names: set[str] = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names |= {word.arg for word in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs)}
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
    return names


@pytest.fixture(scope="module")
def names(trees: Trees) -> set[str]:
    """The names of functions and classes, and values of options, names of methods and knobs."""
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return own | {text for text in texts if isinstance(text, str) and text.isidentifier()}


def test_the_texts_are_found(messages: list[tuple[str, str]]) -> None:
    assert len(messages) > 650
    assert any("Give one from 0 to {" in text for _, text in messages)


def strange_options(file: str, text: str) -> Iterator[str]:
    """Yield the options of a message that do not exist where it is told."""
    for option in sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) - OF_PIP):
        asked = re.search(rf"python -m vitviz ([a-z-]+) [^`]*{option}", text)
        if asked:
            if option not in options()[asked[1]]:
                yield f"{asked[1]} has no {option}"
        elif not file.startswith(
            ("vitviz/cli/", "vitviz/files.py", "vitviz/models/train", "vitviz/models/evaluate", "vitviz/labs/")
        ):
            yield f"{file} belongs to the library, whose readers have no {option}"
        elif file.startswith(("vitviz/cli/", "vitviz/files.py")):
            own = Path(file).stem.replace("_", "-")
            near = [own] if own in options() else [name for name in options() if option in options()[name]]
            if not near or any(option not in options()[name] for name in near):
                yield f"{' '.join(near) or 'no command'} has not {option}"


def test_every_option_exists_where_it_is_named(messages: list[tuple[str, str]]) -> None:
    assert [(text, wrong) for file, text in messages for wrong in strange_options(file, text)] == []


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("vitviz/trace/run.py", "Give --layer.", "whose readers have no --layer"),
        ("vitviz/cli/tokens.py", "Give --no-such.", "tokens has not --no-such"),
        ("vitviz/cli/writing.py", "Give --no-such.", "no command has not --no-such"),
        ("vitviz/grid.py", "Run `python -m vitviz tokens --no-such`.", "tokens has no --no-such"),
    ],
)
def test_a_strange_option_is_seen(file: str, text: str, wrong: str) -> None:
    (told,) = strange_options(file, text)
    assert wrong in told


def test_every_argument_and_function_exists(
    messages: list[tuple[str, str]], parameters: set[str], names: set[str]
) -> None:
    for _file, text in messages:
        arguments = set(re.findall(r"(?<![\w.-])([a-z]\w*)=(?!=)", text))
        assert arguments <= parameters | OTHERS, f"nothing takes {arguments - parameters - OTHERS}: {text}"
        functions = set(re.findall(r"(?<![\w./{}-])[a-z]+(?:_[a-z0-9]+)+\b(?![./])", text))
        unknown = functions - names - parameters - OTHERS
        assert not unknown, f"there is no {unknown}: {text}"


def code(trees: Trees) -> str:
    """Return all words of the code, f-strings with "…" for what is filled in."""
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    told = [text_of(node) for node in nodes if isinstance(node, ast.JoinedStr)]
    told += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    told += [(ROOT / "Makefile").read_text(encoding="utf-8"), (ROOT / "tests/browser/conftest.py").read_text()]
    return re.sub(r"\s+", " ", "\n".join(told))


def test_every_message_of_the_troubleshooting_can_appear(trees: Trees) -> None:
    whole = code(trees)
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
