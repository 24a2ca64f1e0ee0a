"""A private copy of a model's module tree that shares every parameter with the original.

Forward hooks on a shared module are seen by every thread and must be removed after every error. The shell has
module objects of its own and the original's tensors, so observers can stay on the shell for ever and the
user's module is never touched. Copying the objects of a ViT takes a few milliseconds and no weight memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from copy import copy as shallow
from copy import deepcopy
from typing import Any

from torch import nn

from vitviz.capture.rebinding import Rebinding
from vitviz.clause import Clause
from vitviz.errors import UnsupportedModelError

_WRAPPERS = {  # what runs another module as it is, on several devices or compiled: class, where the module is kept
    ("torch.nn.parallel.data_parallel", "DataParallel"): "module",
    ("torch.nn.parallel.distributed", "DistributedDataParallel"): "module",
    ("torch._dynamo.eval_frame", "OptimizedModule"): "_orig_mod",
}


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the module inside of DataParallel, DistributedDataParallel and torch.compile, however often wrapped.

    Raises UnsupportedModelError for a wrapper that has hooks of its own: they change what it answers.
    """
    while (kept := _kept_in(module)) is not None:
        module = getattr(module, kept)
    return module


def _kept_in(module: nn.Module) -> str | None:
    """Return under which name a wrapper of torch keeps the module that it runs; None for any other module."""
    kept = _WRAPPERS.get((type(module).__module__, type(module).__name__))
    if kept and any(vars(module).get(name) for name in ("_forward_hooks", "_forward_pre_hooks")):
        raise UnsupportedModelError(
            "The {kind} around the model has forward hooks of its own, which its answer may depend "
            "on; wanted a wrapper that only runs the model. Put them on the model inside of it.",
            kind=type(module).__name__,
        )
    return kept


class Passing(nn.Module):
    """What stands in a shell for a wrapper of torch: it runs the module inside, under the same name."""

    def __init__(self, name: str, inner: nn.Module) -> None:
        super().__init__()
        self.add_module(name, inner)
        self._name = name
        self.training = False

    def __getattr__(self, name: str) -> Any:
        """Return what the module inside has."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if "_name" not in self.__dict__:  # not made yet
                raise
            return getattr(self._modules[self._name], name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the module inside."""
        return self._modules[self._name](*args, **kwargs)  # type: ignore[misc]


def shell_of(module: nn.Module, memo: dict[int, nn.Module] | None = None) -> nn.Module:
    """Return a copy of the module tree that shares all parameters and buffers, in eval mode, fused attention on.

    Gradient checkpointing is off in the copy: recomputing a block during the backward pass would bypass the tap.
    Wrappers of torch (DataParallel, compile) only pass on; code that was put on an object speaks of the copy.

    Raises UnsupportedModelError for scripted modules, whose Python code cannot be observed.
    """
    memo = {} if memo is None else memo
    copy = _copy(module, memo)
    _rebind(memo)
    return copy


def copied_module(module: nn.Module) -> nn.Module:
    """Return a deep copy of a module, with weights of its own; code that was put on an object speaks of the copy.

    ``copy.deepcopy`` alone leaves functions as they are: a forward that closes over the module would run the original.
    """
    copy = deepcopy(module)
    _rebind(dict(zip(map(id, module.modules()), copy.modules(), strict=True)))
    return copy


def _rebind(copies: dict[int, nn.Module]) -> None:
    """Make the functions on some copies speak of the copies, which are given by the ``id`` of the original."""
    rebinding = Rebinding(copies)
    for part in list(copies.values()):
        for name, value in list(part.__dict__.items()):
            if isinstance(value, OrderedDict) and "_hooks" in name:
                part.__dict__[name] = OrderedDict((key, rebinding.of(hook)) for key, hook in value.items())
            elif name not in ("_modules", "_parameters", "_buffers"):
                part.__dict__[name] = rebinding.of(value)


def _copy(module: nn.Module, memo: dict[int, nn.Module]) -> nn.Module:
    if id(module) in memo:  # a submodule used twice must stay one object
        return memo[id(module)]
    if (kept := _kept_in(module)) is not None:
        memo[id(module)] = Passing(kept, _copy(getattr(module, kept), memo))
        return memo[id(module)]
    refuse_scripted(module)
    copy: nn.Module = module.__class__.__new__(module.__class__)
    memo[id(module)] = copy
    state: dict[str, Any] = dict(module.__dict__)  # _parameters and _buffers stay the same dicts: shared
    state["_modules"] = {name: None if child is None else _copy(child, memo) for name, child in module._modules.items()}
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


def refuse_scripted(module: nn.Module) -> None:
    """Raise UnsupportedModelError for a scripted, traced or exported module, and for what is no module."""
    place = type(module).__module__
    if place.startswith(("torch.jit", "torch._dynamo", "torch.fx", "torch.export")):
        raise UnsupportedModelError(
            "The model is a {kind} of {place}; wanted a plain nn.Module, because the Python code of scripted, traced "
            "and exported modules is gone and cannot be observed. Pass the module from before torch.jit, torch.fx or "
            "torch.export.",
            kind="GraphModule" if place.startswith("torch.fx") else type(module).__name__,
            place=".".join(place.split(".")[:2]),
        )
    if not isinstance(module, nn.Module):
        holds = isinstance(module, Mapping)
        raise UnsupportedModelError(
            "ViT.from_module was given {kind}; wanted a torch.nn.Module. {hint}",
            kind=Clause("the class {name}", name=module.__name__)
            if isinstance(module, type)
            else f"a {type(module).__name__}",
            hint="A state dict is loaded into an architecture: load_vit(name, weights=FILE)."
            if holds
            else "Build the model first, and pass it.",
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
