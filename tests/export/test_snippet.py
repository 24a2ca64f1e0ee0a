"""Every snippet runs, and computes what the library shows."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz.attention.rollout_view import rollout_view
from vitviz.attention.statistics import STATISTICS
from vitviz.attention.view import attention_view
from vitviz.errors import OptionError
from vitviz.examples import example
from vitviz.export.settings import ViewSettings
from vitviz.export.snippet import snippet

Run = Callable[[str], dict[str, Any]]
BuildVit = Callable[..., Any]

TIMM = ViewSettings(
    picture="example:dog", model="timm:vit_tiny_patch16_224", weights="random", seed=3, image_size=(64, 96)
)


@pytest.fixture(scope="module")
def vit(build_vit: BuildVit) -> vitviz.ViT:
    return vitviz.ViT.from_module(build_vit(img_size=(32, 48), depth=3, reg_tokens=2))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ViewSettings:
    """Return the settings of a view of a small picture."""
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    noise = np.random.default_rng(5).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return ViewSettings(picture=str(path), model="mine", query="class")


@pytest.fixture(scope="module")
def traced(vit: vitviz.ViT, tiny: ViewSettings) -> vitviz.Trace:
    return vitviz.trace(vit, tiny.picture)


@pytest.fixture
def run(vit: vitviz.ViT, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs code whose load_vit returns the small model."""
    monkeypatch.setattr(vitviz, "load_vit", {"mine": vit}.__getitem__)
    return execute


def execute(code: str) -> dict[str, Any]:
    """Return the names that the code leaves, with the picture of its last line as ``shown``."""
    names: dict[str, Any] = {}
    lines = code.splitlines()
    exec(compile("\n".join([*lines[:-1], f"shown = {lines[-1]}"]), "snippet", "exec"), names)
    return names


def test_the_code_runs_from_the_model_to_the_map() -> None:
    names = execute(snippet(replace(TIMM, layer=11, query="7")))
    vit = vitviz.load_vit("timm:vit_tiny_patch16_224", weights="random", seed=3, image_size=(64, 96))
    wanted = attention_view(vitviz.trace(vit, example("dog").path), layer=11, query="7")
    assert names["values"].shape == (4, 6)
    np.testing.assert_array_equal(names["values"], wanted.values)


@pytest.mark.parametrize("direction", ["attends_to", "attended_by"])
@pytest.mark.parametrize("query", ["class", "7", "mean"])
@pytest.mark.parametrize("head", ["mean", "max", 1])
def test_the_code_of_an_attention_view_computes_its_map(
    run: Run, tiny: ViewSettings, traced: vitviz.Trace, head: Any, query: str, direction: str
) -> None:
    choice = {"layer": 1, "head": head, "query": query, "direction": direction}
    names = run(snippet(replace(tiny, **choice)))
    wanted = attention_view(traced, **choice)
    assert names["values"].shape == (4, 6)
    np.testing.assert_allclose(names["values"], wanted.values, atol=1e-7)
    assert names["shown"].mode == "RGB"


@pytest.mark.parametrize("query", ["class", "7", "mean"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"head_fusion": "max", "discard_ratio": 0.3, "residual": 0.2, "start_layer": 1, "end_layer": 2},
        {"direction": "attended_by"},
    ],
    ids=str,
)
def test_the_code_of_a_rollout_computes_its_map(
    run: Run, tiny: ViewSettings, traced: vitviz.Trace, query: str, options: dict[str, Any]
) -> None:
    names = run(snippet(replace(tiny, method="rollout", query=query, **options)))
    wanted = rollout_view(traced, query, **options)
    np.testing.assert_allclose(names["values"], wanted.values, atol=1e-7)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_code_of_a_statistic_computes_its_table(
    run: Run, tiny: ViewSettings, traced: vitviz.Trace, statistic: str
) -> None:
    names = run(snippet(replace(tiny, method="heads", statistic=statistic)))
    wanted = vitviz.head_statistics(traced).table(statistic)
    assert names["values"].shape == (3, 2)
    np.testing.assert_array_equal(names["values"], wanted)


