"""What is observed is the module's own answer: proven when it is wrapped, and again when it was changed since."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import vitviz
from vitviz.analysis.lens import logit_lens
from vitviz.capture.fingerprint import Fingerprint
from vitviz.capture.proof import noise, plain_answer
from vitviz.errors import CaptureError, UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace import predict, trace

PIXELS = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(3))
OTHER = r"A plain call of mine answers -?\d[\d.e-]* \(output \d+, .*observes, answer -?\d[\d.e-]*: more than rounding"


def changed_class(module: nn.Module, **methods: Any) -> nn.Module:
    """Return a copy of a module whose class has other methods, as a subclass of one's own has."""
    made = copy.deepcopy(module)
    made.__class__ = type("Own", (type(module),), methods)
    return made


def pooled(self: Any, x: Tensor) -> Tensor:
    answer: Tensor = self.head(self.forward_features(x)[:, 1:].mean(1))
    return answer


def wrapped(module: nn.Module) -> ViT:
    return ViT.from_module(module, name="mine")


ORIGINAL: list[int] = []


def test_a_module_that_answers_something_else_is_refused_with_both_numbers(tiny_vit: nn.Module) -> None:
    own = changed_class(tiny_vit)
    bare = type(tiny_vit).forward
    own.__class__.forward = lambda self, x: bare(self, x) * (2 if [id(self)] == ORIGINAL else 1)  # type: ignore[assignment]
    ORIGINAL[:] = [id(own)]
    with pytest.raises(UnsupportedModelError, match=OTHER) as caught:
        wrapped(own)
    example = noise(own, (32, 32))
    answers = plain_answer(own, example)[0], plain_answer(tiny_vit, example)[0]
    found = re.search(r"answers (\S+) \(output (\d+), .* answer (\S+):", str(caught.value))
    assert found is not None
    told = torch.tensor([float(found[1]), float(found[3])])
    torch.testing.assert_close(told, torch.stack(answers)[:, int(found[2])], atol=1e-4, rtol=1e-4)


def root_hook(module: nn.Module) -> None:
    module.register_forward_hook(lambda _module, _inputs, output: output * 1.01)


def root_pre_hook(module: nn.Module) -> None:
    module.register_forward_pre_hook(lambda _module, inputs: (inputs[0] / 2,))


def own_forward(module: nn.Module) -> None:
    module.forward = lambda x: torch.zeros(len(x), 10)


def own_method(module: nn.Module) -> None:
    module.forward = MethodType(pooled, module)


def always_dropped(module: nn.Module) -> None:
    module.head_drop.forward = lambda x: nn.functional.dropout(x, 0.5, training=True)  # type: ignore[union-attr]


OUTSIDE = {"hook": root_hook, "pre-hook": root_pre_hook, "method": own_method}


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_runs_outside_of_its_halves_is_observed(case: str, tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    OUTSIDE[case](module)
    with torch.no_grad():
        wanted = module(PIXELS[None])[0]
    assert not torch.allclose(wanted, tiny_vit(PIXELS[None])[0], atol=1e-3)
    torch.testing.assert_close(trace(wrapped(module), PIXELS).logits, wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"), [(own_forward, OTHER), (always_dropped, "called again with the same picture it answers")]
)
def test_what_runs_outside_of_the_observed_path_is_refused(change: Any, said: str, tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    change(module)
    with pytest.raises(UnsupportedModelError, match=said):
        wrapped(module)


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda self, x: {"logits": x}, "answers a dict, but .* answer a tensor of shape"),
        (lambda self, x: x.mean((2, 3)), r"answers a tensor of shape \(1, 3\), but .* of shape \(1, 10\)"),
        (lambda self, x, y: x, "missing 1 required positional argument: 'y'.*cannot be compared"),
    ],
)
def test_other_kinds_of_answers_are_refused(forward: Any, said: str, tiny_vit: nn.Module) -> None:
    with pytest.raises(UnsupportedModelError, match=said):
        wrapped(changed_class(tiny_vit, forward=forward))


def test_a_forward_of_its_own_that_answers_the_same_is_observed(tiny_vit: nn.Module) -> None:
    def timed(self: Any, x: Tensor) -> Any:
        return self.forward_head(self.forward_features(x))

    own = changed_class(tiny_vit, forward=timed)
    assert torch.equal(trace(wrapped(own), PIXELS).logits, trace(wrapped(tiny_vit), PIXELS).logits)  # type: ignore[arg-type]


