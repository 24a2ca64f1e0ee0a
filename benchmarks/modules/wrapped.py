"""Kinds of wrappers: a ViT inside of something, its weights made by something, or more than one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune

from benchmarks.modules import research
from benchmarks.modules.kind import SMALL, Kind, drawn, vit
from benchmarks.modules.research import CLASSES, HEADS, WIDTH, Block, Dino


class Held(nn.Module):
    """A model under some name, and what is made of it and a picture."""

    def __init__(self, run: Callable[[Any, Tensor], Any], **parts: nn.Module) -> None:
        super().__init__()
        self.run = run
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Any:
        """Answer in a way of its own."""
        return self.run(self, x)


def _held(run: Callable[[Any, Tensor], Any], **parts: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: Held(run, **{name: make() for name, make in parts.items()}).eval()


def _bare() -> Any:
    return vit(num_classes=0)


def _linear(width: int = WIDTH, classes: int = 5) -> Callable[[], nn.Module]:
    return lambda: drawn(nn.Linear(width, classes))


def _under_no_grad(self: Any, x: Tensor) -> Any:
    with torch.no_grad():
        embedding = self.backbone(x)
    return self.head(embedding)


def _detached(self: Any, x: Tensor) -> Any:
    return self.head(self.backbone(x).detach())


def _mean_of_two(self: Any, x: Tensor) -> Any:
    return (self.first(x) + self.second(x)) / 2


def _mean_of_list(self: Any, x: Tensor) -> Any:
    return torch.stack([model(x) for model in self.models]).mean(0)


def _decoded(self: Any, x: Tensor) -> Any:
    return self.head(self.decoder(self.backbone.forward_features(x))[:, 0])


def _mirrored(self: Any, x: Tensor) -> Any:
    return (self.model(x) + self.model(x.flip(-1))) / 2


def _mirrored_in_batch(self: Any, x: Tensor) -> Any:
    return self.model(torch.cat([x, x.flip(-1)])).reshape(2, len(x), -1).mean(0)


def _segmented(self: Any, x: Tensor) -> Any:
    maps = self.backbone.forward_features(x)[:, 1:].mT.reshape(len(x), WIDTH, 4, 4)
    return functional.interpolate(self.decode(maps), scale_factor=8, mode="bilinear")


def _with_texts(self: Any, x: Tensor) -> Any:
    texts = self.text(torch.ones(3, 7, WIDTH))[:, 0]
    return self.visual(x) @ texts.T


def _swapped(self: Any, x: Tensor) -> Any:
    weights = {name: weight * 1.1 for name, weight in self.model.named_parameters()}
    return torch.func.functional_call(self.model, weights, (x,))


class Queries(nn.Module):
    """Learned queries that attend to the tokens: one pools, several decode."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(1, count, WIDTH))
        self.attend = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.out = nn.Linear(WIDTH, CLASSES)

    def forward(self, tokens: Tensor) -> Any:
        """Classify what the queries gathered."""
        gathered, _ = self.attend(self.queries.expand(len(tokens), -1, -1), tokens, tokens, need_weights=False)
        return self.out(gathered.mean(1))


def _pooled(self: Any, x: Tensor) -> Any:
    return self.pool(self.backbone.forward_features(x))


class Convolutional(nn.Module):
    """A small CNN."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Any:
        """Classify the average over the places."""
        return self.head(self.conv(x).relu().mean((2, 3)))


def _scaled(mean: Any, std: Any) -> Callable[[], nn.Module]:
    mean, std = (torch.as_tensor(values).reshape(-1, 1, 1) for values in (mean, std))
    return _held(lambda self, x: self.model((x - mean) / std), model=vit)


def _changed(change: Callable[[Any], Any], build: Callable[[], Any] = vit) -> Callable[[], nn.Module]:
    """A ViT each of whose blocks was changed."""

    def make() -> nn.Module:
        module = build()
        for block in module.blocks:
            change(block)
        return module.eval()  # type: ignore[no-any-return]

    return make


class LowRank(nn.Module):
    """A linear layer with a low-rank matrix beside it."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer, self.down = layer, nn.Linear(layer.in_features, 4, bias=False)
        self.up = nn.Linear(4, layer.out_features, bias=False)

    def forward(self, x: Tensor) -> Any:
        """Add both."""
        return self.layer(x) + self.up(self.down(x))


def _peft() -> nn.Module:
    import peft

    module: Any = peft.get_peft_model(vit(), peft.LoraConfig(r=4, target_modules=["qkv", "fc1"]))
    for name, weight in module.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight)
    return module.eval()  # type: ignore[no-any-return]


def _tied() -> nn.Module:
    module = vit()
    module.blocks[1].attn.qkv, module.blocks[1].mlp.fc1.weight = (
        module.blocks[0].attn.qkv,
        module.blocks[0].mlp.fc1.weight,
    )
    return module  # type: ignore[no-any-return]


