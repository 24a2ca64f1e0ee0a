"""The shell computes the same with the same weights and shares nothing else with the module."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn

from vitviz.capture.edit import Edit
from vitviz.capture.shell import refuse_scripted, shell_of
from vitviz.errors import UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace import trace


def pixels() -> Tensor:
    return torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_it_computes_the_same_from_the_same_memory(tiny_vit: nn.Module) -> None:
    shell = shell_of(tiny_vit)
    assert torch.equal(shell(pixels()), tiny_vit(pixels()))
    pairs = zip(shell.parameters(), tiny_vit.parameters(), strict=True)
    assert all(one is other for one, other in pairs)
    assert not {id(part) for part in shell.modules()} & {id(part) for part in tiny_vit.modules()}
    assert [name for name, _ in shell.named_modules()] == [name for name, _ in tiny_vit.named_modules()]


def test_hooks_on_it_are_not_on_the_module(tiny_vit: nn.Module) -> None:
    shell = shell_of(tiny_vit)
    called: list[int] = []
    for part in shell.modules():
        part.register_forward_hook(lambda *_: called.append(0))
        part.register_forward_pre_hook(lambda *_: called.append(0), with_kwargs=False)
    tiny_vit(pixels())
    assert called == []


def test_it_is_in_eval_mode_with_fused_attention_whatever_the_module_is(tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit).train()
    for block in module.blocks:  # type: ignore[union-attr]
        block.attn.fused_attn = False  # type: ignore[union-attr]
    shell = shell_of(module)
    assert not any(part.training for part in shell.modules())
    assert all(block.attn.fused_attn for block in shell.blocks)  # type: ignore[union-attr]
    assert all(part.training for part in module.modules())
    assert not any(block.attn.fused_attn for block in module.blocks)  # type: ignore[union-attr]


def test_a_part_used_twice_stays_one_part() -> None:
    part = nn.Linear(2, 2)
    shell = shell_of(nn.ModuleDict({"one": part, "two": nn.Sequential(part)}))
    assert shell["one"] is shell["two"][0]  # type: ignore[index]


def test_gradient_checkpointing_does_not_bypass_an_edit(tiny_vit: nn.Module) -> None:
    """A block that is computed again during the backward pass would be computed without the edit."""
    module = copy.deepcopy(tiny_vit)
    module.set_grad_checkpointing(True)  # type: ignore[operator]
    edit = Edit(temperature={0: 3.0, 1: 0.5}, ablate_heads=[(1, 0)])
    found = trace(ViT.from_module(module), pixels()[0], target=1, edit=edit)
    wanted = trace(ViT.from_module(tiny_vit), pixels()[0], target=1, edit=edit)
    for layer in range(2):
        assert torch.equal(found.attention_gradient(layer), wanted.attention_gradient(layer))
    assert module.grad_checkpointing


def test_a_module_compiled_in_place_is_read_as_plain_code(tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    module.compile(backend="eager")
    found = trace(ViT.from_module(module), pixels()[0])
    assert torch.equal(found.attention(1), trace(ViT.from_module(tiny_vit), pixels()[0]).attention(1))
    assert module._compiled_call_impl is not None


def test_scripted_and_traced_modules_are_refused() -> None:
    module = nn.Sequential(nn.Linear(2, 2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that scripting will go
        others = [torch.jit.script(module), torch.jit.trace(module, torch.zeros(1, 2))]
    for other in others:
        said = f"The model is a {type(other).__name__} of torch.jit; wanted a plain nn.Module.*from before torch.jit,"
        with pytest.raises(UnsupportedModelError, match=said):
            ViT.from_module(other)
        with pytest.raises(UnsupportedModelError, match=said):
            shell_of(nn.Sequential(other))  # also as a part
    refuse_scripted(module)
