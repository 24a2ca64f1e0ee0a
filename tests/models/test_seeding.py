"""Random numbers from a seed of one's own, whatever draws them, and the global generator untouched."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from vitviz.models.seeding import SeededInitialisation
from vitviz.models.timm_door import timm


def filled(initialise: Callable[[Tensor], object]) -> Tensor:
    tensor = torch.empty(4, 4)
    initialise(tensor)
    return tensor


DRAWS: dict[str, Callable[[], Tensor]] = {
    "normal_": lambda: torch.empty(8).normal_(),
    "uniform_": lambda: torch.empty(8).uniform_(-1, 2),
    "bernoulli_": lambda: torch.empty(64).bernoulli_(0.5),
    "exponential_": lambda: torch.empty(8).exponential_(),
    "rand": lambda: torch.rand(8),
    "randn": lambda: torch.randn(2, 4),
    "randint": lambda: torch.randint(1000, (8,)),
    "randperm": lambda: torch.randperm(64),
    "normal": lambda: torch.normal(0.0, 1.0, (8,)),
    "bernoulli": lambda: torch.bernoulli(torch.full((64,), 0.5)),
    "trunc_normal_": lambda: nn.init.trunc_normal_(torch.empty(8), std=0.02),
    "xavier_uniform_": lambda: nn.init.xavier_uniform_(torch.empty(4, 4)),
    "kaiming_normal_": lambda: nn.init.kaiming_normal_(torch.empty(4, 4)),
    "orthogonal_": lambda: nn.init.orthogonal_(torch.empty(4, 4)),
    "timm's trunc_normal_": lambda: timm.layers.trunc_normal_(torch.empty(8), std=0.02),
    "timm's lecun_normal_": lambda: filled(timm.layers.lecun_normal_),
    "linear layer": lambda: nn.Linear(4, 4).weight.detach(),
    "convolution": lambda: nn.Conv2d(3, 4, 2).weight.detach(),
    "attention": lambda: nn.MultiheadAttention(4, 2).in_proj_weight.detach(),
}


def seeded(draw: Callable[[], Tensor], seed: int) -> Tensor:
    with SeededInitialisation(seed):
        return draw()


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_seed_decides_and_the_global_generator_is_left_alone(draw: Callable[[], Tensor]) -> None:
    state = torch.random.get_rng_state()
    one, same, other = seeded(draw, 1), seeded(draw, 1), seeded(draw, 2)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_draws_inside_one_context_go_on_from_each_other() -> None:
    with SeededInitialisation(0):
        one, two = torch.randn(8), torch.randn(8)
    assert not torch.equal(one, two)
    assert torch.equal(one, torch.randn(8, generator=torch.Generator().manual_seed(0)))


def test_a_generator_of_the_caller_s_is_used() -> None:
    with SeededInitialisation(0):
        found = torch.randn(8, generator=torch.Generator().manual_seed(9))
    assert torch.equal(found, torch.randn(8, generator=torch.Generator().manual_seed(9)))


def test_other_threads_draw_as_ever() -> None:
    drawn: list[Tensor] = []

    def draw() -> None:
        drawn.append(torch.randn(8))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        wanted = torch.randn(8)
        torch.manual_seed(4)
        with SeededInitialisation(0):
            thread = threading.Thread(target=draw)
            thread.start()
            thread.join()
    assert torch.equal(drawn[0], wanted)