def test_the_code_of_all_layers_computes_their_maps(run: Run, tiny: ViewSettings, traced: vitviz.Trace) -> None:
    names = run(snippet(replace(tiny, method="layers", query="7")))
    wanted = [attention_view(traced, layer=layer, query="7").values for layer in range(3)]
    np.testing.assert_array_equal(names["values"], wanted)
    assert names["shown"].mode == "RGB"


def test_the_code_of_heads_tells_the_answer_without_those_that_are_off(run: Run, tiny: ViewSettings) -> None:
    names = run(snippet(replace(tiny, method="heads", edit=vitviz.Edit(ablate_heads=[(1, 1)]))))
    assert names["changed"].edit.ablate_heads == ((1, 1),)
    np.testing.assert_array_equal(names["values"], vitviz.head_statistics(names["trace"]).entropy)
    assert not names["trace"].edit


def test_the_picture_has_the_look_that_was_chosen(run: Run, tiny: ViewSettings) -> None:
    look = {"palette": "spotlight", "opacity": 0.9}
    plain, lit = (run(snippet(replace(tiny, layer=1, look=chosen)))["shown"] for chosen in ({}, look))
    assert "palette='spotlight', opacity=0.9" in snippet(replace(tiny, look=look))
    assert plain.tobytes() != lit.tobytes()


def test_edits_and_targets_are_part_of_the_code(run: Run, tiny: ViewSettings) -> None:
    edit = vitviz.Edit(temperature={2: 2.0}, ablate_heads=[(1, 1), (0, 0)], mask_tokens=[5])
    names = run(snippet(replace(tiny, edit=edit, target=7, query="class")))
    assert names["trace"].edit == edit
    assert names["trace"].target.class_index == 7
    assert names["values"].flat[2] == 0  # token 5 is patch 2, which nobody attends to


def test_the_code_of_attention_pooling_computes_its_map(
    build_vit: BuildVit, tiny: ViewSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vit = vitviz.ViT.from_module(build_vit(num_classes=0, class_token=False, global_pool="map"))
    monkeypatch.setattr(vitviz, "load_vit", {"mine": vit}.__getitem__)
    names = execute(snippet(replace(tiny, query="pool", head="max")))
    wanted = attention_view(vitviz.trace(vit, tiny.picture), query="pool", head="max")
    np.testing.assert_array_equal(names["values"], wanted.values)
    assert wanted.values.max() > wanted.uniform


def test_a_file_name_is_a_text_and_never_code() -> None:
    name = "it's \"a\" \\ photo'); import os; os.abort() #.jpg"
    code = snippet(ViewSettings(picture=name, model=name))
    literals = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    assert literals.count(name) == 2
    assert "os" not in {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def test_the_code_reads_as_a_person_would_write_it() -> None:
    assert snippet(ViewSettings(layer=5, head=2, query="class")) == (
        "import vitviz\n"
        "from vitviz.attention.view import attention_view\n"
        "\n"
        "vit = vitviz.load_vit('default')\n"
        "trace = vitviz.trace(vit, 'photo.jpg')\n"
        "doubt = vitviz.familiarity(vit, trace)  # doubt.perhaps_none: perhaps none of its classes\n"
        "\n"
        "view = attention_view(trace, layer=5, head=2, query='class')\n"
        "values = view.values  # (rows, columns)\n"
        "view.image()\n"
    )


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"method": "atention"}, r"Method 'atention' is unknown; .* Did you mean 'attention'"),
        ({"head": "median"}, r"Head 'median' is unknown"),
        ({"direction": "up"}, r"Direction 'up' is unknown"),
        ({"method": "heads", "statistic": "entropie"}, r"Did you mean 'entropy'"),
        ({"method": "rollout", "query": "pool"}, r"no query 'pool'; wanted a token"),
    ],
)
def test_what_does_not_exist_has_no_code(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        snippet(ViewSettings(**choice))