def test_code_replaced_on_a_part_is_observed(tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    block: Any = module.blocks[0]  # type: ignore[index]
    block.forward = MethodType(lambda self, x: x + self.attn(self.norm1(x)), block)  # without its second half
    vit = wrapped(module)
    with torch.no_grad():
        torch.testing.assert_close(trace(vit, PIXELS).logits, module(PIXELS[None])[0], atol=1e-5, rtol=1e-5)


def test_a_classifier_of_zeros_hides_nothing(tiny_vit: nn.Module) -> None:
    untrained = copy.deepcopy(tiny_vit)
    nn.init.zeros_(untrained.head.weight)  # type: ignore[union-attr, arg-type]
    assert wrapped(untrained).layers == 2
    averaged = wrapped(changed_class(untrained, forward=pooled))
    wanted = averaged.module.forward_features(PIXELS[None])[0, 1:].mean(0)  # type: ignore[operator]
    torch.testing.assert_close(trace(averaged, PIXELS).embedding, wanted)


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "head exchanged": (lambda m: setattr(m, "head", nn.Linear(32, 10)), "Changed: head. "),
    "head of five": (lambda m: setattr(m, "head", nn.Linear(32, 5)), r"Changed: head. .*shape \(1, 5\)"),
    "hook": (
        lambda m: m.blocks[0].mlp.fc2.register_forward_hook(lambda *a: a[2] * 0),
        "forward hooks of blocks.0.mlp.fc2",
    ),
    "pre-hook": (lambda m: m.norm.register_forward_pre_hook(lambda *a: (a[1][0] * 0,)), "forward pre hooks of norm"),
    "forward": (lambda m: setattr(m, "forward", lambda x: x.new_zeros(len(x), 10)), "forward of the module"),
    "forward of a part": (lambda m: setattr(m.blocks[0], "forward", lambda x: x), "forward of blocks.0"),
    "class": (lambda m: setattr(m, "__class__", type("Own", (type(m),), {"forward": pooled})), "class of the module"),
    "pooling": (lambda m: setattr(m, "global_pool", "avg"), "global_pool of the module"),
    "block swapped": (lambda m: m.blocks.__setitem__(0, copy.deepcopy(m.blocks[1])), "Changed: blocks.0. "),
    "block added": (lambda m: m.blocks.append(copy.deepcopy(m.blocks[1])), "Changed: blocks.2. "),
    "parametrised": (lambda m: parametrizations.spectral_norm(m.head), "head.parametrizations.*cannot be compared"),
    "pruned": (lambda m: prune.l1_unstructured(m.head, "weight", 0.5), "weight_orig of head"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_module_changed_after_wrapping_is_told_by_every_function(case: str, tiny_vit: nn.Module) -> None:
    change, said = CHANGES[case]
    module = copy.deepcopy(tiny_vit)
    vit = wrapped(module)
    before = trace(vit, PIXELS)
    change(module)
    for call in (
        lambda: trace(vit, PIXELS),
        lambda: predict(vit, PIXELS[None]),
        lambda: vitviz.attribute("occlusion", vit, PIXELS),
        lambda: vitviz.attribute("rollout", vit, PIXELS),
        lambda: vitviz.receptive_field(vit, PIXELS),
        lambda: logit_lens(vit, before),
    ):
        with pytest.raises(CaptureError, match=f"mine was changed after it was wrapped: wrap it again .*{said}"):
            call()


UNCHANGED: dict[str, Callable[[Any], Any]] = {
    "train": lambda m: m.train(),
    "hook that looks": lambda m: m.blocks[0].register_forward_hook(lambda *_: None),
    "weights in place": lambda m: m.head.weight.data.add_(1),
    "weights by an optimiser's step": lambda m: torch.no_grad()(m.head.weight.add_)(1),
    "weights loaded": lambda m: m.load_state_dict({k: v * 1.1 for k, v in m.state_dict().items()}),
    "weights assigned": lambda m: m.load_state_dict({k: v * 1.1 for k, v in m.state_dict().items()}, assign=True),
    "parameter replaced": lambda m: setattr(m.head, "weight", nn.Parameter(torch.ones(10, 32))),
    "double": lambda m: m.double(),
    "frozen": lambda m: m.requires_grad_(False),
    "compiled in place": lambda m: m.compile(),
    "a note": lambda m: setattr(m, "remark", "epoch 3"),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")  # of torch's compiler itself
@pytest.mark.parametrize("case", UNCHANGED)
def test_changes_that_keep_the_answers_equal_are_followed(case: str, tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    vit = wrapped(module)
    trace(vit, PIXELS)
    UNCHANGED[case](module)
    found = trace(vit, PIXELS).logits
    wanted = plain_answer(module, PIXELS[None].to(next(module.parameters()).dtype))[0]
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_a_part_that_opens_later_is_noticed(tiny_vit: nn.Module) -> None:
    """Weights can hide a difference too: what counts is proven again when they change."""
    module: Any = changed_class(
        tiny_vit, forward=lambda self, x: self.forward_head(self.forward_features(x)) + self.gate
    )
    module.gate = nn.Parameter(torch.zeros(()))
    vit = wrapped(module)
    trace(vit, PIXELS)
    with torch.no_grad():
        module.gate.fill_(1)
    with pytest.raises(CaptureError, match="Changed: gate of the module"):
        trace(vit, PIXELS)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")  # of torch's compiler itself
@pytest.mark.parametrize("kind", ["train", "half", "bfloat16", "inference", "quantised", "compiled in place", "tied"])
def test_modules_in_any_state_answer_as_they_do_themselves(kind: str, build_vit: Any) -> None:
    with torch.inference_mode(kind == "inference"):
        module = build_vit(proj_drop_rate=0.5, attn_drop_rate=0.5, drop_path_rate=0.5)
    if kind == "quantised":
        with warnings.catch_warnings(action="ignore"):
            module = torch.ao.quantization.quantize_dynamic(module, {nn.Linear})
    elif kind == "tied":
        module.blocks[1].mlp = module.blocks[0].mlp
    else:
        {
            "train": module.train,
            "half": module.half,
            "bfloat16": module.bfloat16,
            "compiled in place": module.compile,
        }.get(kind, module.eval)()
    mode = [part.training for part in module.modules()]
    vit = wrapped(module)
    assert [part.training for part in module.modules()] == mode
    found = trace(vit, PIXELS)
    wanted = plain_answer(module, PIXELS[None].to(next(module.parameters()).dtype))[0]
    torch.testing.assert_close(found.logits, wanted.float(), atol=0.02, rtol=0.02)
    assert [part.training for part in module.modules()] == mode


def hooked_wrapper(module: nn.Module) -> nn.Module:
    made = nn.DataParallel(module)
    made.register_forward_hook(lambda *_: None)
    return made


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (hooked_wrapper, "The DataParallel around the model has forward hooks of its own"),
        (lambda m: copy.deepcopy(m).to("meta"), "on the meta device and have no values"),
    ],
)
def test_wrappers_and_empty_weights_are_refused_by_name(make: Any, said: str, tiny_vit: nn.Module) -> None:
    with pytest.raises(UnsupportedModelError, match=said):
        wrapped(make(tiny_vit))


def test_an_unchanged_module_is_called_no_more(tiny_vit: nn.Module) -> None:
    module = copy.deepcopy(tiny_vit)
    calls: list[int] = []
    module.register_forward_hook(lambda *_: calls.append(1))
    vit = wrapped(module)
    assert len(calls) == 1  # the proof
    for _ in range(3):
        trace(vit, PIXELS)
        predict(vit, PIXELS[None])
    assert len(calls) == 1
    module.train()
    trace(vit, PIXELS)
    assert len(calls) == 1  # the mode is not part of what is observed


def test_the_fingerprint_names_what_was_changed(tiny_vit: nn.Module) -> None:
    module: Any = copy.deepcopy(tiny_vit)
    fingerprint = Fingerprint(module)
    assert fingerprint.holds(module)
    assert fingerprint.changes(module) == []
    assert not fingerprint.holds(copy.deepcopy(module))
    module.blocks[1].attn = copy.deepcopy(module.blocks[1].attn)
    module.remark = 1
    assert not fingerprint.holds(module)
    assert sorted(fingerprint.changes(module)) == ["blocks.1.attn", "remark of the module"]
