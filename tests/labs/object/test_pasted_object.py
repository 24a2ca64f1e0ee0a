"""A small object on a real picture: closed forms where the model is linear, what grows, and what is refused."""

import numpy as np
import pytest
import torch

from vitviz.errors import OptionError, StoppedError
from vitviz.labs.object import pasted_object
from vitviz.labs.object.detector import Detector
from vitviz.labs.object.pasted_object import default_sizes, run
from vitviz.models.vit import ViT

AIM = Detector(brightness=0.2, noise=0.1)


@pytest.fixture(scope="module")
def vit(tiny_vit):
    return ViT.from_module(tiny_vit)


@pytest.fixture(scope="module")
def picture(vit):
    return torch.rand(3, *vit.image_size, generator=torch.Generator().manual_seed(3)) - 0.5


@pytest.fixture(scope="module")
def experiment(vit, picture):
    return run(vit, picture, patch=5, sizes=(1, 2, 4, 8, 16), detector=AIM, samples=16)


def test_at_the_input_the_change_is_the_embedding_of_the_square(experiment, vit):
    """The patch embedding is linear: a square of s pixels adds Δ / std times the sum of its filters over the square."""
    filters = vit.module.patch_embed.proj.weight.detach().double()  # (channel, 3, 8, 8)
    filters = filters / torch.tensor(vit.std)[:, None, None]
    left, top, right, bottom = (int(each) % 8 for each in experiment.boxes[1])
    wanted = AIM.brightness * filters[:, :, top:bottom, left:right].sum((1, 2, 3)).norm()
    whole = AIM.brightness * filters.sum((1, 2, 3)).norm()
    measured = experiment.object_change[:, 0]
    assert measured[1] / measured[3] == pytest.approx(float(wanted / whole), rel=1e-4)
    assert measured[4] == pytest.approx(measured[3], rel=1e-4)  # more than the patch it cannot cover


def test_at_the_input_noise_moves_the_token_by_the_size_of_its_filters(vit, picture):
    """Root mean square of the change: σ · √(Σ filter² / std²), within its sampling error."""
    result = run(vit, picture, patch=5, sizes=(8,), detector=AIM, samples=40)
    std = torch.tensor(vit.std)[:, None, None]
    filters = vit.module.patch_embed.proj.weight.detach().double()
    size = AIM.noise * float((filters / std).square().sum().sqrt())
    whole = AIM.brightness * float((filters / std).sum((1, 2, 3)).norm())
    measured = np.sqrt((result.noise_change[:, 0] ** 2).mean()) / result.object_change[0, 0]
    assert measured == pytest.approx(size / whole, rel=0.12)


def test_tables_have_a_row_an_object_or_sample_and_a_column_a_layer(experiment, vit):
    assert experiment.object_change.shape == experiment.signal_to_noise.shape == (5, vit.layers + 1)
    assert experiment.noise_change.shape == (16, vit.layers + 1)
    assert experiment.read_change.shape == (5,)
    assert (experiment.read_change >= -1e-12).all()
    assert (experiment.object_change > 0).all()
    assert experiment.boxes[3] == (8, 8, 16, 16)  # patch 5 of 4 × 4 is row 1, column 1


def test_twice_the_brightness_is_twice_the_ratio_at_the_input(vit, picture, experiment):
    other = Detector(brightness=0.4, noise=0.1)
    double = run(vit, picture, patch=5, sizes=(1, 2, 4, 8, 16), detector=other, samples=16)
    assert np.allclose(double.signal_to_noise[:, 0], 2 * experiment.signal_to_noise[:, 0], rtol=1e-3)


def test_the_smallest_object_is_read_off_between_two_sizes():
    table = np.array([[1.0], [4.0], [16.0]])
    made = pasted_object.PastedObject(0, (1, 2, 4), (), 1, table, table, table, np.zeros(3), np.zeros(3))
    assert made.smallest(0, 8.0) == pytest.approx(2 * 2**0.5)
    assert made.smallest(0, 0.5) == 1.0
    assert made.smallest(0, 17.0) is None
    assert made.slope(0, 4) == pytest.approx(2.0)
    assert np.isnan(made.slope(0, 1))


def test_on_a_corner_a_quarter_of_the_square_lies_in_the_token(vit, picture):
    one = Detector(brightness=0.2, noise=0.1, alignment="corner")
    corner = run(vit, picture, patch=5, sizes=(4,), detector=one, samples=2)
    assert corner.boxes == ((14, 14, 18, 18),)
    last = run(vit, picture, patch=15, sizes=(4,), detector=one, samples=2)
    assert last.boxes == ((22, 22, 26, 26),)  # the last patch has a corner on the other side only


def test_a_bright_ground_gets_a_dark_object(vit):
    assert run(vit, torch.ones(3, 32, 32), sizes=(4,), samples=2).sign == -1
    assert run(vit, -torch.ones(3, 32, 32), sizes=(4,), samples=2).sign == 1


def test_sizes_reach_twice_the_patch(vit):
    assert default_sizes(vit) == (1, 2, 3, 4, 6, 8, 16)  # the patch's own size among them


def test_progress_counts_every_pass_and_can_stop(vit, picture):
    seen = []
    run(vit, picture, sizes=(2, 4), samples=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(1, 7)]
    with pytest.raises(StoppedError):
        run(vit, picture, sizes=(2,), progress=lambda done, total: False)


@pytest.mark.parametrize(("options", "message"), [
    ({"patch": 16}, "Patch 16 does not exist"),
    ({"sizes": ()}, "0 sizes were asked for; wanted at least two samples and one size"),
    ({"samples": 1}, "1 samples of noise"),
    ({"sizes": (40,)}, "40 pixels does not fit there into a picture of 32"),
    ({"sizes": (0,)}, "An object of 0 pixels does not fit"),
])  # fmt: skip
def test_messages(vit, picture, options, message):
    with pytest.raises(OptionError, match=message):
        run(vit, picture, **options)
