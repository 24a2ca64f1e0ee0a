"""Heads by hand: torch's own attention gives the same numbers, and a row of a loaded model is the trace's row."""

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

import vitviz
from vitviz.errors import OptionError
from vitviz.labs.attention_by_hand import HeadWeights, head, head_row, heads
from vitviz.models.vit import ViT
from vitviz.ui.choices.attention_from_scratch import HAND_EXAMPLE, LAYERS_EXAMPLE, layers_of, matrices_of
from vitviz.ui.learn.scratch.hand import head_weights

TOKENS, WIDTH, HEADS = 5, 8, 4


@pytest.fixture
def drawn():
    return np.random.default_rng(0)


def test_one_head_is_torch_s_attention_with_every_number_on_the_way(drawn):
    tokens, query, key, value = drawn.normal(size=(TOKENS, WIDTH)), *drawn.normal(size=(3, WIDTH, 3))
    steps = head(tokens, query, key, value)
    wanted = scaled_dot_product_attention(*map(torch.from_numpy, (steps.queries, steps.keys, steps.values)))
    assert np.allclose(steps.output, wanted, atol=1e-12)
    assert np.allclose(steps.attention.sum(-1), 1)
    assert np.allclose(steps.scaled * np.sqrt(3), steps.scores)


def test_several_heads_are_torch_s_multi_head_attention(drawn):
    torch.manual_seed(0)
    peer = torch.nn.MultiheadAttention(WIDTH, HEADS, bias=False, batch_first=True).double()
    tokens = drawn.normal(size=(TOKENS, WIDTH))
    joint = peer.in_proj_weight.detach().numpy().reshape(3, HEADS, WIDTH // HEADS, WIDTH)
    weights = [HeadWeights(*(joint[part, number].T for part in range(3))) for number in range(HEADS)]
    computed = heads(tokens, weights, peer.out_proj.weight.detach().numpy().T)
    wanted, attention = peer(*[torch.from_numpy(tokens)[None]] * 3, average_attn_weights=False)
    assert np.allclose(computed.output, wanted[0].detach(), atol=1e-12)
    assert np.allclose([step.attention for step in computed.heads], attention[0].detach(), atol=1e-12)


def test_the_example_s_heads_have_the_roles_that_the_page_tells():
    given = matrices_of(HAND_EXAMPLE)
    colour, place = heads(given["X"], head_weights(given), given["W_O"]).heads
    assert colour.attention[0] == pytest.approx([8.342, 1, 8.342, 8.342, 1] / np.float64(27.03), abs=1e-3)
    assert place.attention.argmax(1).tolist() == [4, 0, 1, 2, 3]  # the place one step before on the ring
    first, second = layers_of(LAYERS_EXAMPLE)
    assert ((first > 0).sum(1).tolist(), (second > 0).sum(1).tolist()) == ([2] * 4, [2] * 4)


def test_a_row_of_a_loaded_model_is_the_trace_s(tiny_vit, drawn):
    vit = ViT.from_module(tiny_vit)
    trace = vitviz.trace(vit, drawn.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    for token in ("class", 9):
        row = head_row(vit, trace, layer=1, head=1, token=token)
        assert row.gap < 1e-6
        assert np.allclose(row.attention, trace.attention(1)[1, trace.token(token)], atol=1e-6)
        assert np.allclose(row.entering @ row.query_weights + row.query_bias, row.query, atol=1e-4)
        assert np.allclose(row.output, (trace.attention(1)[1] @ trace.values(1)[1])[trace.token(token)], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: head([[1.0]], [[1.0, 2.0]], [[1.0]], [[1.0]]), "Queries of 2 and keys of 1 channels"),
        (lambda: head([[1.0]], [[1.0], [2.0]], [[1.0]], [[1.0]]), "Query weights have 2 rows, and tokens 1"),
        (lambda: head([[np.nan]], [[1.0]], [[1.0]], [[1.0]]), "no table of finite numbers"),
        (lambda: heads([[1.0]], [], [[1.0]]), "There are no heads"),
        (lambda: heads([[1.0]], [HeadWeights(*np.ones((3, 1, 1)))], np.ones((2, 1))), "The projection has 2 rows"),
    ],
)
def test_what_does_not_fit_is_told(call, message):
    with pytest.raises(OptionError, match=message):
        call()
