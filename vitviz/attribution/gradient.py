"""Explanations from gradients at the pixels.

Integrated gradients are Captum's. The others need one gradient, or the mean of some, which a trace or the guard of
``capture/graph`` gives; random numbers come from a generator with the task's seed, and not from the global one that
Captum draws from. The tests hold every method to Captum's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vitviz.analysis.quick_pass import alike, class_token_scores
from vitviz.analysis.replacement import PICTURES, replacement_picture
from vitviz.analysis.scoring import score_batch
from vitviz.attribution.method import Knob, Method, RawMap, Task
from vitviz.batches import fitting
from vitviz.capture.graph import pixel_gradient
from vitviz.progress import report

Engine = Callable[[Tensor], Tensor]
BASELINE = Knob("baseline", "mean", "Picture where nothing is left to explain.", choices=PICTURES, label="Baseline")
SAMPLES = Knob("n_samples", 16, "Noisy copies of the picture.", 1, 256, label="Noisy copies")
NOISE = Knob("noise", 0.15, "Standard deviation, as a share of the picture's range.", 0, 1, label="Noise")
AT_ONCE = 4
"""Inputs of one backward pass: more keep more activations and are no faster on a processor."""


def saliency(task: Task) -> RawMap:
    """Return the largest absolute gradient of the colours of each pixel: (height, width)."""
    return RawMap(task.trace.pixel_gradient().abs().amax(0))


def smooth_grad(task: Task, *, n_samples: int, noise: float) -> RawMap:
    """Return the saliency of the mean gradient over noisy copies of the picture: (height, width)."""
    generator, spread = torch.Generator().manual_seed(task.seed), noise * _range(task.pixels)
    sums = _Mean()

    def add(count: int, _done: int) -> None:
        sums.add(_halved(_gradient(task), _noisy(task.pixels, count, spread, generator)))

    def raw() -> RawMap:
        values, colour = sums.mean().abs().max(0)  # (height, width) each
        return RawMap(values, sampling_error=sums.error(colour))

    _in_portions(task, n_samples, add, raw)
    return raw()


def input_x_gradient(task: Task) -> RawMap:
    """Return the sum over colours of input times gradient: (height, width), signed."""
    values = (task.pixels * task.trace.pixel_gradient().to(task.pixels)).sum(0)
    return RawMap(values, _gap(task, values, torch.zeros_like(task.pixels)))


def integrated_gradients(task: Task, *, n_steps: int, baseline: str) -> RawMap:
    """Return integrated gradients from a baseline to the picture, summed over colours: (height, width), signed.

    Sundararajan et al. 2017, equation 1, by Gauss-Legendre quadrature with ``n_steps`` nodes. The values add up to
    score(picture) − score(baseline), but for the completeness gap.
    """
    from captum.attr import IntegratedGradients

    start = replacement_picture(task.vit, task.pixels, baseline, seed=task.seed)
    empty_score = _scores(task, start[None])
    gradient, done = _gradient(task, _quick_scores(task, start[None], empty_score)), 0

    def slopes(*, inputs: tuple[Tensor], **_others: Any) -> tuple[Tensor]:
        nonlocal done
        done += len(inputs[0])
        report(task.progress, done, n_steps)
        return (_halved(gradient, inputs[0]),)

    engine = IntegratedGradients(gradient)
    engine.gradient_func = slopes  # Captum's quadrature over guarded gradients, in parts that the memory holds
    with torch.inference_mode(False), task.vit.lock.long_work(lambda: report(task.progress, done, n_steps)):
        pixels, empty = task.pixels[None].clone(), start[None].clone()
        size = max(2, _at_once(task))  # of one, Captum warns
        values = engine.attribute(pixels, baselines=empty, n_steps=n_steps, internal_batch_size=size)[0].sum(0)
    change = task.target.score(task.trace.logits, task.trace.embedding) - empty_score[0]
    return RawMap(values.detach(), float(values.sum()) - float(change))


def gradient_shap(task: Task, *, n_samples: int, noise: float, baseline: str) -> RawMap:
    """Return the mean of gradient × (picture − baseline) at random points between the two: (height, width), signed.

    Lundberg & Lee 2017 (expected gradients): each sample adds noise to the picture and draws its point uniformly. The
    values add up to the mean of score(noisy picture) − score(baseline), but for the completeness gap.
    """
    generator, spread = torch.Generator().manual_seed(task.seed), noise * _range(task.pixels)
    start = replacement_picture(task.vit, task.pixels, baseline, seed=task.seed)
    points = torch.rand(n_samples, 1, 1, 1, generator=generator)  # (sample, 1, 1, 1)
    sums, promised, empty = _Mean(), 0.0, float(_scores(task, start[None])[0])

    def add(count: int, done: int) -> None:
        nonlocal promised
        noisy = _noisy(task.pixels, count, spread, generator)  # (sample, 3, height, width)
        share = points[done : done + count].to(noisy)
        slopes = _halved(_gradient(task), share * noisy + (1 - share) * start)
        sums.add((slopes * (noisy - start)).sum(1, keepdim=True))  # of all colours: (sample, 1, height, width)
        promised += float(_halved(lambda part: _scores(task, part), noisy).sum())

    def raw() -> RawMap:
        values = sums.mean()[0]  # (height, width)
        return RawMap(values, float(values.sum()) - (promised / sums.count - empty), sums.error())

    _in_portions(task, n_samples, add, raw)
    return raw()


class _Mean:
    """The mean of samples, (sample, channel, height, width), and what it is sure of."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: Tensor | float = 0.0
        self._square: Tensor | float = 0.0

    def add(self, samples: Tensor) -> None:
        """Add some samples."""
        samples = samples.cpu().double()
        self.count += len(samples)
        self._sum = self._sum + samples.sum(0)
        self._square = self._square + samples.square().sum(0)

    def mean(self) -> Tensor:
        """Return the mean, (channel, height, width)."""
        return torch.as_tensor(self._sum / self.count).float()

    def error(self, channel: Tensor | None = None) -> float | None:
        """Return the standard error of the mean, the root of its mean square over all, or over a channel a pixel.

        None for a single sample.
        """
        if self.count < 2:
            return None
        mean = torch.as_tensor(self._sum / self.count)
        variance = (torch.as_tensor(self._square / self.count) - mean.square()).clamp(min=0) / (self.count - 1)
        if channel is not None:
            variance = variance.gather(0, channel[None])
        return float(variance.mean().sqrt())