def _traced() -> nn.Module:
    return torch.fx.symbolic_trace(vit())


def _exported() -> nn.Module:
    return torch.export.export(vit(), (torch.zeros(1, 3, SMALL["img_size"], SMALL["img_size"]),)).module()


def _quietly(form: Any) -> Callable[[], nn.Module]:
    class Forward(Dino):
        """Its forward takes no gradients."""

        @form()
        def forward(self, x: Tensor) -> Any:
            """Answer without a graph."""
            return super().forward(x)

    return lambda: drawn(Forward())


def _layer() -> nn.Module:
    return drawn(nn.TransformerEncoderLayer(WIDTH, HEADS, 64, 0.0, batch_first=True))  # type: ignore[no-any-return]


_BESIDE = "attends outside of its list of blocks too"
_GRAPH = "Python code of scripted, traced and exported modules is gone"
COLOURS = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
KINDS: dict[str, Kind] = {
    "backbone frozen under no_grad": Kind(_held(_under_no_grad, backbone=_bare, head=_linear()), gradients=False),
    "backbone frozen by detach": Kind(_held(_detached, backbone=_bare, head=_linear()), gradients=False),
    "forward under no_grad": Kind(_quietly(torch.no_grad), gradients=False),
    "forward under inference_mode": Kind(_quietly(torch.inference_mode), gradients=False),
    "ensemble of two ViTs": Kind(_held(_mean_of_two, first=vit, second=vit), _BESIDE),
    "ensemble in a list": Kind(_held(_mean_of_list, models=lambda: nn.ModuleList([vit(), vit()])), _BESIDE),
    "ensemble with a CNN": Kind(_held(_mean_of_two, first=vit, second=lambda: drawn(Convolutional())), masks=False),
    "a decoder behind the backbone": Kind(_held(_decoded, backbone=_bare, decoder=_layer, head=_linear()), _BESIDE),
    "one query pools the tokens": Kind(_held(_pooled, backbone=_bare, pool=lambda: drawn(Queries(1)))),
    "several queries read the tokens": Kind(_held(_pooled, backbone=_bare, pool=lambda: drawn(Queries(5))), _BESIDE),
    "a text tower in its forward": Kind(
        _held(_with_texts, visual=_bare, text=lambda: drawn(Block(research.with_method))), _BESIDE
    ),
    "the picture and its mirror image": Kind(_held(_mirrored, model=vit), "runs block 0 2 times in one pass"),
    "the same in one batch": Kind(_held(_mirrored_in_batch, model=vit), "splits the picture into 2 parts"),
    "a segmentation head": Kind(
        _held(_segmented, backbone=_bare, decode=lambda: drawn(nn.Conv2d(WIDTH, 5, 1))), masks=False
    ),
    "weights exchanged in its forward": Kind(_held(_swapped, model=vit)),
    "Lightning's module around it": Kind(_held(lambda self, x: self.model(x), model=vit)),
    "input from 0 to 255": Kind(_scaled(*COLOURS)),
    "input divided by 255": Kind(_scaled(0.0, 255.0)),
    "input moved and halved": Kind(_scaled(0.1, 2.0)),
    "DataParallel of a wrapper": Kind(
        lambda: nn.DataParallel(_held(lambda self, x: self.head(self.backbone(x)), backbone=_bare, head=_linear())())
    ),
    "wrapper of DataParallel": Kind(
        _held(lambda self, x: self.head(self.backbone(x)), backbone=lambda: nn.DataParallel(_bare()), head=_linear())
    ),
    "pruned": Kind(_changed(lambda block: prune.l1_unstructured(block.attn.qkv, "weight", 0.5))),
    "weight norm": Kind(_changed(lambda block: parametrizations.weight_norm(block.attn.qkv))),
    "weight norm of before": Kind(_changed(lambda block: nn.utils.weight_norm(block.attn.qkv))),
    "spectral norm": Kind(_changed(lambda block: parametrizations.spectral_norm(block.mlp.fc1))),
    "low-rank adapters (PEFT)": Kind(_peft),
    "low-rank adapters by hand": Kind(_changed(lambda block: setattr(block.attn, "qkv", LowRank(block.attn.qkv)))),
    "layers shared between blocks": Kind(_tied),
    "torch.fx": Kind(_traced, _GRAPH),
    "a wrapper of torch.fx": Kind(_held(lambda self, x: self.model(x), model=_traced), _GRAPH),
    "torch.export": Kind(_exported, _GRAPH),
    "torch.jit.trace": Kind(lambda: torch.jit.trace(vit(), torch.zeros(1, 3, 32, 32)), _GRAPH),  # type: ignore[no-untyped-call]
}
