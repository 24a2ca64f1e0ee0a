"""ConvNet: a convolutional network as a chain of steps, so that any depth of it can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from vitviz.argument import checked
from vitviz.capture.shell import shell_of
from vitviz.errors import GridError, OptionError, UnsupportedModelError, check_index
from vitviz.images import Crop, Source, open_image
from vitviz.images.seen_part import SeenPart
from vitviz.models import shipped, timm_door
from vitviz.models.cropping import crop_of, cropper, seen_part
from vitviz.models.devices import Placement, Precision
from vitviz.models.geometry import height_and_width
from vitviz.models.timm_weights import TIMM
from vitviz.models.turn_lock import TurnLock
from vitviz.models.weights import load_module
from vitviz.record import Record
from vitviz.trace.forward import rounding


@dataclass(frozen=True, eq=False)
class ConvNet(Record):
    """A convolutional network in eval mode, read as a chain: the layers are its blocks, in order.

    Like a ViT's, the module is the caller's own and is never hooked or changed: passes run on a tree of module
    objects that shares its weights.

    >>> net = vitviz.load_convnet("cnn")
    >>> net.layers == len(net.layer_names), net.image_size
    (True, (224, 224))
    """

    name: str
    """The name it was loaded by, such as "timm:resnet50", or its class."""
    module: nn.Module
    """The model itself."""
    image_size: tuple[int, int]
    """Height and width in pixels of its input."""
    layer_names: tuple[str, ...]
    """Name of each layer: "stem", "layer1.0", "stages.2.blocks.4" …"""
    transform: Callable[[Image.Image], Tensor]
    """From an RGB picture to the input."""
    weights: str = "unknown"
    """Where the weights come from."""
    class_names: tuple[str, ...] = ()
    """Names of its answers, in their order; empty where they are not known."""
    chain: tuple[nn.Module, ...] = field(default=(), repr=False, kw_only=True)
    """The layers themselves, of the shell; each takes what the one before returns."""
    lock: TurnLock = field(default_factory=TurnLock, repr=False, kw_only=True)
    """Admits one pass at a time where many readers ask; long work holds it for a picture."""

    @property
    def layers(self) -> int:
        """Number of layers that can be read."""
        return len(self.layer_names)

    @property
    def device(self) -> torch.device:
        """The device that holds the weights."""
        return next(self.module.parameters(), torch.empty(0)).device

    def as_input(self, batch: Tensor) -> Tensor:
        """Return a batch on the device and in the precision of the weights."""
        like = next(self.module.parameters(), batch)
        return batch.to(like.device, like.dtype)

    @classmethod
    @checked
    def from_module(
        cls,
        module: nn.Module,
        *,
        name: str | None = None,
        image_size: tuple[int, int] | int | None = None,
        transform: Callable[[Image.Image], Tensor] | None = None,
        weights: str = "as given",
        class_names: Iterable[str] = (),
    ) -> ConvNet:
        """Wrap a timm ResNet, ConvNeXt or EfficientNet, or an nn.Sequential of convolutions; it is not modified.

        Raises UnsupportedModelError for any other module, or one that is not the chain that it seems to be.
        """
        name = name or type(module).__name__
        shell = shell_of(module)
        names, chain = _chain(name, shell)
        data = timm_door.data_settings(module, None if image_size is None else height_and_width(image_size))
        transform, labels = transform or data.transform, tuple(class_names)
        net = cls(name, module, data.image_size, names, transform, weights, labels, chain=chain)
        if not isinstance(module, nn.Sequential):
            _check_chain(net, shell)
        return net

    @property
    def channels(self) -> None:
        """Number of channels of its input: any that its first layer takes."""
        return None

    @property
    def crop(self) -> Crop:
        """How pictures of another shape are brought to that of its input."""
        return crop_of(self.transform)

    def with_crop(self, crop: Crop) -> ConvNet:
        """Return this network with another way to bring pictures to the shape of its input; see ``ViT.with_crop``."""
        mean = timm_door.data_settings(self.module, self.image_size).mean
        return replace(self, transform=cropper(self.transform, crop, size=self.image_size, mean=mean)(self.transform))

    def seen_part(self, image: Source) -> SeenPart | None:
        """Return which part of a picture the network sees; see ``ViT.seen_part``."""
        return seen_part(self.transform, open_image(image).size)

    def preprocess(self, image: Source) -> Tensor:
        """Return the network's input for a picture: (channel, height, width), normalised.

        ``image`` is anything that ``vitviz.open_photo`` takes; raises what it raises.
        """
        pixels = self.transform(open_image(image))
        if tuple(pixels.shape[1:]) != self.image_size:
            raise GridError(
                "The transform returned a tensor of shape {shape}; wanted {height} × {width} pixels. Give "
                "ConvNet.from_module a transform for that size, or another image_size.",
                shape=tuple(pixels.shape),
                height=self.image_size[0],
                width=self.image_size[1],
            )
        return pixels

    @checked
    def features(self, batch: Tensor, layer: int) -> Tensor:
        """Return the feature maps after a layer: (image, channel, rows, columns), part of the graph.

        Layer -1 is the input itself. Raises OptionError where the network has flattened or pooled.
        """
        if layer != -1:
            check_index("Layer", layer, self.layers)
        if batch.ndim != 4:
            raise GridError(
                "The batch has shape {shape}; wanted (image, channel, height, width). Stack what preprocess returns.",
                shape=tuple(batch.shape),
            )
        for step in self.chain[: layer + 1]:
            batch = step(batch)
        if batch.ndim != 4:
            raise OptionError(
                "Layer {layer} ({layer_name}) of {name} returns values of shape {shape}; wanted feature "
                "maps. Choose a layer before the network flattens or pools.",
                layer=layer,
                layer_name=self.layer_names[layer],
                name=self.name,
                shape=tuple(batch.shape),
            )
        return batch


@checked
def load_convnet(
    name: str = "cnn",
    *,
    weights: str | Path = "pretrained",
    seed: int = 0,
    image_size: tuple[int, int] | int | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
) -> ConvNet:
    """Load a convolutional network by name, to be compared with a Vision Transformer.

    ``name`` is "cnn" (shipped, needs no network: EfficientNet-Lite0, trained on the classes and photos of the shipped
    Vision Transformer) or "timm:" and a ResNet, ConvNeXt or EfficientNet of timm ("timm:resnet18").
    ``weights`` is "pretrained" (the hub, or its cache), "random" (from ``seed``) or the path of a local file, which
    brings its own number of classes. ``device`` and ``precision`` are those of ``load_vit``.
    Raises UnknownModelError, WeightsUnavailableError, CheckpointError, OptionError for weights beside the shipped
    ones, or UnsupportedModelError for another family.

    >>> vitviz.load_convnet().layer_names[:3]
    ('stem', 'blocks.0.0', 'blocks.1.0')
    >>> vitviz.load_convnet("timm:resnet18", weights="random").layer_names[:2]
    ('stem', 'layer1.0')
    """
    placement = Placement.of(device, precision)
    if name in shipped.CONVNETS:
        shipped.check_weights(name, weights)
        module, names, origin = shipped.convnet(name)
        return ConvNet.from_module(
            placement.put(module), name=name, image_size=image_size, weights=origin, class_names=names
        )
    if name in shipped.MODELS:
        raise UnsupportedModelError(
            "{name} is a Vision Transformer, whose layers are no chain of feature maps; wanted a "
            "convolutional network, such as {listed}. Load it with load_vit.",
            name=name,
            listed=" or ".join(shipped.CONVNETS),
        )
    architecture = name.removeprefix(TIMM)
    timm_door.check_name(architecture)
    with torch.device("meta"):  # refuse another family before anything is fetched
        _chain(name, timm_door.build(architecture))
    loaded = load_module(architecture, str(weights), seed=seed)
    module = placement.put(loaded.module)
    return ConvNet.from_module(module, name=TIMM + architecture, image_size=image_size, weights=loaded.origin)


def _chain(name: str, shell: nn.Module) -> tuple[tuple[str, ...], tuple[nn.Module, ...]]:
    """Return the names and modules of a network's layers."""
    parts: Any = shell
    family = type(shell).__module__
    if isinstance(shell, nn.Sequential):
        steps = list(shell.named_children())
    elif family == "timm.models.resnet":
        stem = nn.Sequential(*(part for part in (parts.conv1, parts.bn1, parts.act1, parts.maxpool)))
        steps = [("stem", stem), *_children(shell, ("layer1", "layer2", "layer3", "layer4"))]
    elif family == "timm.models.convnext":
        steps = [("stem", parts.stem)]
        for number, stage in enumerate(parts.stages.children()):
            if not isinstance(stage.downsample, nn.Identity):
                steps.append((f"stages.{number}.downsample", stage.downsample))
            steps += [(f"stages.{number}.blocks.{index}", block) for index, block in stage.blocks.named_children()]
        if not isinstance(parts.norm_pre, nn.Identity):
            steps.append(("norm_pre", parts.norm_pre))
    elif family == "timm.models.efficientnet":
        stages = [f"blocks.{number}" for number, _stage in parts.blocks.named_children()]
        steps = [("stem", nn.Sequential(parts.conv_stem, parts.bn1)), *_children(shell, stages)]
    else:
        raise UnsupportedModelError(
            "{name} is a {kind}, whose layers are not known to be a chain; wanted a timm ResNet, "
            "ConvNeXt or EfficientNet, or an nn.Sequential of convolutions. A Vision Transformer "
            "is loaded with load_vit.",
            name=name,
            kind=type(shell).__name__,
        )
    if not steps:
        raise UnsupportedModelError(
            "{name} has no layers; wanted at least one. Pass an nn.Sequential of convolutions.",
            name=name,
        )
    names, chain = zip(*steps, strict=True)
    for part in chain:
        part.eval()
    return names, chain


def _children(shell: nn.Module, stages: Iterable[str]) -> list[tuple[str, nn.Module]]:
    return [
        (f"{stage}.{number}", block)
        for stage in stages
        for number, block in shell.get_submodule(stage).named_children()
    ]


def _check_chain(net: ConvNet, shell: nn.Module) -> None:
    """Raise UnsupportedModelError unless the chain computes what the network itself computes."""
    probe = net.as_input(torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        own: Tensor = shell.forward_features(probe)  # type: ignore[operator]
        chained = _widened(shell, net.features(probe, net.layers - 1))
    if own.shape != chained.shape or not torch.allclose(own, chained, rtol=rounding(own.dtype, 1e-4), atol=1e-5):
        raise UnsupportedModelError(
            "{name} does more than run its layers one after the other, so the feature maps between "
            "them are not known. Choose a plain ResNet, ConvNeXt or EfficientNet.",
            name=net.name,
        )


def _widened(shell: Any, features: Tensor) -> Tensor:
    """Return the last layer's features as the classifier pools them.

    An EfficientNet widens them first, each place by itself: that is no layer here, for it sees nothing more.
    """
    if not hasattr(shell, "conv_head"):
        return features
    widened: Tensor = shell.bn2(shell.conv_head(features))
    return widened