def _at_once(task: Task) -> int:
    return min(task.batch_size, AT_ONCE)


def _gradient(task: Task, scores: Engine | None = None) -> Engine:
    """Return the function from a batch of inputs to the gradients of their scores, by default those of the model.

    Each batch, forward and backward, is one turn at the model: one graph is in memory at a time, however many explain.
    """

    def gradient(batch: Tensor) -> Tensor:
        with task.vit.lock, torch.inference_mode(False), torch.enable_grad():
            leaf = batch.detach().clone().requires_grad_()
            answer = score_batch(task.vit, leaf, task.target) if scores is None else scores(leaf)
            return pixel_gradient(answer, leaf).detach()

    return gradient


def _quick_scores(task: Task, batch: Tensor, expected: Tensor) -> Engine | None:
    """Return the scores with the last block for the class token alone, or None if they are not as expected."""
    scores = class_token_scores(task.vit, task.target)
    if scores is None:
        return None
    with torch.no_grad():
        own = scores(batch).cpu()
    return scores if alike(own, expected, task.vit.dtype) else None


def _gap(task: Task, values: Tensor, baseline: Tensor) -> float:
    """Return the sum of the values minus score(picture) − score(baseline); the trace knows the picture's."""
    whole = task.target.score(task.trace.logits, task.trace.embedding)
    return float(values.sum()) - float(whole - _scores(task, baseline[None])[0])


def _scores(task: Task, batch: Tensor) -> Tensor:
    with torch.no_grad():
        return score_batch(task.vit, batch, task.target).cpu()


def _range(pixels: Tensor) -> float:
    return float(pixels.max() - pixels.min())


def _noisy(pixels: Tensor, count: int, spread: float, generator: torch.Generator) -> Tensor:
    """Return noisy copies of a picture; the numbers do not depend on how many are drawn at once."""
    noise = [torch.randn(pixels.shape, generator=generator).to(pixels) for _ in range(count)]
    return pixels + spread * torch.stack(noise)


