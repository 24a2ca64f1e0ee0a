"""One forward pass of one image, kept small; everything else is a pure function of it."""

from vitviz.trace.forward import predict
from vitviz.trace.run import trace
from vitviz.trace.target import Target
from vitviz.trace.trace import Trace

__all__ = ["Target", "Trace", "predict", "trace"]
