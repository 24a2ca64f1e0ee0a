"""Sine–cosine positions: by hand, by their identities, and told from other vectors."""

from __future__ import annotations

import math

import pytest
import torch

from vitviz.analysis.sine_cosine import sine_cosine_1d, sine_cosine_2d, sine_cosine_kind
from vitviz.errors import OptionError


def test_four_channels_by_hand() -> None:
    """Frequencies 1 and 1/100."""
    result = sine_cosine_1d(3, 4)
    wanted = [[math.sin(n), math.sin(n / 100), math.cos(n), math.cos(n / 100)] for n in range(3)]
    torch.testing.assert_close(result, torch.tensor(wanted))


def test_the_product_of_two_places_depends_on_their_distance_alone() -> None:
    result = sine_cosine_1d(20, 32)
    product = result @ result.mT
    torch.testing.assert_close(product.diagonal(), torch.full((20,), 16.0))
    for offset in (1, 5, 13):
        line = product.diagonal(offset)
        torch.testing.assert_close(line, line[:1].expand_as(line), rtol=1e-5, atol=1e-5)


def test_in_two_dimensions_each_half_belongs_to_one_axis() -> None:
    result = sine_cosine_2d(3, 5, 16).reshape(3, 5, 16)
    assert torch.equal(result[0, :, :8], result[2, :, :8])  # the column
    assert torch.equal(result[:, 1, 8:], result[:, 4, 8:])  # the row
    assert torch.equal(result[0, :, :8], sine_cosine_1d(5, 8))


def test_timm_builds_the_same_geometry() -> None:
    from vitviz.models.timm_door import timm

    theirs = timm.layers.build_sincos2d_pos_embed([3, 5], dim=16)
    ours = sine_cosine_2d(3, 5, 16)
    torch.testing.assert_close(theirs @ theirs.mT, ours @ ours.mT, rtol=1e-4, atol=1e-4)


def test_the_kind_is_told_whatever_the_order_and_scale() -> None:
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    assert sine_cosine_kind(sine_cosine_2d(4, 6, 32)[:, order] * 0.02, 4, 6) == "sine-cosine-2d"
    assert sine_cosine_kind(sine_cosine_1d(24, 32)[:, order] * 3, 4, 6) == "sine-cosine-1d"
    assert sine_cosine_kind(sine_cosine_2d(4, 6, 32), 6, 4) is None  # another grid
    assert sine_cosine_kind(torch.randn(24, 32, generator=torch.Generator().manual_seed(0)), 4, 6) is None


def test_channels_that_do_not_pair_are_refused() -> None:
    with pytest.raises(OptionError, match="even number of channels; got 5"):
        sine_cosine_1d(4, 5)
    with pytest.raises(OptionError, match="multiple of 4 channels; got 6"):
        sine_cosine_2d(2, 2, 6)
