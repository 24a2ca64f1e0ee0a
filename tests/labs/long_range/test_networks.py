"""What the CNNs can compare: any two cells of one field, and no others. Their answer adds up what fields hold."""

import pytest
import torch

from vitviz.labs.long_range import evaluate, networks
from vitviz.labs.long_range.contents import CELL_PIXELS, COLUMNS, IMAGE_SIZE, ROWS
from vitviz.labs.long_range.counting import LONGEST
from vitviz.labs.long_range.train import NEAR

ROW = 1


def together(name, distance):
    """Return how far the answer to two cells is from the sum of what they do alone: (answer,)."""
    network = networks.build(name, answers=4, seed=3).double()
    generator = torch.Generator().manual_seed(0)
    ground = torch.rand(1, 3, *IMAGE_SIZE, generator=generator, dtype=torch.float64)
    other = torch.rand(1, 3, *IMAGE_SIZE, generator=generator, dtype=torch.float64)
    logits = []
    for columns in ((), (0,), (distance,), (0, distance)):
        pixels = ground.clone()
        for column in columns:
            cell = (..., slice(ROW * CELL_PIXELS, (ROW + 1) * CELL_PIXELS))
            cell += (slice(column * CELL_PIXELS, (column + 1) * CELL_PIXELS),)
            pixels[cell] = other[cell]
        logits.append(network.answers(pixels)[0][0])
    nothing, first, second, both = logits
    return both - first - second + nothing


@pytest.mark.parametrize("distance", range(1, COLUMNS))
def test_the_small_field_adds_up_what_lies_in_no_window_together(distance):
    rest = together("limited", distance).abs().max()
    if distance * CELL_PIXELS < evaluate.field_of(networks.build("limited", answers=4)):
        assert rest > 1e-8
    else:
        assert rest < 1e-12


@pytest.mark.parametrize("distance", range(1, COLUMNS))
def test_the_large_field_compares_at_every_distance(distance):
    assert together("large", distance).abs().max() > 1e-8


@pytest.mark.parametrize("task", [2, 4])
def test_the_networks_are_of_one_size(task):
    sizes = [networks.parameters(networks.build(name, answers=task)) for name in networks.BUILDERS]
    assert max(sizes) / min(sizes) < 1.02


def test_the_reach_is_what_the_field_holds_and_pictures_are_drawn_for_it():
    for name in networks.BUILDERS:
        network = networks.build(name, answers=2)
        field = evaluate.field_of(network) or COLUMNS * CELL_PIXELS
        assert network.reach == min(field // CELL_PIXELS, COLUMNS) - 1
        assert network.reach in (NEAR, LONGEST)


def test_a_couple_at_the_edge_lies_in_as_many_windows_of_the_small_field_as_one_in_the_middle():
    network = networks.build("limited", answers=2)
    maps = network.features(torch.zeros(1, 3, *IMAGE_SIZE))
    assert maps.shape[-2:] == (ROWS + 2, COLUMNS + 2)
    assert network.answers(torch.zeros(1, 3, *IMAGE_SIZE))[1].shape == (1, ROWS * COLUMNS)


def test_the_fields_are_those_of_their_dilations():
    for name, dilations in (("limited", (1,)), ("large", (1, 2, 4))):
        field = evaluate.field_of(networks.build(name, answers=2))
        assert field == CELL_PIXELS * (1 + 2 * sum(dilations))
