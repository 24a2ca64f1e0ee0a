"""Knowledge distillation: a student learns from a teacher's answers and not from the labels alone.

Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2; Touvron et al. 2021,
"Training data-efficient image transformers and distillation through attention" (DeiT), equations 2 and 3.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vitviz.errors import OptionError


def soft_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return T²·KL(softmax(z_t/T) ‖ softmax(z_s/T)), the mean over the pictures, in nats.

    ``student`` and ``teacher`` are logits (picture, class). The T² keeps the gradient's size when T is changed.
    Raises OptionError for a temperature that is not positive, or logits of different shapes.
    """
    _check(temperature)
    if student.shape != teacher.shape:
        raise OptionError(
            f"The student's logits have shape {tuple(student.shape)}, the teacher's {tuple(teacher.shape)}; "
            "wanted the same (picture, class). Give both the same pictures."
        )
    divergence: Tensor = functional.kl_div(
        functional.log_softmax(student / temperature, -1),
        functional.log_softmax(teacher / temperature, -1),
        reduction="batchmean",
        log_target=True,
    )
    return divergence * temperature**2


def hinton_loss(student: Tensor, teacher: Tensor, labels: Tensor, *, alpha: float, temperature: float) -> Tensor:
    """Return (1 − α)·CE(y, z_s) + α·T²·KL(softmax(z_t/T) ‖ softmax(z_s/T)), in nats.

    Raises OptionError for an α outside [0, 1] or a temperature that is not positive.
    """
    if not 0 <= alpha <= 1:
        raise OptionError(f"α is {alpha}; wanted 0 (labels alone) to 1 (teacher alone).")
    hard = functional.cross_entropy(student, labels)
    return (1 - alpha) * hard + alpha * soft_loss(student, teacher, temperature)


def hard_loss(class_logits: Tensor, distillation_logits: Tensor, labels: Tensor, teacher: Tensor) -> Tensor:
    """Return DeiT's hard distillation: ½CE(z_class, y) + ½CE(z_distillation, argmax z_t), in nats."""
    decided = teacher.argmax(-1)
    return 0.5 * functional.cross_entropy(class_logits, labels) + 0.5 * functional.cross_entropy(
        distillation_logits, decided
    )


def soft_gradient(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the gradient of T²·KL with respect to the student's logits of one picture: T·(p_s − p_t), (class,)."""
    _check(temperature)
    gradient: Tensor = temperature * ((student / temperature).softmax(-1) - (teacher / temperature).softmax(-1))
    return gradient


def gradient_limit(student: Tensor, teacher: Tensor) -> Tensor:
    """Return what ``soft_gradient`` tends to for T → ∞: (z_s − z_t)/N, after each mean over the N classes is removed.

    Hinton et al. 2015, equations 2 to 4, for logits of mean zero.
    """
    apart: Tensor = student - teacher
    return (apart - apart.mean(-1, keepdim=True)) / student.shape[-1]


def limit_gap(student: Tensor, teacher: Tensor, temperatures: list[float]) -> list[float]:
    """Return how far the gradient is from its limit at each temperature, as a share of the limit's norm.

    Raises OptionError for logits that differ by a constant only: their limit is zero.
    """
    limit = gradient_limit(student.double(), teacher.double())
    size = max(1.0, float(student.double().norm()), float(teacher.double().norm()))
    if float(limit.norm()) < 1e-9 * size:
        raise OptionError(
            "The two sets of logits differ by a constant, so there is no gradient; wanted different answers."
        )
    gaps = [soft_gradient(student.double(), teacher.double(), temperature) - limit for temperature in temperatures]
    return [float(torch.linalg.vector_norm(gap) / limit.norm()) for gap in gaps]


def _check(temperature: float) -> None:
    if not 0 < temperature < float("inf"):
        raise OptionError(
            f"The temperature is {temperature}; wanted a positive number. 1 leaves the answers as they are."
        )
