"""What every method of METHODS promises, whatever it computes. A new method is tested here by being listed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vitviz.attribution import METHODS, Method, attribute, why_not
from vitviz.attribution.targets import patch_likeness
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace.target import contrast

each = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
FEW = {"n_steps": 6, "n_samples": 6, "n_masks": 40}


def quick(method: Method) -> dict[str, Any]:
    """Return knobs that keep a method short."""
    return {knob.name: FEW[knob.name] for knob in method.knobs if knob.name in FEW}


def picture(vit: ViT, seed: int = 1) -> Tensor:
    return torch.randn(3, *vit.image_size, generator=torch.Generator().manual_seed(seed))


def state(module: nn.Module) -> list[Any]:
    hooks = [
        len(getattr(part, name))
        for part in module.modules()
        for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    ]
    parameters = [(p.requires_grad, p.grad is None, p._version) for p in module.parameters()]
    modes = [part.training for part in module.modules()]
    return [hooks, parameters, modes, torch.is_grad_enabled(), torch.is_inference_mode_enabled()]


@each
@pytest.mark.parametrize("name", ["vit", "register", "averaging", "pooling", "headless"])
def test_a_map_has_the_shape_of_the_picture_and_finite_values(
    method: Method, name: str, request: pytest.FixtureRequest
) -> None:
    vit: ViT = request.getfixturevalue(name)
    reason = why_not(method.name, vit)
    if reason is not None:
        with pytest.raises(UnsupportedModelError, match=re.escape(reason)):
            attribute(method.name, vit, picture(vit))
        return
    attribution = attribute(method.name, vit, picture(vit), **quick(method))
    grid = vit.grid
    assert attribution.values.shape == (vit.image_size if method.pixelwise else (grid.rows, grid.columns))
    assert attribution.values.dtype == np.float32
    assert np.isfinite(attribution.values).all()
    assert attribution.signed == method.signed
    assert attribution.method == method.name
    assert attribution.seconds > 0
    assert set(attribution.knobs) == {knob.name for knob in method.knobs}


@each
def test_signed_is_honest(method: Method, vit: ViT) -> None:
    results = [attribute(method.name, vit, picture(vit, seed), **quick(method)) for seed in range(3)]
    assert any(each.values.min() < 0 for each in results) == method.signed
    assert all(each.values.max() > 0 for each in results)


@each
def test_the_seed_decides_what_is_random_and_nothing_else_does(method: Method, vit: ViT) -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]  # noqa: NPY002
    first, same, other = (
        attribute(method.name, vit, picture(vit), seed=seed, **quick(method)).values for seed in (5, 5, 6)
    )
    after = torch.random.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    assert np.array_equal(first, same)
    assert np.array_equal(first, other) != method.seeded


@each
def test_nothing_stays_behind(method: Method, vit: ViT, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(vit.module), state(vit.shell)
    attribute(method.name, vit, picture(vit), **quick(method))
    assert (state(vit.module), state(vit.shell)) == before
    nans = picture(vit).fill_(float("nan"))
    with pytest.raises(ValueError, match="NaN or infinite"):
        attribute(method.name, vit, nans, **quick(method))
    assert (state(vit.module), state(vit.shell)) == before


@each
def test_the_callers_gradient_mode_makes_no_difference(method: Method, vit: ViT) -> None:
    expected = attribute(method.name, vit, picture(vit), **quick(method)).values
    with torch.inference_mode():
        values = attribute(method.name, vit, picture(vit), **quick(method)).values
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6)


@each
def test_the_batch_size_makes_no_difference(method: Method, vit: ViT) -> None:
    one, many = (attribute(method.name, vit, picture(vit), batch_size=size, **quick(method)).values for size in (1, 7))
    np.testing.assert_allclose(one, many, rtol=2e-3, atol=2e-4 * np.abs(many).max())


@each
def test_a_target_that_does_not_exist_is_refused(method: Method, vit: ViT, headless: ViT) -> None:
    with pytest.raises(OptionError, match="Target class 10 does not exist; there are 10"):
        attribute(method.name, vit, picture(vit), target=10)
    with pytest.raises(OptionError, match="Target 3 is a class, but headless has no classifier"):
        attribute(method.name, headless, picture(headless), target=3)


@each
def test_what_was_explained_is_told(method: Method, vit: ViT, headless: ViT) -> None:
    attribution = attribute(method.name, vit, picture(vit), target=3, **quick(method))
    assert attribution.target.class_index == 3
    attribution = attribute(method.name, headless, picture(headless), **quick(method))
    assert attribution.target.label == "what sets the image apart from its mean colour"


@each
def test_any_target_can_be_explained_and_matters_where_it_should(method: Method, vit: ViT) -> None:
    targets = [3, contrast(vit, 3, 5), patch_likeness(vit, picture(vit), 7)]
    maps = [attribute(method.name, vit, picture(vit), target=target, **quick(method)).values for target in targets]
    for other in maps[1:]:
        assert np.array_equal(maps[0], other) != method.targeted


@each
def test_an_unknown_knob_is_refused(method: Method, vit: ViT) -> None:
    with pytest.raises(OptionError, match=f"{method.name} has no knob 'colour'; it has"):
        attribute(method.name, vit, picture(vit), colour=1)


@each
def test_values_outside_a_knobs_range_are_refused(method: Method, vit: ViT) -> None:
    for knob in method.knobs:
        for value in ("nonsense", -1, None if knob.kind != "layer" else 2, True):
            with pytest.raises(OptionError, match=rf"{knob.name}|Layer"):
                attribute(method.name, vit, picture(vit), **{knob.name: value})


@each
def test_a_method_tells_what_belongs_beside_its_map(method: Method) -> None:
    for text in (method.summary, method.limits, *(knob.help for knob in method.knobs)):
        assert re.fullmatch(r"[A-Z].+[.]", text)
    assert method.label
    assert method.formula
    assert re.search(r"(19|20)\d\d", method.paper)
    assert re.search(r"forward", method.cost)
    assert re.fullmatch(r"[a-z_]+", method.name)


def test_names_are_unique() -> None:
    assert len({method.name for method in METHODS}) == len(METHODS)


def test_an_unknown_method_is_refused_with_the_nearest_names(vit: ViT) -> None:
    with pytest.raises(OptionError, match="no method 'salience'.*Did you mean 'saliency'"):
        attribute("salience", vit, picture(vit))


def test_batches_hold_something(vit: ViT) -> None:
    with pytest.raises(OptionError, match="batch_size is 0; wanted at least 1"):
        attribute("saliency", vit, picture(vit), batch_size=0)
