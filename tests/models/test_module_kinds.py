"""Every kind of module that people hand over is observed truthfully, or refused by name; none is touched."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import vitviz
from benchmarks import module_kinds
from benchmarks.modules import attending, pairs, prompted, running, wrapped
from benchmarks.modules.kinds import KINDS, Kind
from benchmarks.modules.measure import NO_GRADIENTS, built, measure, plain_row, state_of
from benchmarks.modules.research import Attention, Dino
from tests.promises.texts import CHANGELOG, ROOT
from vitviz.attribution import METHODS, Attribution
from vitviz.capture.edit import Edit
from vitviz.capture.shell import unwrapped
from vitviz.errors import UnsupportedModelError, VitvizError
from vitviz.labs.cost.vit_shape import shape_of
from vitviz.labs.parameters import dimensions_of
from vitviz.models.vit import ViT
from vitviz.trace import predict, trace

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler and quantiser themselves
    pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad:UserWarning"),  # torch's checkpointing
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore:flex_attention called without:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning"),
]
OBSERVED = [name for name, kind in KINDS.items() if not kind.refused]
REFUSED = [name for name, kind in KINDS.items() if kind.refused]
RARE = [name for part in (attending, pairs, prompted, running, wrapped) for name in part.KINDS]
CHOSEN = {
    "fused: causal", "fused: grouped keys", "torch's MultiheadAttention", "two attentions side by side in a block",
    "one query pools the tokens", "ensemble with a CNN", "backbone frozen under no_grad",
    "forward under inference_mode",
    "blocks that write into their tokens", "gradient checkpointing, reentrant", "low-rank adapters (PEFT)", "pruned",
    "weight norm", "wrapper of DataParallel", "a segmentation head",
}  # fmt: skip
"""Of the rare kinds those that all methods and copies are tried on."""
TRIED = [name for name in OBSERVED if name not in RARE or name in CHOSEN]
LOW = {"half precision": 2e-3, "bfloat16": 3e-2, "blocks in bfloat16": 3e-2, "autocast in its forward": 3e-2}
"""How far a fused and an unfused attention of these kinds are apart."""


def pixels_of(kind: Kind, vit: ViT, seed: int = 7) -> Tensor:
    return torch.randn(kind.channels, *vit.image_size, generator=torch.Generator().manual_seed(seed))


def test_the_table_and_the_changelog_tell_of_every_kind() -> None:
    """`python -m benchmarks.module_kinds --out benchmarks/results/module_kinds.md` makes the table anew."""
    written = (ROOT / "benchmarks/results/module_kinds.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (.+?) \| (observed|refused)", written, re.MULTILINE) == [
        (name, "refused" if kind.refused else "observed") for name, kind in KINDS.items()
    ]
    assert f"{len(KINDS)} kinds of modules tried, {len(OBSERVED)} observed" in written
    assert f"(`benchmarks/results/module_kinds.md`, {len(KINDS)})" in CHANGELOG
    assert set(TRIED) >= CHOSEN


@pytest.mark.parametrize("name", OBSERVED)
def test_an_observed_kind_answers_and_attends_as_it_does_itself(name: str) -> None:
    kind = KINDS[name]
    traced = measure(kind)
    assert traced.verdict == "observed"
    low = LOW.get(name.removesuffix(", fused attention off"))
    assert traced.logits <= (low or 1e-6)
    assert traced.maps <= (low or 2e-6)
    assert "changed" not in traced.remarks
    assert any(remark.startswith(NO_GRADIENTS) for remark in traced.remarks) != kind.gradients
    assert any(remark.startswith("no masked tokens") for remark in traced.remarks) != kind.masks


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_kind_is_told_why(name: str) -> None:
    module = built(KINDS[name], 0)
    before = state_of(module)
    with pytest.raises(UnsupportedModelError, match=KINDS[name].refused):
        ViT.from_module(module, name="mine")
    assert state_of(module) == before


@pytest.mark.parametrize("name", TRIED)
def test_every_method_serves_a_kind_or_tells_why_not(name: str) -> None:
    kind = KINDS[name]
    vit = ViT.from_module(built(kind, 0), name="mine")
    pixels = pixels_of(kind, vit)
    for method in METHODS:
        few = {knob.name: 4 for knob in method.knobs if knob.name in ("n_steps", "n_samples", "n_masks")}
        error, served = _served(lambda method=method, few=few: vitviz.attribute(method.name, vit, pixels, **few))
        assert served or re.search(TOLD, error), f"{method.name}: {error}"
        assert kind.gradients or not served or not method.needs_gradients
        assert kind.gradients or served or method.needs_gradients or "class token" in error


TOLD = "cannot give gradients|no class token|has a class token but|more than the tokens|last norm and head"


def _served(call: Callable[[], Attribution]) -> tuple[str, bool]:
    """Return the refusal, or that a map of finite numbers came back."""
    try:
        return "", bool(torch.isfinite(torch.as_tensor(call().values)).all())
    except VitvizError as error:
        return str(error), False


NO_MODULES: dict[str, Any] = {
    "given a dict; .*load_vit": {"head.weight": torch.zeros(1)},
    "given the class Linear; .*Build the model first": torch.nn.Linear,
    "given a str; wanted a torch.nn.Module": "vit",
    "given a NoneType; wanted": None,
}


@pytest.mark.parametrize("said", NO_MODULES)
def test_what_is_no_module_is_named(said: str) -> None:
    with pytest.raises(UnsupportedModelError, match=said):
        ViT.from_module(NO_MODULES[said])


def test_what_is_changed_between_and_inside_of_blocks_is_told() -> None:
    told = {name: ViT.from_module(built(KINDS[name], 0)).notes for name in RARE if not KINDS[name].refused}
    assert "before block 1: rollout does not know of it" in told["a long skip connection"][0]
    assert told["a convolution behind the MLP"][0].startswith("block 0, block 1 mixes tokens by more than attention")
    assert "made of more than the tokens of its last block" in told["ensemble with a CNN"][0]
    assert told["input from 0 to 255"][0].endswith("with values from 0 to 255")
    assert told["input moved and halved"][0].startswith("a picture needs a transform of your own")
    assert [name for name, notes in told.items() if "rollout does not know" in " ".join(notes)] == [
        "VPT, prompts exchanged before every block", "a long skip connection", "a convolution behind the MLP"
    ]  # fmt: skip


def test_tokens_that_blocks_write_into_are_kept_as_they_were() -> None:
    """A copy stands in the record: the next block adds to the same numbers."""
    name = "blocks that write into their tokens"
    vit = ViT.from_module(built(KINDS[name], 0))
    pixels = pixels_of(KINDS[name], vit)
    plain = Dino()
    plain.load_state_dict(vit.module.state_dict())
    wanted = trace(ViT.from_module(plain.eval()), pixels)
    for layer in (-1, 0, 1):
        assert torch.equal(trace(vit, pixels).residual(layer), wanted.residual(layer))


@pytest.mark.parametrize(
    "name", ["vit-pytorch's ViT", "vit-pytorch's SimpleViT", "tutorial's ViT over torch's TransformerEncoder",
             "torchvision's VisionTransformer", "DINO: attn.softmax"],
)  # fmt: skip
def test_positions_are_found_wherever_a_module_keeps_them(name: str) -> None:
    """They are what makes shuffled patches give other tokens; taken out, nothing of that is left."""
    vit = ViT.from_module(built(KINDS[name], 0))
    assert vitviz.position_similarity(vit).kind == "learned"
    assert vitviz.shuffle_experiment(vit, pixels_of(KINDS[name], vit)).without_positions.cosine.min() > 0.9999


def test_a_pair_is_a_block_to_everything_that_looks_into_blocks() -> None:
    vit = ViT.from_module(built(KINDS["vit-pytorch's ViT"], 0))
    assert (vit.grid.prefix, vit.image_size, vit.heads) == (("class",), (32, 32), (2, 2))
    assert shape_of(vit).mlp_ratio == 2  # 64 channels inside of 32
    assert dimensions_of(vit).hidden == 64
    traced = trace(vit, pixels_of(KINDS["vit-pytorch's ViT"], vit))
    layers: Any = vit.module.transformer.layers  # type: ignore[union-attr]
    stream = traced.residual(-1)
    for layer, (attention, mlp) in enumerate(layers):
        stream = attention(stream[None])[0] + stream
        stream = mlp(stream[None])[0] + stream
        assert torch.equal(traced.residual(layer), stream)


def test_value_weighting_uses_the_projection_only_where_it_follows_the_heads() -> None:
    turned = ViT.from_module(built(KINDS["DINO: attn.softmax"], 0))
    plain = vitviz.attribute("value_weighted_attention", turned, pixels_of(KINDS["timm's ViT"], turned))
    assert plain.notes == ("the length of the values after the output projection is used",)

    class Turned(Attention):
        def forward(self, x: Tensor) -> Tensor:
            proj, self.proj = self.proj, torch.nn.Identity()
            made = super().forward(x).flip(-1)
            self.proj = proj
            out: Tensor = proj(made)
            return out

    for block in turned.module.blocks:  # type: ignore[union-attr]
        block.attn.__class__ = Turned
    other = vitviz.attribute("value_weighted_attention", ViT.from_module(turned.module), torch.ones(3, 32, 32))
    assert "changes them before its output projection" in other.notes[0]


@pytest.mark.parametrize("name", ["subclass that pools in its own forward", "torch.compile", "DINO: attn.softmax"])
def test_an_edit_does_to_a_kind_what_it_does_by_hand(name: str) -> None:
    """A head that is off is one whose part of the output projection is zero."""
    module = built(KINDS[name], 0)
    vit = ViT.from_module(module)
    pixels = pixels_of(KINDS[name], vit)
    traced = predict(vit, pixels[None], edit=Edit(ablate_heads=[(1, 1)]))[0]
    twin = unwrapped(built(KINDS[name], 0))
    with torch.no_grad():
        twin.blocks[1].attn.proj.weight[:, 16:] = 0  # type: ignore[index, union-attr, operator]
    torch.testing.assert_close(traced, plain_row(twin, pixels[None], vit), atol=1e-5, rtol=1e-5)


PICKLED = ["timm's ViT", "DataParallel", "Sequential(normalise, vit)", "DINO: attn.softmax", "dynamically quantised"]


@pytest.mark.parametrize("name", PICKLED)
def test_models_and_traces_can_be_pickled(name: str) -> None:
    kind = KINDS[name]
    vit = ViT.from_module(built(kind, 0), name="mine")
    pixels = pixels_of(kind, vit)
    traced = trace(vit, pixels)
    other, record = pickle.loads(pickle.dumps((vit, traced)))
    assert torch.equal(trace(other, pixels).attention(1), traced.attention(1))
    assert torch.equal(record.attention(1), traced.attention(1))
    assert other.lock is not vit.lock
    assert (other.grid, other.class_names, other.notes, other.name) == (vit.grid, vit.class_names, vit.notes, "mine")
    assert other.module is not vit.module


@pytest.mark.parametrize("name", TRIED)
def test_models_can_be_copied(name: str) -> None:
    """Also where a function that was put on the module speaks of it."""
    kind = KINDS[name]
    vit = ViT.from_module(built(kind, 0), name="mine")
    pixels = pixels_of(kind, vit)
    wanted = trace(vit, pixels).embedding
    other = copy.deepcopy(vit)
    assert torch.equal(trace(other, pixels).embedding, wanted)
    assert copy.deepcopy(trace(vit, pixels)).embedding.equal(wanted)
    if kind.gradients and name != "made under inference mode":
        with torch.no_grad():
            for weight in other.module.parameters():
                weight.mul_(1.5)
        assert torch.equal(trace(vit, pixels).embedding, wanted)  # its weights are its own
        assert not torch.equal(trace(other, pixels).embedding, wanted)


def test_a_copy_of_a_module_that_was_changed_is_proven_anew() -> None:
    vit = ViT.from_module(built(KINDS["timm's ViT"], 0), name="mine")
    vit.module.head = torch.nn.Linear(32, 10)
    with pytest.raises(VitvizError, match="was changed after it was wrapped"):
        trace(vit, torch.zeros(3, 32, 32))
    other = copy.deepcopy(vit)  # of the module as it is now
    wanted = plain_row(other.module, torch.ones(1, 3, 32, 32), other)
    torch.testing.assert_close(trace(other, torch.ones(3, 32, 32)).logits, wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["subclass that pools in its own forward", "MAE, average before the norm"])
def test_many_threads_mix_nothing_up(name: str) -> None:
    kind = KINDS[name]
    vit, other = (ViT.from_module(built(kind, seed)) for seed in (0, 1))
    wanted = {
        (v.name, seed): trace(m, pixels_of(kind, m, seed)).embedding for v, m in ((vit, vit),) for seed in range(4)
    }
    wrong: list[int] = []

    def work(seed: int) -> None:
        for _ in range(5):
            trace(other, pixels_of(kind, other, seed), target=1, edit=Edit(temperature={0: 2.0}))
            if not torch.equal(trace(vit, pixels_of(kind, vit, seed)).embedding, wanted[vit.name, seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_table_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    few = {name: KINDS[name] for name in ("timm's ViT", "MAE, average before the norm", "Swin")}
    monkeypatch.setattr(module_kinds, "KINDS", few)
    monkeypatch.setattr("sys.argv", ["module_kinds"])
    module_kinds.main()
    printed = capsys.readouterr().out
    assert "3 kinds of modules tried, 2 observed" in printed
    assert re.search(
        r"\| Swin \| refused: it cannot be explained truthfully: its blocks attend inside windows", printed
    )


@pytest.mark.parametrize("name", [name for name in OBSERVED if name.startswith(("DINO", "by hand", "torchvision"))])
def test_a_method_with_a_pass_of_its_own_gives_the_map_of_a_trace(name: str) -> None:
    """Where attention is written out by hand, a pass cannot sum its maps up on the way, and must not say zero."""
    kind = KINDS[name]
    wrapped = ViT.from_module(built(kind, 0), **kind.options)
    pixels = pixels_of(kind, wrapped)
    record = trace(wrapped, pixels, gradients=True, layer_scores=True)
    for method in ("rollout", "gradient_rollout", "legrad"):
        alone = vitviz.attribute(method, wrapped, pixels).values
        handed = vitviz.attribute(method, wrapped, record).values
        torch.testing.assert_close(torch.from_numpy(alone), torch.from_numpy(handed), rtol=1e-4, atol=1e-7)
        assert alone.any()
