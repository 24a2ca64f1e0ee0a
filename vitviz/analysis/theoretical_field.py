"""The theoretical receptive field of a convolutional network, by exact arithmetic along its graph.

Along one axis, output place o of a layer depends on input places low + jump·o … high + jump·o, both included. A
window of k taps, dilation d, stride s and padding p turns (low, high, jump) into
    (low − jump·p, high + jump·((k − 1)·d − p), jump·s).
Where branches meet (a residual connection, a gate) the field is the smallest interval that holds both.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from vitviz.analysis.convnet import ConvNet
from vitviz.argument import checked
from vitviz.clause import Clause
from vitviz.errors import UnsupportedModelError, VitvizError, check_index
from vitviz.record import Record

_TRACING = threading.Lock()
"""Two tracings at once would leave torch's modules as the first has changed them."""


@dataclass(frozen=True)
class AxisField(Record):
    """What one place sees along one axis: input places low + jump·o to high + jump·o, for output place o."""

    low: int = 0
    high: int = 0
    jump: int = 1
    """How many input pixels lie between two neighbouring output places."""

    @property
    def size(self) -> int:
        """Width of the field in pixels."""
        return self.high - self.low + 1

    def after(self, kernel: int, stride: int, padding: int, dilation: int) -> AxisField:
        """Return the field after a window of the given shape has run over the places."""
        low = self.low - self.jump * padding
        high = self.high + self.jump * ((kernel - 1) * dilation - padding)
        return AxisField(low, high, self.jump * stride)

    def joined(self, other: AxisField) -> AxisField:
        """Return the field of the sum of two branches.

        Raises UnsupportedModelError if they do not lie on the same places.
        """
        if self.jump != other.jump:
            raise UnsupportedModelError(
                "Two branches with {jump} and {other_jump} pixels from place to place are added; "
                "wanted equal steps. The receptive field of such a sum is not an interval that "
                "moves with the place.",
                jump=self.jump,
                other_jump=other.jump,
            )
        return AxisField(min(self.low, other.low), max(self.high, other.high), self.jump)


@dataclass(frozen=True)
class TheoreticalField(Record):
    """All the pixels that a place of a feature map can depend on, whatever the weights.

    >>> vitviz.theoretical_field(vitviz.load_convnet("cnn"), 0).size
    (3, 3)
    """

    rows: AxisField
    columns: AxisField

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels, before anything is cut off at the picture's edge."""
        return self.rows.size, self.columns.size

    def box(self, row: int, column: int, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the pixels (left, top, right, bottom) that a place sees, inside the picture.

        Right and bottom are exclusive.
        """
        top, bottom = (self.rows.low + self.rows.jump * row, self.rows.high + self.rows.jump * row + 1)
        left, right = (
            self.columns.low + self.columns.jump * column,
            self.columns.high + self.columns.jump * column + 1,
        )
        return max(0, left), max(0, top), min(image_size[1], right), min(image_size[0], bottom)

    def joined(self, other: TheoreticalField) -> TheoreticalField:
        """Return the field of the sum of two branches."""
        return TheoreticalField(self.rows.joined(other.rows), self.columns.joined(other.columns))


ONE_PIXEL = TheoreticalField(AxisField(), AxisField())
"""The field of an input pixel: itself."""

_WINDOWS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
_POINTWISE = (
    nn.Identity, nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.ReLU, nn.ReLU6, nn.LeakyReLU,
    nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.Hardswish, nn.Hardtanh, nn.Softplus, nn.PReLU,
    nn.Linear,
)  # fmt: skip
_POINTWISE_NAMES = {"LayerNorm2d", "DropPath", "LayerScale", "LayerScale2d", "GELUTanh", "GELU", "Dropout"}
_SAME_PLACE = {"permute", "mul", "reshape", "contiguous", "clone", "relu", "relu_", "neg", "float", "type_as", "to"}
_SAME_PLACE_FUNCTIONS = {
    operator.mul, operator.imul, operator.neg, torch.relu, torch.relu_, torch.mul, torch.permute,
    nn.functional.relu, nn.functional.gelu, nn.functional.silu, nn.functional.dropout,
}  # fmt: skip
_SUMS = {operator.add, operator.iadd, operator.sub, torch.add, torch.sub}
_PRODUCTS = {operator.mul, operator.imul, torch.mul, "mul"}


@checked
def theoretical_field(net: ConvNet, layer: int = -1) -> TheoreticalField:
    """Return the theoretical receptive field of a place in the feature maps after a layer; -1 is the input itself.

    Exact: kernel, stride, dilation and padding of every window are followed along the module's graph (Araujo et al.
    2019, "Computing Receptive Fields of Convolutional Neural Networks"). Dilated windows leave holes, which the box
    includes.
    Raises UnsupportedModelError, with the reason, where the field cannot be known: padding that depends on the size
    of the picture, global pooling, squeeze-and-excitation, operations that vitviz does not know.

    >>> net = vitviz.load_convnet("timm:resnet18", weights="random")
    >>> vitviz.theoretical_field(net, net.layers - 1).size  # height and width in pixels
    (435, 435)
    """
    if layer != -1:
        check_index("Layer", layer, net.layers)
    field = ONE_PIXEL
    for number in range(layer + 1):
        field = _after(net, number, field)
    return field


@checked
def theoretical_fields(net: ConvNet) -> tuple[TheoreticalField | None, ...]:
    """Return the theoretical receptive field after every layer in one go; None from where it cannot be known.

    >>> net = vitviz.load_convnet("timm:resnet18", weights="random")
    >>> [field.size[0] for field in vitviz.theoretical_fields(net)]
    [11, 27, 43, 67, 99, 147, 211, 307, 435]
    """
    fields: list[TheoreticalField | None] = []
    field: TheoreticalField | None = ONE_PIXEL
    for number in range(net.layers):
        try:
            field = None if field is None else _after(net, number, field)
        except UnsupportedModelError:
            field = None
        fields.append(field)
    return tuple(fields)


def _after(net: ConvNet, layer: int, field: TheoreticalField) -> TheoreticalField:
    try:
        return _through(net.chain[layer], field)
    except VitvizError as error:
        raise UnsupportedModelError(
            "The receptive field of {name} is not known after {layer_names}: {error}",
            name=net.name,
            layer_names=net.layer_names[layer],
            error=error,
        ) from error


def _through(module: nn.Module, field: TheoreticalField) -> TheoreticalField:
    if _is_leaf(module):
        return _through_leaf(module, field)
    if isinstance(module, nn.Sequential):
        for part in module:
            field = _through(part, field)
        return field
    try:
        with _TRACING:
            graph = _Tracer().trace(module)
    except (fx.proxy.TraceError, TypeError, RuntimeError, NotImplementedError) as error:
        raise _unknown(
            Clause("{kind} decides by the numbers what it computes ({error})", kind=_kind(module), error=f"{error}")
        ) from error
    return _along(module, graph, field)


class _Tracer(fx.Tracer):
    """Follows a module in this thread alone.

    While torch traces, every module of the process is called through the tracer, also those that other threads run.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return _is_leaf(m) or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, fx.Proxy]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def _along(module: nn.Module, graph: fx.Graph, start: TheoreticalField) -> TheoreticalField:
    fields: dict[fx.Node, TheoreticalField | None] = {}
    for node in graph.nodes:
        if node.op == "output":
            incoming = fields.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None
            if incoming is None:
                raise _unknown(Clause("{kind} does not return one feature map", kind=_kind(module)))
            return incoming
        fields[node] = _at(module, node, fields, start)
    raise _unknown(Clause("{kind} returns nothing", kind=_kind(module)))


