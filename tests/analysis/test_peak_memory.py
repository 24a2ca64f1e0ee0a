"""Peak memory of tensors, against sums by hand."""

from __future__ import annotations

import torch

from vitviz.analysis.peak_memory import PeakMemory


def test_living_tensors_are_summed_and_views_are_free() -> None:
    before = torch.zeros(1000)
    with PeakMemory() as memory:
        first = torch.zeros(1000)  # 4 kB
        view = first.view(10, 100)
        del first
        second = view + 1  # 8 kB together
        del view
        third = second * 2  # the first is gone: 8 kB again
        before.add_(1)
        assert memory.peak == 8000
        fourth = torch.cat([second, third, third])  # and 12 kB more
    assert memory.peak == 20_000
    assert fourth.numel() == 3000
