"""A forward pass leaves nothing behind, disturbs nobody, and refuses what is no picture for it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.overrides import _get_current_function_mode_stack

from vitviz.capture import tap
from vitviz.capture.edit import Edit
from vitviz.errors import CaptureError, GridError, ImageError, OptionError
from vitviz.models.vit import ViT
from vitviz.trace import Trace, predict, trace


def pixels(seed: int = 0, size: tuple[int, int] = (32, 32)) -> Tensor:
    return torch.randn(3, *size, generator=torch.Generator().manual_seed(seed))


def hooks_of(module: nn.Module) -> int:
    """Return the number of hooks of every kind on a module and all its parts."""
    kinds = [name for name in module.__dict__ if name.endswith("_hooks")]
    assert len(kinds) >= 6  # forward, backward, state dict …
    return sum(len(getattr(part, name)) for part in module.modules() for name in kinds)


def state_of(module: nn.Module) -> list[Any]:
    parts = [(part.training, getattr(part, "fused_attn", None), sorted(part.__dict__)) for part in module.modules()]
    parameters = [(parameter.requires_grad, parameter.grad, parameter.data_ptr()) for parameter in module.parameters()]
    return [parts, parameters, hooks_of(module)]


def assert_quiet() -> None:
    assert tap._active.stack == []
    assert _get_current_function_mode_stack() == []


def assert_same(one: Trace, other: Trace) -> None:
    assert one.logits is not None
    assert other.logits is not None
    assert torch.equal(one.logits, other.logits)
    for layer in range(-1, one.layers):
        assert torch.equal(one.residual(layer), other.residual(layer))
    for layer in range(one.layers):
        assert torch.equal(one.attention(layer), other.attention(layer))


@contextmanager
def failing(block: nn.Module) -> Iterator[None]:
    """Make the second linear layer of a block's network fail while its attention has already been recorded."""
    part = block.mlp.fc2  # type: ignore[union-attr]

    def fail(*_: Any) -> Tensor:
        raise RuntimeError("out of order")

    part.forward = fail
    try:
        yield
    finally:
        del part.forward


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("gradient", [False, True])
def test_nothing_stays_behind_after_success(tiny_vit: nn.Module, training: bool, gradient: bool) -> None:
    module = copy.deepcopy(tiny_vit).train(training).requires_grad_(gradient)
    before, mode = state_of(module), torch.is_grad_enabled()
    vit = ViT.from_module(module)
    trace(vit, pixels(), target=1, edit=Edit(temperature={0: 2}, ablate_heads=[(1, 1)], mask_tokens=[4]))
    predict(vit, pixels()[None])
    assert state_of(module) == before
    assert before[-1] == 0
    assert torch.is_grad_enabled() == mode
    assert_quiet()


