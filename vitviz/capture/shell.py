"""A private copy of a model's module tree that shares every parameter with the original.

Forward hooks on a shared module are seen by every thread and must be removed after every error. The shell has
module objects of its own and the original's tensors, so observers can stay on the shell for ever and the
user's module is never touched. Copying the objects of a ViT takes a few milliseconds and no weight memory.
"""

from __future__ import annotations

from collections import OrderedDict
from copy import copy as shallow
from types import MethodType
from typing import Any

from torch import nn

from vitviz.errors import UnsupportedModelError


def shell_of(module: nn.Module, memo: dict[int, nn.Module] | None = None) -> nn.Module:
    """Return a copy of the module tree that shares all parameters and buffers, in eval mode, fused attention on.

    Gradient checkpointing is off in the copy: recomputing a block during the backward pass would bypass the tap.

    Raises UnsupportedModelError for scripted and compiled modules, whose Python code cannot be observed.
    """
    refuse_compiled(module)
    memo = {} if memo is None else memo
    if id(module) in memo:  # a submodule used twice must stay one object
        return memo[id(module)]
    copy: nn.Module = module.__class__.__new__(module.__class__)
    memo[id(module)] = copy
    state: dict[str, Any] = dict(module.__dict__)  # _parameters and _buffers stay the same dicts: shared
    for name, value in state.items():
        if isinstance(value, OrderedDict) and "_hooks" in name:
            state[name] = OrderedDict(value)
        elif isinstance(value, MethodType) and value.__self__ is module:
            state[name] = MethodType(value.__func__, copy)  # code that was replaced on the object: the copy's own
    state["_modules"] = {
        name: None if child is None else shell_of(child, memo) for name, child in module._modules.items()
    }
    state["training"] = False
    state["_compiled_call_impl"] = None  # what module.compile() leaves behind; the plain code can be observed
    if "grad_checkpointing" in state:
        state["grad_checkpointing"] = False
    if "fused_attn" in state:
        state["fused_attn"] = True  # the tap reads the fused call; the original keeps its own setting
    if hasattr(state.get("config"), "_attn_implementation_internal"):  # where transformers keeps that setting
        state["config"] = fused_configuration(state["config"])
    copy.__dict__.update(state)
    return copy


def fused_configuration(config: Any) -> Any:
    """Return a copy of a configuration of transformers with fused attention, and nothing kept on the way."""
    fused = shallow(config)
    fused.__dict__["_attn_implementation_internal"] = "sdpa"
    for name in ("_output_attentions", "output_hidden_states"):
        if name in fused.__dict__:
            fused.__dict__[name] = False
    return fused


def refuse_compiled(module: nn.Module) -> None:
    """Raise UnsupportedModelError for a scripted, traced or compiled module."""
    if type(module).__module__.startswith(("torch.jit", "torch._dynamo")):
        raise UnsupportedModelError(
            f"The model is a {type(module).__name__}; wanted a plain nn.Module, because compiled and scripted code "
            "cannot be observed. Pass the module from before torch.compile or torch.jit.script."
        )


def private_shell(module: nn.Module) -> Any:
    """Return a shell whose parameters may be replaced and whose buffers may be overwritten: the original's stay."""
    shell = shell_of(module)
    for part in shell.modules():
        part.__dict__["_parameters"] = dict(part._parameters)
        part.__dict__["_buffers"] = {
            name: None if value is None else value.clone() for name, value in part._buffers.items()
        }
    return shell
