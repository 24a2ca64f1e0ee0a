"""The kinds of modules: how a small one of each is made, and whether it should be observed or refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.modules import attending, pairs, prompted, research, running, wrapped
from benchmarks.modules.kind import Kind, drawn, vit
from benchmarks.modules.research import Dino
from vitviz.models.timm_door import timm


def _pooled(self: Any, x: Tensor) -> Any:
    return self.head(self.forward_features(x)[:, 1:].mean(1))


def _subclass(**methods: Any) -> nn.Module:
    module = vit()
    module.__class__ = type("Own", (type(module),), methods)
    return module  # type: ignore[no-any-return]


def _changed(change: Callable[[Any], Any], **options: Any) -> nn.Module:
    module = vit(**options)
    change(module)
    return module  # type: ignore[no-any-return]


class Normalised(nn.Module):
    """Mean and deviation inside of the model."""

    def __init__(self, mean: float = 0.5, std: float = 0.5) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return (x - self.mean) / self.std


class Headed(nn.Module):
    """A backbone with a head of one's own."""

    def __init__(self, backbone: nn.Module, head: nn.Module, how: Callable[[Any], Any] = torch.clone) -> None:
        super().__init__()
        self.backbone, self.head, self.how = backbone, head, how

    def forward(self, x: Tensor) -> Any:
        """Classify what the backbone answers."""
        return self.head(self.how(self.backbone(x)))


class FromFeatures(Headed):
    """The same, over the backbone's tokens."""

    def forward(self, x: Tensor) -> Any:
        """Classify the average of the patches."""
        return self.head(self.backbone.forward_features(x)[:, 1:].mean(1))  # type: ignore[operator]


class Scaled(nn.Module):
    """Reads more of the picture than its tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = vit()

    def forward(self, x: Tensor) -> Any:
        """Answer by the tokens and the picture's brightness."""
        return self.backbone(x) * (1 + x.mean((1, 2, 3))[:, None])


