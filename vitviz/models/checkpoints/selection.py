"""Which of the models in a file is meant, and which of its tensors are that model's: wrappers, prefixes, averages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import CheckpointError, check_choice
from vitviz.models.checkpoints.file import Contents
from vitviz.models.checkpoints.layout import Layout, State
from vitviz.record import Record

WeightsKind = Literal["averaged", "raw"]
_AVERAGED = re.compile(r"(?:^|[._])(?:ema|teacher|averaged?|avg|momentum|swa|target|shadow)(?:[._]|$)", re.IGNORECASE)
_WRAPPERS = re.compile(r"(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_fpw_module)\.")


@dataclass(frozen=True)
class Selection(Record):
    """One model of a file."""

    layout: Layout
    prefix: str
    """What all names of its tensors begin with."""
    root: str
    """The table that it lies in, with a dot at its end; "" is the file itself."""
    body: State = field(repr=False)
    """Its tensors without the prefix."""
    outside: State = field(repr=False)
    """What lies beside it in the same table, by whole name."""
    steps: tuple[str, ...]
    """What was done, a clause each."""
    both_kinds: bool = False
    """Whether raw and averaged weights are there."""

    @property
    def places(self) -> list[str]:
        """The prefix and everything above it up to the table, nearest first: where a classifier may lie."""
        inner = self.prefix[len(self.root) :].split(".")[:-1] if "/" not in self.prefix else []
        return [self.root + "".join(f"{part}." for part in inner[:count]) for count in range(len(inner), -1, -1)]


def unwrapped(state: State) -> dict[str, Tensor]:
    """Return a state dict without the names of wrappers inside of paths: of the compiler, FSDP, and checkpointing.

    A wrapper at the beginning stays: it is a prefix, which is told.
    """
    result: dict[str, Tensor] = {}
    for name, value in state.items():
        start = re.match(rf"(?:module\.|{_WRAPPERS.pattern})*", name)
        place = start.end() if start else 0
        result[name[:place] + _WRAPPERS.sub("", name[place:])] = value
    return result


def select(contents: Contents, state: State, layouts: Sequence[Layout], kind: WeightsKind) -> Selection | None:
    """Return the model of a file that is meant, or None if no layout is recognised.

    ``state`` are its tensors by whole name. Where raw and averaged weights are both there, ``kind`` chooses.
    Raises CheckpointError where several models are there and nothing says which, or where the kind is missing.
    """
    check_choice("weights_kind", kind, get_args(WeightsKind))
    pairs = {prefix: layout for layout in reversed(layouts) for prefix in layout.prefixes(state)}
    if not pairs:
        return None
    averaged = [prefix for prefix in pairs if _is_averaged(prefix, pairs, state)]
    raw = [prefix for prefix in pairs if prefix not in averaged]
    wanted, others = (averaged, raw) if kind == "averaged" else (raw, averaged)
    if kind == "raw" and averaged and not raw:
        raise CheckpointError(
            "{name} holds averaged weights only ({place}); got weights_kind='raw'. Leave weights_kind out.",
            name=contents.name,
            place=_where(averaged[0]),
        )
    prefixes = wanted or others
    if len(prefixes) > 1:
        raise CheckpointError(
            "{name} holds {count} models ({names}), and nothing says which is meant; wanted one. Save the state_dict "
            "of the one to look at.",
            name=contents.name,
            count=len(prefixes),
            names=", ".join(map(_where, sorted(prefixes))),
        )
    told = _told(wanted, others, kind)
    rest = [prefix for prefix in pairs if prefix != prefixes[0]]
    selection = _selection(contents, state, pairs[prefixes[0]], (prefixes[0], rest), told)
    return replace(selection, both_kinds=bool(averaged and raw))


def _is_averaged(prefix: str, prefixes: Sequence[str] | dict[str, Layout], state: State) -> bool:
    """Return whether a name says so, and no raw model is of other shapes: a teacher may be another model."""
    if f"{prefix.removesuffix('module.')}n_averaged" in state:
        return True
    if "averaging_state.n_averaged" in state and "current_model_state." in "".join(state):  # Lightning's callback
        return prefix.startswith("state_dict.")
    if not _AVERAGED.search(prefix):
        return False
    raw = [other for other in prefixes if not _AVERAGED.search(other)]
    return all(_shapes(state, other) == _shapes(state, prefix) for other in raw)


def _shapes(state: State, prefix: str) -> set[tuple[int, ...]]:
    return {tuple(value.shape) for name, value in state.items() if name.startswith(f"{prefix}blocks.")}


def _told(wanted: list[str], others: list[str], kind: WeightsKind) -> list[str]:
    if wanted and others:
        return [
            Clause(
                "averaged weights taken ({where}), not {other_where}"
                if kind == "averaged"
                else "raw weights taken ({where}), not {other_where}",
                where=_where(wanted[0]),
                other_where=_where(others[0]),
            )
        ]
    averaged = wanted if kind == "averaged" else others
    return [Clause("averaged weights ({where})", where=_where(averaged[0]))] if averaged else []


def _selection(
    contents: Contents, state: State, layout: Layout, prefixes: tuple[str, list[str]], steps: list[str]
) -> Selection:
    prefix, others = prefixes
    tables = [table for table in contents.tables_of_tensors if prefix.startswith(table)]
    root = max(tables, key=len)
    body = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
    outside: dict[str, Tensor] = {
        name: value for name, value in state.items() if name.startswith(root) and not name.startswith(prefix)
    }
    rivals = tuple(other for other in others if other and not prefix.startswith(other))
    outside = {name: value for name, value in outside.items() if not name.startswith(rivals)}
    nested = [table for table in contents.tables_of_tensors if table.startswith(root) and table != root]
    outside = {name: value for name, value in outside.items() if not name.startswith(tuple(nested))}
    body = {name: value for name, value in body.items() if not (prefix + name).startswith(tuple(nested))}
    if root:
        steps = [*steps, Clause("taken from {root}", root=root.removesuffix("."))]
    if prefix != root:
        steps = [*steps, Clause("prefix {prefix} removed", prefix=prefix[len(root) :])]
    return Selection(layout, prefix, root, body, outside, tuple(steps))


def _where(prefix: str) -> str:
    return prefix.rstrip("./") or Clause("the file itself")
