"""The Heads page: statistics of every head, and what changes when heads are switched off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from vitviz.attention.statistics import STATISTICS, HeadStatistics
from vitviz.capture.edit import NO_EDIT
from vitviz.numbers import in_unit
from vitviz.ui.choices.shared import ABLATE, HEAD, LAYER, pairs_of
from vitviz.ui.components.atlas_view import AtlasView, HeadIndex, colour_limits, least_span
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.head_statistics import names

Head = tuple[int, int]
_OPEN = "vitviz_open_head"


def statistics(scene: Scene) -> HeadStatistics:
    """Return the statistics of the unedited model on this photo."""
    return cache.statistics(scene.model_key, scene.photo.digest, NO_EDIT, scene.original)


def available(table: HeadStatistics) -> list[str]:
    """Return the statistics that this model has: no registers, no share of registers."""
    return [name for name in STATISTICS if not np.isnan(table.table(name)).all()]


def ablated() -> list[Head]:
    """Return the heads that are switched off."""
    return pairs_of(link.get(ABLATE))


def set_ablated(heads: Sequence[Head]) -> None:
    """Switch these heads off, and all others on."""
    link.put(ABLATE.at("-".join(f"{layer}.{head}" for layer, head in sorted(set(heads)))))


def pick(head: HeadIndex) -> None:
    """Open a head: it becomes the one that all pages show."""
    link.put(LAYER.at(head.layer), HEAD.at(str(head.head)))
    st.session_state[_OPEN] = True


def wants_to_open() -> bool:
    """Return whether a head was picked since the last run, once."""
    return bool(st.session_state.pop(_OPEN, False))


def atlas(scene: Scene, table: HeadStatistics, name: str) -> AtlasView:
    """Return the atlas of a statistic with the chosen head and the heads that are switched off."""
    title, unit, _definition = names()[name]
    selected = (scene.layer, scene.chosen_head) if isinstance(scene.chosen_head, int) else None
    values = table.table(name)
    low, high = colour_limits(values, least_span(name, max(scene.trace.grid.patch_size)))
    return AtlasView(
        values=values,
        label=title,
        unit=unit,
        minimum=low,
        maximum=high,
        selected=selected,
        ticked=tuple(ablated()),
    )


def rows(table: HeadStatistics) -> dict[str, list[Any]]:
    """Return the sortable list: one row a head, one column a statistic."""
    shown = available(table)
    layers, heads = table.distance.shape
    places = [(a, b) for a in range(layers) for b in range(heads) if not np.isnan(table.entropy[a, b])]
    columns: dict[str, list[Any]] = {_("Head"): [f"L{layer}·H{head}" for layer, head in places]}
    for name in shown:
        title, unit, _definition = names()[name]
        columns[f"{title} ({unit})"] = [float(in_unit(table.table(name)[place], unit)) for place in places]
    return columns


def picker(scene: Scene) -> None:
    """Draw the list of heads that are switched off."""
    options = [f"{layer}.{head}" for layer, count in enumerate(scene.vit.heads) for head in range(count)]
    key = "ablated_heads"
    off = [f"{layer}.{head}" for layer, head in ablated()]
    st.multiselect(
        _("Heads switched off"),
        options,
        format_func=lambda text: "L{}·H{}".format(*text.split(".")),
        placeholder=_("Choose heads to switch off"),
        key=key,
        on_change=link.tie(key, off, lambda heads: link.put(ABLATE.at("-".join(heads)))),
    )


def cosine(scene: Scene) -> float:
    """Return the cosine between the embeddings with and without the heads that are switched off."""
    pair = scene.original.embedding.float(), scene.trace.embedding.float()
    return float(torch.nn.functional.cosine_similarity(*pair, dim=0))


def answers(scene: Scene, count: int = 5) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]] | None:
    """Return (names, before, after): the probabilities of the top answers, or None without a classifier."""
    before, after = scene.original.logits, scene.trace.logits
    if before is None or after is None:
        return None
    chances = scene.vit.probabilities(before), scene.vit.probabilities(after)
    best = dict.fromkeys(
        int(index) for probabilities in chances for index in probabilities.topk(min(count, len(probabilities))).indices
    )
    listed = list(best)
    names_ = [class_name(scene.vit, index) for index in listed]
    return names_, chances[0][listed].cpu().numpy(), chances[1][listed].cpu().numpy()