class Autocast(nn.Module):
    """Runs its body in bfloat16."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> Any:
        """Answer in bfloat16 where torch allows it."""
        with torch.autocast("cpu", torch.bfloat16):
            return self.backbone(x).float()


class _Cast(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Any:
        return self.inner(x.to(torch.bfloat16)).float()


def _mixed() -> nn.Module:
    module = vit()
    for index, block in enumerate(module.blocks):
        module.blocks[index] = _Cast(block.to(torch.bfloat16))
    return module  # type: ignore[no-any-return]


def _unfused(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    return module


def _inference() -> nn.Module:
    with torch.inference_mode():
        return vit()  # type: ignore[no-any-return]


def _quantised() -> nn.Module:
    with warnings.catch_warnings(action="ignore"):
        return torch.ao.quantization.quantize_dynamic(vit(), {nn.Linear})  # type: ignore[no-any-return]


def _small(name: str, **options: Any) -> nn.Module:
    return drawn(timm.create_model(name, **options))  # type: ignore[no-any-return]


def _torchvision() -> nn.Module:
    from torchvision.models.vision_transformer import VisionTransformer

    return drawn(VisionTransformer(32, 8, 2, 2, 32, 64, num_classes=10))  # type: ignore[no-any-return]


def _lambda(module: Any) -> None:
    module.forward = lambda x: module.head(module.forward_features(x)[:, 1:].mean(1))


def _around(module: Any) -> None:
    plain = module.forward
    module.forward = lambda x: 2 * plain(x)


def _shared(module: Any) -> None:
    module.blocks[1] = module.blocks[0]


SWIN = {"img_size": 32, "patch_size": 2, "window_size": 4, "embed_dim": 16, "depths": (1, 1), "num_heads": (2, 2)}
KINDS: dict[str, Kind] = {
    "timm's ViT": Kind(vit),
    "timm's ViT in training mode, with dropout": Kind(lambda: vit(proj_drop_rate=0.5, drop_path_rate=0.5).train()),
    "timm's ViT, average pooling": Kind(lambda: vit(global_pool="avg")),
    "timm's ViT, fused attention off": Kind(lambda: _unfused(vit())),
    "timm's ViT without a classifier": Kind(lambda: vit(num_classes=0)),
    "subclass that pools in its own forward": Kind(lambda: _subclass(forward=_pooled)),
    "forward replaced on the object: a method": Kind(
        lambda: _changed(lambda m: setattr(m, "forward", MethodType(_pooled, m)))
    ),
    "forward replaced on the object: a closure": Kind(lambda: _changed(_lambda)),
    "forward replaced on the object: around the old one": Kind(lambda: _changed(_around)),
    "hook on the model that changes the answer": Kind(
        lambda: _changed(lambda m: m.register_forward_hook(lambda *a: a[2] * 2))
    ),
    "pre-hook on the model that changes the input": Kind(
        lambda: _changed(lambda m: m.register_forward_pre_hook(lambda m, a: (a[0] / 2,))),
    ),
    "hook on a block that changes its tokens": Kind(
        lambda: _changed(lambda m: m.blocks[0].register_forward_hook(lambda *a: a[2] * 1.5))
    ),
    "head exchanged before wrapping": Kind(lambda: _changed(lambda m: setattr(m, "head", nn.Linear(32, 4)))),
    "head of several layers": Kind(
        lambda: _changed(lambda m: setattr(m, "head", nn.Sequential(nn.Linear(32, 16), nn.GELU(), nn.Linear(16, 5))))
    ),
    "DataParallel": Kind(lambda: nn.DataParallel(vit())),
    "torch.compile": Kind(lambda: torch.compile(vit())),  # type: ignore[arg-type, return-value]
    "torch.compile of DataParallel": Kind(lambda: torch.compile(nn.DataParallel(vit()))),  # type: ignore[arg-type, return-value]
    "module.compile() in place": Kind(lambda: _changed(lambda m: m.compile())),
    "compiled backbone inside of a wrapper": Kind(
        lambda: Headed(torch.compile(vit(num_classes=0)), nn.Linear(32, 5)).eval()
    ),  # type: ignore[arg-type]
    "Sequential(normalise, vit)": Kind(lambda: nn.Sequential(Normalised(), vit()).eval()),
    "Sequential(vit, softer)": Kind(lambda: nn.Sequential(vit(), nn.Linear(10, 3)).eval()),
    "backbone and head": Kind(lambda: Headed(vit(num_classes=0), nn.Linear(32, 5)).eval()),
    "backbone and head over its patches": Kind(lambda: FromFeatures(vit(num_classes=0), nn.Linear(32, 5)).eval()),
    "backbone and head, embedding made of length 1": Kind(
        lambda: Headed(vit(num_classes=0), nn.Linear(32, 5), nn.functional.normalize).eval()
    ),
    "features_only of timm": Kind(
        lambda: _small("vit_tiny_patch16_224", img_size=64, embed_dim=32, num_heads=2, depth=3, features_only=True)
    ),
    "one channel": Kind(lambda: vit(in_chans=1), channels=1),
    "five channels": Kind(lambda: vit(in_chans=5), channels=5),
    "DINO: attn.softmax": Kind(lambda: drawn(Dino())),
    "DINO without a classifier": Kind(lambda: drawn(Dino(classes=0))),
    "by hand: F.softmax": Kind(lambda: drawn(Dino(research.with_functional))),
    "by hand: torch.softmax of scaled queries": Kind(lambda: drawn(Dino(research.with_torch))),
    "by hand: einsum": Kind(lambda: drawn(Dino(research.with_einsum))),
    "by hand: a bias and a mask": Kind(lambda: drawn(Dino(research.with_bias))),
    "by hand: heads mixed after the softmax": Kind(
        lambda: drawn(Dino(research.talking)), "computes attention by hand in block 0"
    ),
    "by hand: exponentials": Kind(lambda: drawn(Dino(research.exponentials)), "no attention was seen in block 0, 1"),
    "blocks that return a pair": Kind(lambda: drawn(Dino(pair=True))),
    "class token behind the patches": Kind(
        lambda: drawn(research.ClassLast()), "a change of patch 0 was seen at token 0"
    ),
    "torch's TransformerEncoderLayer": Kind(lambda: drawn(research.TorchLayers())),
    "tutorial's ViT over torch's TransformerEncoder": Kind(lambda: drawn(research.Scratch())),
    "blocks of (token, image, channel)": Kind(
        lambda: drawn(research.TokensFirst()), r"a tensor of shape \(17, 1, 32\) where \(1, 17, channel\) was wanted"
    ),
    "MAE, average before the norm": Kind(lambda: drawn(research.Mae())),
    "class token beside the average of the patches": Kind(lambda: drawn(research.ClassAndPatches())),
    "class tokens of the last two blocks": Kind(lambda: drawn(research.SeveralBlocks()), masks=False),
    "answers a dictionary with logits": Kind(lambda: drawn(research.Replying(lambda y, x: {"logits": y, "tokens": x}))),
    "answers a pair of logits and tokens": Kind(lambda: drawn(research.Replying(lambda y, x: (y, x)))),
    "answers probabilities": Kind(
        lambda: drawn(research.Replying(lambda y, x: y.softmax(-1))), "answers shares that add up to 1; wanted logits"
    ),
    "answers logits divided by a temperature": Kind(lambda: drawn(research.Replying(lambda y, x: y / 0.1))),
    "answers an embedding of length 1": Kind(
        lambda: drawn(research.Replying(lambda y, x: nn.functional.normalize(y, dim=-1)))
    ),
    "averaged weights of torch.optim": Kind(lambda: torch.optim.swa_utils.AveragedModel(vit()).eval()),
    "answers tokens": Kind(
        lambda: drawn(research.Replying(lambda y, x: x)), r"answers a tensor of shape \(1, 17, 32\)"
    ),
    "answers a text": Kind(lambda: drawn(research.Replying(lambda y, x: "cat")), "answers a str"),
    "torchvision's VisionTransformer": Kind(_torchvision),
    "reads the picture's brightness too": Kind(lambda: Scaled().eval(), masks=False),
    "half precision": Kind(lambda: vit().half()),
    "bfloat16": Kind(lambda: vit().bfloat16()),
    "double precision": Kind(lambda: vit().double()),
    "blocks in bfloat16": Kind(_mixed),
    "autocast in its forward": Kind(lambda: Autocast(vit()).eval()),
    "blocks in bfloat16, fused attention off": Kind(lambda: _unfused(_mixed())),
    "autocast in its forward, fused attention off": Kind(lambda: Autocast(_unfused(vit())).eval()),
    "made under inference mode": Kind(_inference, gradients=False),
    "dynamically quantised": Kind(_quantised, gradients=False),
    "dropout that stays on": Kind(
        lambda: _changed(lambda m: setattr(m.head_drop, "forward", lambda x: nn.functional.dropout(x, 0.5, True))),
        "called again with the same picture it answers something else",
    ),
    "weights on the meta device": Kind(lambda: vit().to("meta"), "on the meta device"),
    "one block run twice": Kind(lambda: _changed(_shared), "runs the same block several times"),
    "Swin": Kind(lambda: _small("swin_tiny_patch4_window7_224", **SWIN), "attend inside windows"),
    "backbone of Swin and head": Kind(
        lambda: Headed(_small("swin_tiny_patch4_window7_224", **SWIN, num_classes=0), nn.Linear(32, 5)),
        "cannot be explained|does not say",
    ),
    "ResNet": Kind(lambda: _small("resnet18"), "convolutional network"),
    "scripted": Kind(lambda: torch.jit.script(nn.Linear(2, 2)), "is a RecursiveScriptModule of torch.jit"),  # type: ignore[no-untyped-call]
    **attending.KINDS,
    **pairs.KINDS,
    **prompted.KINDS,
    **running.KINDS,
    **wrapped.KINDS,
}
