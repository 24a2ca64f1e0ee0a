"""The drop curve against answers found by hand, one pass at a time; ends, orders, messages."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.families import noise
from vitviz.analysis.drop_curve import drop_curve
from vitviz.analysis.patch_changes import change_patches
from vitviz.errors import OptionError, StoppedError
from vitviz.models.vit import ViT
from vitviz.trace import predict, trace

PIXELS = noise((24, 40))


def probability(vit: ViT, patches: list[int], change: str, answer: int) -> float:
    logits = change_patches(vit, PIXELS, patches, change).logits
    assert logits is not None
    return float(logits.softmax(-1)[answer])


@pytest.mark.parametrize("change", ["black", "removed"])
def test_every_step_is_one_pass_without_these_patches(wide: ViT, change: str) -> None:
    whole = trace(wide, PIXELS)
    answer = whole.top(1)[0][0]
    curves = drop_curve(wide, PIXELS, shares=(0.4, 0, 1), replacement=change, draws=2, seed=5)
    attention = whole.attention_row(1, "class").mean(0)[1:]
    order = torch.sort(attention, descending=True, stable=True).indices.tolist()
    last = 14 if change == "removed" else 15
    assert curves.fractions.tolist() == [0, 6 / 15, last / 15]
    for curve, patches in ((curves.most_attended, order), (curves.least_attended, order[::-1])):
        by_hand = [probability(wide, patches[:count], change, answer) for count in (0, 6, last)]
        assert curve == pytest.approx(by_hand, abs=1e-5)
    draws = np.random.default_rng(5)
    chance = [
        [probability(wide, list(one[:count]), change, answer) for count in (0, 6, last)]
        for one in (draws.permutation(15), draws.permutation(15))
    ]
    assert curves.random.mean == pytest.approx(np.mean(chance, 0), abs=1e-5)
    spread = 1.96 * np.std(chance, 0, ddof=1)
    assert curves.random.high - curves.random.low == pytest.approx(2 * spread, abs=1e-5)
    assert curves.random.maps == 2
    np.testing.assert_allclose(curves.attention.ravel(), attention.numpy(), atol=1e-6)


def test_all_orders_start_at_the_plain_answer_and_end_at_the_same_picture(vit: ViT) -> None:
    pixels = noise((32, 32))
    curves = drop_curve(vit, pixels, target=3, shares=(0, 0.5, 1), draws=3)
    plain = float(predict(vit, pixels[None]).softmax(-1)[0, 3])
    for curve in (curves.most_attended, curves.least_attended, curves.random.mean):
        assert curve[0] == pytest.approx(plain, abs=1e-5)
        assert curve[-1] == pytest.approx(curves.most_attended[-1], abs=1e-5)
    assert curves.random.low[0] == pytest.approx(curves.random.high[0], abs=1e-5)
    assert (curves.target.class_index, curves.replacement) == (3, "black")


def test_a_model_without_classifier_is_scored_by_what_sets_the_image_apart(build_vit, wide: ViT) -> None:  # type: ignore[no-untyped-def]
    model = ViT.from_module(build_vit(num_classes=0, class_token=False, global_pool="avg"))
    pixels = noise((32, 32))
    curves = drop_curve(model, pixels, shares=(0, 0.5), draws=2, batch_size=3)
    whole = trace(model, pixels).embedding
    assert curves.target.label == "what sets the image apart from its mean colour"
    assert curves.most_attended[0] == pytest.approx(float(curves.target.score(None, whole)), rel=1e-4)
    assert "where the patches look on average" in curves.attends


def test_the_numbers_do_not_depend_on_the_batch_and_the_work_can_be_stopped(wide: ViT) -> None:
    options = {"shares": (0.2, 0.7), "draws": 2, "replacement": "removed"}
    steps: list[tuple[int, int]] = []
    one = drop_curve(wide, PIXELS, batch_size=1, **options)  # type: ignore[arg-type]
    many = drop_curve(
        wide,
        PIXELS,
        batch_size=5,
        progress=lambda *step: steps.append(step),
        **options,  # type: ignore[arg-type]
    )
    assert many.random.mean == pytest.approx(one.random.mean, abs=1e-5)
    assert many.most_attended == pytest.approx(one.most_attended, abs=1e-5)
    assert steps == [(5, 8), (8, 8)]
    with pytest.raises(StoppedError, match="after 5 of 8 steps"):
        drop_curve(wide, PIXELS, batch_size=5, progress=lambda *step: False, **options)  # type: ignore[arg-type]


def test_options_out_of_range_are_told(wide: ViT) -> None:
    with pytest.raises(OptionError, match="draws is 1; wanted at least 2"):
        drop_curve(wide, PIXELS, draws=1)
    with pytest.raises(OptionError, match="shares must be numbers in a row"):
        drop_curve(wide, PIXELS, shares=(float("nan"),))
    for shares in ((), (0.5, 1.2)):
        with pytest.raises(OptionError, match="shares of dropped patches .* from 0 to 1"):
            drop_curve(wide, PIXELS, shares=shares)
    with pytest.raises(OptionError, match="Replacement 'shuffled' is unknown"):
        drop_curve(wide, PIXELS, replacement="shuffled")
    with pytest.raises(OptionError, match="Target class 10 does not exist"):
        drop_curve(wide, PIXELS, target=10)
