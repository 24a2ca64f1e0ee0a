"""What saves a method its second pass gives the numbers that the long way gives, and is really taken."""

from __future__ import annotations

import importlib

import pytest
import torch

import vitviz
from vitviz.models.timm_door import build
from vitviz.trace.along import MEANS, RELEVANCES
from vitviz.trace.run import passes

run = importlib.import_module("vitviz.trace.run")


def model(**options: object) -> vitviz.ViT:
    module = build("vit_tiny_patch16_224", image_size=(64, 64), classes=5, seed=0)
    for name, value in options.items():
        setattr(module, name, value)
    return vitviz.ViT.from_module(module, image_size=64)


def picture() -> torch.Tensor:
    return torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(1))


def close(values: torch.Tensor, expected: torch.Tensor) -> bool:
    return torch.allclose(values, expected, rtol=1e-4, atol=1e-6 * float(expected.abs().max()))


def test_layer_gradients_of_the_class_token_equal_those_of_the_whole_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    vit = model()
    quick = vitviz.trace(vit, picture(), target=2, layer_scores=True)
    monkeypatch.setattr(run, "row_gradients", lambda *_given: None)
    whole = vitviz.trace(vit, picture(), target=2, layer_scores=True)
    for layer in range(vit.layers):
        assert quick.layer_gradients[layer].queries.tolist() == [0]
        assert whole.layer_gradients[layer].queries is None
        assert quick.layer_gradient_rows(layer).shape == (3, 1, 17)
        assert close(quick.layer_gradient(layer), whole.layer_gradient(layer))


def test_a_block_that_mixes_tokens_behind_its_attention_takes_the_whole_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mixing(torch.nn.Module):
        def __init__(self, mlp: torch.nn.Module) -> None:
            super().__init__()
            self.mlp = mlp

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.mlp(tokens) + tokens.mean(1, keepdim=True)

    module = build("vit_tiny_patch16_224", image_size=(64, 64), classes=5, seed=0)
    module.blocks[3].mlp = Mixing(module.blocks[3].mlp)
    vit = vitviz.ViT.from_module(module, image_size=64)
    scored = vitviz.trace(vit, picture(), target=2, layer_scores=True)
    assert [slopes.queries is None for slopes in scored.layer_gradients] == [layer == 3 for layer in range(12)]
    assert scored.layer_gradient(3)[:, 5].abs().max() > 0  # through the mean, other queries count too
    monkeypatch.setattr(run, "row_gradients", lambda *_given: None)
    whole = vitviz.trace(vit, picture(), target=2, layer_scores=True)
    assert all(close(scored.layer_gradient(layer), whole.layer_gradient(layer)) for layer in range(12))


def test_what_is_summed_up_on_the_way_equals_the_maps_of_a_trace() -> None:
    vit = model()
    traced = vitviz.trace(vit, picture(), target=2)
    bare = passes(vit, picture(), target=2, backward=False, along=MEANS)
    means = bare.means
    assert (bare.layers, bare.streams, [call for layer in bare.calls for call in layer]) == (12, (), [])
    relevances = passes(vit, picture(), target=2, backward=True, along=RELEVANCES).relevances
    for layer in range(vit.layers):
        attention = traced.attention(layer)
        assert close(means[layer], attention.mean(0))
        relevance = (traced.attention_gradient(layer) * attention).clamp(min=0).mean(0)
        assert close(relevances[layer], relevance)


@pytest.mark.parametrize("method", ["rollout", "gradient_rollout", "legrad"])
@pytest.mark.parametrize("pool", ["token", "avg"])
def test_a_pass_of_its_own_and_a_trace_handed_on_give_one_map(method: str, pool: str) -> None:
    vit = model(global_pool=pool)
    own = vitviz.attribute(method, vit, picture(), target=2).values
    handed = vitviz.attribute(method, vit, vitviz.trace(vit, picture(), target=2, layer_scores=True)).values
    assert close(torch.from_numpy(own), torch.from_numpy(handed))


def test_a_rollout_that_reads_every_head_keeps_the_heads() -> None:
    vit = model()
    own = vitviz.attribute("rollout", vit, picture(), target=2, head_fusion="max").values
    handed = vitviz.attribute("rollout", vit, vitviz.trace(vit, picture()), target=2, head_fusion="max").values
    assert close(torch.from_numpy(own), torch.from_numpy(handed))
