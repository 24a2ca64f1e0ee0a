"""A trace on the device of its pass again, for sums over the maps of many layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from torch import Tensor

from vitviz.capture.tap import AttentionCall
from vitviz.models.devices import devices
from vitviz.trace.trace import Gradients, LayerSlopes, Trace


def on_device(trace: Trace) -> Trace:
    """Return a trace whose maps and their gradients are computed on the device of the pass, where it is here.

    A trace is kept on the CPU, and single maps are computed there; maps by the hundred are quicker where the pass ran.
    What is made of them is a result, and ``as_result`` brings it back. The streams and the answer stay.
    """
    device = trace.device
    if device == "cpu" or device not in devices():
        return trace

    def moved(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
        return tuple(tensor.to(device) for tensor in tensors)

    def there(call: AttentionCall) -> AttentionCall:
        queries, keys, values = moved((call.queries, call.keys, call.values))
        bias = None if call.bias is None else call.bias.to(device)
        return replace(call, queries=queries, keys=keys, values=values, bias=bias)

    slopes = trace.gradients
    return replace(
        trace,
        calls=tuple(tuple(map(there, layer)) for layer in trace.calls),
        pool_calls=tuple(map(there, trace.pool_calls)),
        gradients=None
        if slopes is None
        else Gradients(slopes.pixels, slopes.streams, tuple(map(moved, slopes.outputs)), moved(slopes.pools)),
        layer_gradients=tuple(LayerSlopes(moved(layer.parts), layer.queries) for layer in trace.layer_gradients),
        means=moved(trace.means),
        relevances=moved(trace.relevances),
    )