def _in_portions(task: Task, total: int, step: Callable[[int, int], None], raw: Callable[[], RawMap]) -> None:
    """Call ``step(count, done)`` until ``total`` are done, a few at a time; other work goes first in between.

    ``raw`` gives the map as it stands.
    """
    done = 0
    with task.vit.lock.long_work(lambda: report(task.progress, done, total)):
        while done < total:
            count = min(_at_once(task), total - done)
            step(count, done)
            done += count
            report(task.progress, done, total)
            if done < total:
                task.show(raw)


def _halved(function: Engine, batch: Tensor) -> Tensor:
    """Return function(batch); in two halves, and so on, where the memory does not suffice."""
    return torch.cat(fitting(function, batch))


def _pixel_method(name: str, label: str, **details: Any) -> Method:
    return Method(name, label, pixelwise=True, **details)


METHODS = (
    _pixel_method(
        "saliency",
        "Saliency",
        summary="Pixels whose change would move the target's score most.",
        formula="max_colour |∂ s / ∂ x|",
        paper="Simonyan, Vedaldi & Zisserman 2014, Deep Inside Convolutional Networks",
        cost="1 forward, 1 backward",
        limits="It is a sensitivity, noisy, and blind to how much of the score a pixel already makes.",
        function=saliency,
        backward=True,
    ),
    _pixel_method(
        "input_x_gradient",
        "Input × gradient",
        summary="How much each pixel adds to the score in the model's linear approximation at this picture.",
        formula="Σ_colour x ∂ s / ∂ x",
        paper="Shrikumar et al. 2016, Not Just a Black Box",
        cost="2 forward, 1 backward",
        limits="A pixel of the training data's mean colour gets 0 whatever it shows.",
        function=input_x_gradient,
        backward=True,
        signed=True,
    ),
    _pixel_method(
        "integrated_gradients",
        "Integrated gradients",
        summary="How the change of the score from a baseline to this picture is shared among the pixels.",
        formula="Σ_colour (x − x′) ∫₀¹ ∂ s(x′ + t (x − x′)) / ∂ x dt",
        paper="Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks",
        cost="1 forward, 1 backward for each step",
        limits="It explains the difference to the baseline: pixels that look like the baseline get nothing.",
        function=integrated_gradients,
        differentiates=True,
        knobs=(
            Knob("n_steps", 32, "Points on the way from the baseline to the picture.", 2, 512, label="Steps"),
            BASELINE,
        ),
        signed=True,
        passes=lambda knobs, _grid: 3 * knobs["n_steps"],
    ),
    _pixel_method(
        "smooth_grad",
        "SmoothGrad",
        summary="Saliency of the mean gradient over noisy copies of the picture.",
        formula="max_colour |mean_i ∂ s(x + ε_i) / ∂ x|",
        paper="Smilkov et al. 2017, SmoothGrad: Removing Noise by Adding Noise",
        cost="1 forward, 1 backward for each noisy copy",
        limits="More noise makes a smoother map, of a picture that looks less like this one.",
        function=smooth_grad,
        differentiates=True,
        knobs=(SAMPLES, NOISE),
        seeded=True,
        passes=lambda knobs, _grid: 3 * knobs["n_samples"],
    ),
    _pixel_method(
        "gradient_shap",
        "GradientSHAP",
        summary="Integrated gradients at random points from noisy copies: an estimate of Shapley values.",
        formula="Σ_colour mean_i (x + ε_i − x′) ∂ s(x′ + t_i (x + ε_i − x′)) / ∂ x",
        paper="Lundberg & Lee 2017; Erion et al. 2021, Expected Gradients",
        cost="2 forward, 1 backward for each noisy copy",
        limits="It varies with the seed; few samples leave a large completeness gap.",
        function=gradient_shap,
        differentiates=True,
        knobs=(SAMPLES, Knob("noise", 0.05, NOISE.help, 0, 1, label="Noise"), BASELINE),
        signed=True,
        seeded=True,
        passes=lambda knobs, _grid: 4 * knobs["n_samples"],
    ),
)
