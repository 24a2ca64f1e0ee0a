"""Distillation: the loss by hand, its limit for high temperatures, DeiT's hard loss, and runs with their tokens."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from vitviz.errors import OptionError, StoppedError
from vitviz.labs.digits.distillation import gradient_limit, hard_loss, hinton_loss, limit_gap, soft_gradient, soft_loss
from vitviz.labs.digits.distillation_runs import NAMES, distil, token_attention
from vitviz.labs.digits.networks import digit_vit


@pytest.fixture(scope="module")
def logits():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 4, 10, generator=generator, dtype=torch.float64)


def test_the_soft_loss_of_two_classes_by_hand():
    student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[2 * math.log(3), 0.0]])
    share = torch.tensor([0.75, 0.25])  # softmax of (log 3, 0), the teacher's logits at T = 2
    by_hand = 4 * float((share * (share / 0.5).log()).sum())
    assert float(soft_loss(student, teacher, 2.0)) == pytest.approx(by_hand, rel=1e-6)
    assert float(soft_loss(teacher, teacher, 2.0)) == pytest.approx(0, abs=1e-6)


def test_alpha_blends_labels_and_teacher(logits):
    student, teacher = logits
    labels = torch.tensor([1, 2, 3, 4])
    alone = functional.cross_entropy(student, labels)
    assert torch.equal(hinton_loss(student, teacher, labels, alpha=0, temperature=3), alone)
    taught = hinton_loss(student, teacher, labels, alpha=1, temperature=3)
    assert torch.allclose(taught, soft_loss(student, teacher, 3))
    middle = hinton_loss(student, teacher, labels, alpha=0.25, temperature=3)
    assert torch.allclose(middle, 0.75 * alone + 0.25 * taught)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 7.0])
def test_the_gradient_is_t_times_the_difference_of_the_answers(logits, temperature):
    student, teacher = logits[0, :1].clone().requires_grad_(), logits[1, :1]
    soft_loss(student, teacher, temperature).backward()
    expected = soft_gradient(student.detach()[0], teacher[0], temperature)
    assert torch.allclose(student.grad[0], expected, atol=1e-12)


def test_the_gradient_tends_to_the_difference_of_the_logits_over_n(logits):
    student, teacher = (each[0] - each[0].mean() for each in logits)
    limit = gradient_limit(student, teacher)
    assert torch.allclose(limit, (student - teacher) / 10)
    assert torch.allclose(soft_gradient(student, teacher, 1e4), limit, rtol=1e-3)
    assert torch.allclose(gradient_limit(student + 5, teacher - 2), limit)
    gaps = limit_gap(student, teacher, [1.0, 10.0, 100.0, 1000.0])
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[2] / gaps[3] == pytest.approx(10, rel=0.05)  # the error falls as 1/T


def test_the_hard_loss_is_the_mean_of_two_cross_entropies():
    even = torch.zeros(3, 10)
    sure = torch.full((3, 10), -100.0)
    sure[:, 4] = 100.0
    labels, teacher = torch.tensor([0, 1, 2]), sure
    assert float(hard_loss(even, sure, labels, teacher)) == pytest.approx(math.log(10) / 2)
    assert float(hard_loss(even, even, labels, teacher)) == pytest.approx(math.log(10))


@pytest.mark.parametrize(("call", "message"), [
    (lambda z: soft_loss(z, z, 0.0), "temperature is 0.0; wanted a positive number"),
    (lambda z: soft_loss(z, z[:2], 1.0), r"shape \(4, 10\), the teacher's \(2, 10\)"),
    (lambda z: hinton_loss(z, z, torch.zeros(4).long(), alpha=1.5, temperature=1), "α is 1.5"),
    (lambda z: limit_gap(z[0], z[0] + 3, [1.0]), "differ by a constant"),
    (lambda z: distil(seeds=0), "Got 0 seeds; wanted 1 to 10"),
    (lambda z: distil(size=5), "training set of 5 digits cannot be drawn; wanted 10"),
    (lambda z: token_attention(digit_vit(seed=0)), "no distillation token"),
])  # fmt: skip
def test_what_cannot_be_is_refused(logits, call, message):
    with pytest.raises(OptionError, match=message):
        call(logits[0])


def test_a_distillation_has_all_its_runs_and_reads_both_tokens():
    told = []
    result = distil(size=20, seeds=1, steps=4, progress=lambda done, total, now: told.append((done, total)))
    assert result.complete
    assert [run.name for run in result.runs] == list(NAMES)
    assert told[-1] == (16, 16)
    assert [each[0] for each in told] == sorted(each[0] for each in told)
    maps = result.attention.maps
    assert maps.shape == (10, 2, 2, 4, 4, 4)
    assert (maps >= 0).all()
    assert (maps.sum((-1, -2)) < 1).all()  # the two special tokens have the rest
    assert -1 <= result.attention.likeness <= 1
    assert not np.allclose(maps[:, :, 0], maps[:, :, 1])
    again = distil(size=20, seeds=1, steps=4)
    assert [run.points[1:] for run in again.runs] == [run.points[1:] for run in result.runs]


def test_a_stopped_distillation_has_handed_on_what_it_had():
    kept = []

    def stop(done, total, now):
        kept.append(now)
        return done < 8

    with pytest.raises(StoppedError, match="Stopped after 8 of 16 updates"):
        distil(size=20, seeds=1, steps=4, progress=stop)
    last = kept[-1]
    assert not last.complete
    assert [run.name for run in last.runs] == ["teacher", "alone"]
    assert [run.finished for run in last.runs] == [True, True]
    assert len(last.accuracies("teacher")) == 1
    assert len(last.accuracies("soft")) == 0
