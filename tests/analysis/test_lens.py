"""The logit lens: the last row is the real answer, earlier rows are the head on earlier tokens."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import vitviz
from tests.families import ALL, member, noise
from vitviz.analysis.lens import class_evidence, logit_lens
from vitviz.errors import CaptureError, OptionError
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace


@pytest.fixture(scope="module")
def traced(wide: ViT) -> Trace:
    return trace(wide, noise((24, 40)))


def test_rows_are_the_head_on_the_normed_class_token(wide: ViT, traced: Trace) -> None:
    lens = logit_lens(wide, traced)
    module = wide.module
    for layer in range(-1, 2):
        with torch.no_grad():
            wanted = module.head(module.norm(traced.residual(layer))[0])  # type: ignore[operator]
        np.testing.assert_allclose(lens.logits[layer + 1], wanted.numpy(), rtol=1e-4, atol=1e-5)
    assert lens.final == int(traced.logits.argmax())  # type: ignore[union-attr]
    np.testing.assert_allclose(lens.probabilities.sum(-1), 1)
    assert lens.top[-1] == lens.final


@pytest.mark.parametrize("family", [name for name in ALL if name != "hybrid R50"])  # it is large
def test_the_last_row_is_the_answer_in_every_family(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = ViT.from_module(member(family, size), name=family, image_size=size)
    one = trace(vit, noise(size))
    lens = logit_lens(vit, one)
    assert one.logits is not None
    np.testing.assert_allclose(lens.logits[-1], one.logits.numpy(), rtol=1e-3, atol=1e-3)
    assert lens.logits.shape == (3, 7)
    assert class_evidence(vit, one).values.shape == (vit.grid.rows, vit.grid.columns)


def test_the_layer_of_the_decision_is_the_first_that_stays(wide: ViT, traced: Trace) -> None:
    lens = logit_lens(wide, traced)
    hand = dataclasses.replace(lens, logits=np.eye(3, dtype=np.float32)[[2, 1, 0, 2, 2]], final=2)
    assert (hand.top, hand.decided) == ((2, 1, 0, 2, 2), 3)
    assert dataclasses.replace(hand, logits=np.eye(3, dtype=np.float32)[[2, 2]]).decided == 0


def test_evidence_is_the_head_on_each_patch(wide: ViT, traced: Trace) -> None:
    evidence = class_evidence(wide, traced, class_index=3, layer=0)
    module = wide.module
    with torch.no_grad():
        logits = module.head(module.norm(traced.residual(0))[1:])  # type: ignore[operator]
    signed = logits[:, 3] - logits.mean(-1)
    np.testing.assert_allclose(evidence.values.ravel(), signed.numpy(), rtol=1e-4, atol=1e-5)
    assert evidence.best.ravel().tolist() == logits.argmax(-1).tolist()
    assert (evidence.layer, evidence.class_index) == (0, 3)


def test_evidence_over_all_classes_sums_to_nothing(wide: ViT, traced: Trace) -> None:
    total = sum(class_evidence(wide, traced, class_index=each).values for each in range(10))
    np.testing.assert_allclose(total, 0, atol=1e-3)


def test_an_average_reads_the_patch_alone(build_vit) -> None:  # type: ignore[no-untyped-def]
    vit = ViT.from_module(build_vit(class_token=False, global_pool="avg"), name="average")
    one = trace(vit, noise((32, 32)))
    with torch.no_grad():
        tokens = vit.module.norm(one.residual(1))  # type: ignore[operator]
        logits = vit.module.head(vit.module.fc_norm(tokens))  # type: ignore[operator]
    evidence = class_evidence(vit, one, class_index=2)
    np.testing.assert_allclose(evidence.values.ravel(), (logits[:, 2] - logits.mean(-1)).numpy(), rtol=1e-3, atol=1e-4)


def test_masked_tokens_are_left_out_as_in_the_pass(build_vit) -> None:  # type: ignore[no-untyped-def]
    vit = ViT.from_module(build_vit(class_token=False, global_pool="avg"), name="average")
    one = trace(vit, noise((32, 32)), edit=vitviz.Edit(mask_tokens=[2, 5]))
    assert one.logits is not None
    np.testing.assert_allclose(logit_lens(vit, one).logits[-1], one.logits.numpy(), rtol=1e-4, atol=1e-5)


def test_a_classifier_that_reads_something_else_is_refused(wide: ViT, traced: Trace) -> None:
    assert traced.logits is not None
    other = dataclasses.replace(traced, logits=traced.logits + torch.arange(10.0))
    with pytest.raises(CaptureError, match="classifier of wide reads something else than the output of its last block"):
        logit_lens(wide, other)


def test_what_has_no_answer_is_refused(build_vit, wide: ViT, vit: ViT, traced: Trace) -> None:  # type: ignore[no-untyped-def]
    bare = ViT.from_module(build_vit(num_classes=0), name="bare")
    with pytest.raises(OptionError, match="bare has no classifier, so no block has an answer"):
        logit_lens(bare, trace(bare, noise((32, 32))))
    with pytest.raises(OptionError, match="The trace is of wide; wanted one of tiny"):
        logit_lens(vit, traced)
    with pytest.raises(OptionError, match="Class 10 does not exist; there are 10"):
        class_evidence(wide, traced, class_index=10)
    with pytest.raises(OptionError, match="Layer 2 does not exist"):
        class_evidence(wide, traced, layer=2)


def test_nothing_stays_behind(wide: ViT, traced: Trace) -> None:
    logit_lens(wide, traced)
    class_evidence(wide, traced)
    assert not wide.module.training
    assert all(parameter.grad is None for parameter in wide.module.parameters())
    assert not any(part._forward_hooks for part in wide.module.modules())