def test_nothing_stays_behind_after_a_failure_inside_a_block(tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    before = state_of(module)
    vit = ViT.from_module(module)
    right = trace(vit, pixels(), target=1)
    with failing(vit.shell.blocks[1]):  # type: ignore[index]
        with pytest.raises(RuntimeError, match="out of order"):
            trace(vit, pixels(), target=1)
        with pytest.raises(RuntimeError, match="out of order"):
            predict(vit, pixels()[None])
    assert state_of(module) == before
    assert_quiet()
    assert_same(trace(vit, pixels(), target=1), right)
    assert vit.lock.acquire(blocking=False)
    vit.lock.release()


def test_a_hook_of_the_user_s_own_stays_and_is_called(tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    called: list[int] = []
    module.blocks[0].register_forward_hook(lambda *_: called.append(0))  # type: ignore[index]
    vit = ViT.from_module(module)
    called.clear()
    trace(vit, pixels())
    assert called == [0]
    assert hooks_of(module) == 1


def test_tracing_works_where_gradients_are_switched_off(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    wanted = trace(vit, pixels(), target=2)
    with torch.no_grad():
        traced = trace(vit, pixels(), target=2)
    with torch.inference_mode():
        inside = trace(vit, pixels(), target=2)
    assert torch.equal(traced.attention_gradient(0), wanted.attention_gradient(0))
    assert torch.equal(inside.attention_gradient(0), wanted.attention_gradient(0))


def run_together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run jobs in threads that start at the same moment and return their results in order."""
    start = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def work(index: int) -> None:
        start.wait()
        results[index] = jobs[index]()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_threads_on_one_model_see_each_its_own_picture(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    edit = Edit(ablate_heads=[(0, 0)], mask_tokens=[3])
    alone = [trace(vit, pixels(1)), trace(vit, pixels(2), edit=edit)]
    for _ in range(5):
        result = run_together(lambda: trace(vit, pixels(1)), lambda: trace(vit, pixels(2), edit=edit))
        assert_same(result[0], alone[0])
        assert_same(result[1], alone[1])


def test_two_models_that_share_a_module_run_at_the_same_time(tiny_vit: nn.Module, wide_vit: nn.Module) -> None:
    first, second, other = (ViT.from_module(tiny_vit), ViT.from_module(tiny_vit), ViT.from_module(wide_vit))
    edit = Edit(temperature={1: 0.5})
    alone = [trace(first, pixels(1)), trace(second, pixels(2), edit=edit), trace(other, pixels(3, (24, 40)))]
    for _ in range(5):
        result = run_together(
            lambda: trace(first, pixels(1)),
            lambda: trace(second, pixels(2), edit=edit),
            lambda: trace(other, pixels(3, (24, 40))),
        )
        for one, wanted in zip(result, alone, strict=True):
            assert_same(one, wanted)
    assert_quiet()


def test_a_trace_inside_another_is_as_if_alone(tiny_vit: nn.Module, register_vit: nn.Module) -> None:
    inner_vit = ViT.from_module(register_vit)
    module = copy.deepcopy(tiny_vit)
    inside: list[Trace] = []
    edit = Edit(temperature={0: 3.0})
    wanted_outer, wanted_inner = (trace(ViT.from_module(module), pixels(1), edit=edit), trace(inner_vit, pixels(2)))
    handle = module.blocks[1].mlp.register_forward_hook(  # type: ignore[union-attr]
        lambda *_: inside.append(trace(inner_vit, pixels(2)))
    )
    vit = ViT.from_module(module)
    handle.remove()
    inside.clear()
    assert_same(trace(vit, pixels(1), edit=edit), wanted_outer)
    assert len(inside) == 1
    assert_same(inside[0], wanted_inner)
    assert trace(vit, pixels(1)).pool_calls == ()


@pytest.mark.parametrize(("part", "what"), [("blocks.1.attn.qkv.weight", "features"), ("norm.weight", "features")])
def test_weights_that_are_not_numbers_are_an_error(tiny_vit: nn.Module, part: str, what: str) -> None:
    module = copy.deepcopy(tiny_vit)
    with torch.no_grad():
        module.get_parameter(part).view(-1)[0] = float("nan")
    with pytest.raises(CaptureError, match=f"The {what} of VisionTransformer are NaN or infinite"):
        trace(ViT.from_module(module), pixels())


def test_a_module_that_was_changed_after_wrapping_is_an_error(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(copy.deepcopy(tiny_vit))
    vit.shell.blocks[1].attn.forward = lambda x, **_: x  # type: ignore[index]
    with pytest.raises(CaptureError, match=r"\(2, 0\) heads .* wanted \(2, 2\).*wrap it again"):
        trace(vit, pixels())


def test_changed_weights_are_seen_at_once(tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    vit = ViT.from_module(module)
    before = trace(vit, pixels()).attention(0)
    with torch.no_grad():
        module.blocks[0].attn.qkv.weight.mul_(0)  # type: ignore[index]
        module.blocks[0].attn.qkv.bias.mul_(0)  # type: ignore[index]
    after = trace(vit, pixels()).attention(0)
    torch.testing.assert_close(after, torch.full_like(before, 1 / 17))
    assert (before - 1 / 17).abs().max() > 0.1


def test_a_half_precision_model_is_traced_in_its_own_precision_and_read_in_single(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(copy.deepcopy(tiny_vit).bfloat16())
    traced = trace(vit, pixels(), target=0)
    assert vit.shell.blocks[0].attn.qkv.weight.dtype == torch.bfloat16  # type: ignore[union-attr, index]
    assert traced.queries(0).dtype == traced.residual(1).dtype == torch.float32
    assert traced.attention(0).dtype == traced.attention_gradient(0).dtype == torch.float32
    assert predict(vit, pixels()[None]).dtype == torch.float32
    wanted = trace(ViT.from_module(tiny_vit), pixels()).attention(0)
    torch.testing.assert_close(traced.attention(0), wanted, rtol=0, atol=0.05)


def test_a_path_a_picture_and_its_input_are_the_same_image(tiny_vit: nn.Module, tmp_path: Path) -> None:
    vit = ViT.from_module(tiny_vit)
    picture = Image.effect_mandelbrot((80, 60), (-2, -1, 1, 1), 50).convert("RGB")
    picture.save(tmp_path / "photo.png")
    wanted = trace(vit, picture)
    assert_same(trace(vit, tmp_path / "photo.png"), wanted)
    assert_same(trace(vit, str(tmp_path / "photo.png")), wanted)
    assert_same(trace(vit, vit.preprocess(picture)), wanted)
    assert torch.equal(wanted.pixels, vit.preprocess(picture))


def test_a_picture_with_transparency_is_the_same_opened_or_given(tiny_vit: nn.Module, tmp_path: Path) -> None:
    vit = ViT.from_module(tiny_vit)
    picture = Image.new("RGBA", (64, 64), (200, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (10, 10, 40, 40))
    picture.save(tmp_path / "cut-out.png")
    assert_same(trace(vit, picture), trace(vit, tmp_path / "cut-out.png"))


def test_wrong_pictures_and_edits_are_refused(tiny_vit: nn.Module, tmp_path: Path) -> None:
    vit = ViT.from_module(tiny_vit)
    with pytest.raises(GridError, match=r"shape \(3, 16, 16\); wanted \(3, 32, 32\)"):
        trace(vit, torch.zeros(3, 16, 16))
    with pytest.raises(GridError, match=r"batch has shape \(1, 1, 3, 32, 32\); wanted \(image, 3, 32, 32\)"):
        predict(vit, torch.zeros(1, 1, 3, 32, 32))
    with pytest.raises(GridError, match=r"shape \(3, 16, 16\); wanted \(3, 32, 32\)"):
        predict(vit, torch.zeros(3, 16, 16))
    assert torch.equal(predict(vit, torch.zeros(3, 32, 32)), predict(vit, torch.zeros(1, 3, 32, 32)))
    with pytest.raises(ImageError, match="no picture at"):
        trace(vit, tmp_path / "none.png")
    for edit, said in [
        (Edit(temperature={2: 2.0}), "Layer 2 does not exist; there are 2"),
        (Edit(ablate_heads=[(0, 2)]), "Head 2 does not exist; there are 2"),
        (Edit(ablate_heads=[(-1, 0)]), "Layer -1 does not exist"),
        (Edit(mask_tokens=[17]), "Token 17 does not exist; there are 17"),
        (Edit(mask_tokens=range(17)), "All 17 tokens are masked"),
        (Edit(mask_tokens=range(1, 17)), "All 16 patches are masked"),
    ]:
        with pytest.raises(OptionError, match=said):
            trace(vit, pixels(), edit=edit)
        with pytest.raises(OptionError, match=said):
            predict(vit, pixels()[None], edit=edit)


def test_masking_all_patches_but_one_leaves_a_picture_of_that_one(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    traced = trace(vit, pixels(), edit=Edit(mask_tokens=range(2, 17)))
    torch.testing.assert_close(traced.attention(1)[:, :, :2].sum(-1), torch.ones(2, 17))


def test_edits_can_be_combined(tiny_vit: nn.Module) -> None:
    """Ablating every head of a layer makes its temperature and its masks irrelevant."""
    vit = ViT.from_module(tiny_vit)
    heads = [(1, 0), (1, 1)]
    one = trace(vit, pixels(), edit=Edit(ablate_heads=heads))
    two = trace(vit, pixels(), edit=Edit(ablate_heads=heads, temperature={1: 7.0}))
    assert torch.equal(one.logits, two.logits)  # type: ignore[arg-type]
    assert torch.equal(one.residual(0), two.residual(0))
    assert (one.logits - trace(vit, pixels()).logits).abs().max() > 1e-3  # type: ignore[operator]