def _at(
    module: nn.Module, node: fx.Node, fields: dict[fx.Node, TheoreticalField | None], start: TheoreticalField
) -> TheoreticalField | None:
    """Return the field of a node's result; None for a weight or a number, which sees nothing of the picture."""
    inputs = [incoming for source in node.all_input_nodes if (incoming := fields[source]) is not None]
    if node.op == "placeholder":
        return start
    if node.op == "get_attr" or not inputs:
        return None
    if node.op == "call_module":
        return _through(module.get_submodule(str(node.target)), inputs[0])
    joins = (*_SUMS, *_PRODUCTS, "add", "add_", "sub")  # a product of branches is a gated convolution
    if len(inputs) > 1 and node.target in joins:
        return inputs[0].joined(inputs[1])
    known: Callable[..., Any] | str = node.target
    pointwise = known in _SAME_PLACE_FUNCTIONS or known in _SUMS or known in (*_SAME_PLACE, "add", "add_", "sub")
    if len(inputs) == 1 and pointwise:
        return inputs[0]
    name = known if isinstance(known, str) else getattr(known, "__name__", str(known))
    raise _unknown(
        Clause("{kind} uses '{operation}', which may bring distant places together", kind=_kind(module), operation=name)
    )


def _is_leaf(module: nn.Module) -> bool:
    return (
        isinstance(module, (*_WINDOWS, *_POINTWISE, nn.ConstantPad2d))
        or type(module).__name__ in _POINTWISE_NAMES
        or _is_layer_norm(module)
    )


def _is_layer_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1  # over the channels alone


def _through_leaf(module: nn.Module, field: TheoreticalField) -> TheoreticalField:
    if isinstance(module, _WINDOWS):
        if type(module) not in _WINDOWS:
            raise _unknown(Clause("{kind} chooses its padding by the size of the picture", kind=_kind(module)))
        if getattr(module, "padding_mode", "zeros") == "circular":
            raise _unknown(Clause("circular padding carries one edge of the picture to the other"))
        windows = [_window(module, axis) for axis in (0, 1)]
        return TheoreticalField(field.rows.after(*windows[0]), field.columns.after(*windows[1]))
    if isinstance(module, nn.ConstantPad2d):  # ZeroPad2d too
        left, _right, top, _bottom = module.padding
        return TheoreticalField(field.rows.after(1, 1, top, 1), field.columns.after(1, 1, left, 1))
    return field


def _window(module: Any, axis: int) -> tuple[int, int, int, int]:
    """Return (kernel, stride, padding before, dilation) of a window along rows (0) or columns (1)."""
    kernel = _on_axis(module.kernel_size, axis)
    stride = _on_axis(module.stride, axis)
    dilation = _on_axis(getattr(module, "dilation", 1), axis)
    if module.padding == "same":
        return kernel, stride, dilation * (kernel - 1) // 2, dilation
    return (kernel, stride, 0 if module.padding == "valid" else _on_axis(module.padding, axis), dilation)


def _on_axis(value: int | tuple[int, int], axis: int) -> int:
    return value if isinstance(value, int) else value[axis]


def _kind(module: nn.Module) -> str:
    return type(module).__name__


def _unknown(reason: Clause) -> UnsupportedModelError:
    return UnsupportedModelError("{reason}. Its gradient receptive field can still be measured.", reason=reason)
