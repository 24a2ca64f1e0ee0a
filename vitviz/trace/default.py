"""The target that is explained if none is named, and the warning where a target has no gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.graph import gradients_of
from vitviz.models.vit import ViT
from vitviz.trace.forward import head, lens_features, predict, without_masked
from vitviz.trace.target import Likeness, Target, likeness, reads_embedding, resolve_target

APART = "what sets the image apart from its mean colour"
"""The label of the default target without a classifier."""
VANISHES = "the target has next to no gradient at this picture, so the map is little but rounding: explain another"
"""The note where a gradient is numerically nothing."""
SHARE = 1e-2
"""Part of a random direction's gradient below which a target's counts as nothing."""


def target_of(
    vit: ViT,
    target: int | str | Target | None,
    pixels: Tensor,
    logits: Tensor | None,
    embedding: Tensor,
    edit: Edit = NO_EDIT,
) -> Target:
    """Return what will be explained, with everything fixed: the target given, or the default of the model.

    With a classifier the default is the top-1 class. Without one it is ``apart_from_mean_colour``. ``logits``
    (class,) and ``embedding`` (channel,) are the model's answer to ``pixels`` (3, height, width).
    Raises OptionError for a class that the model has not.
    """
    if target is None and logits is None:
        return apart_from_mean_colour(vit, pixels, embedding, edit)
    resolved = resolve_target(vit, target, logits)
    if resolved.class_index is None and not isinstance(resolved, Likeness):
        return likeness(embedding, resolved.label)  # the own embedding is that of this picture, not of a changed one
    return resolved


def apart_from_mean_colour(vit: ViT, pixels: Tensor, embedding: Tensor, edit: Edit = NO_EDIT) -> Likeness:
    """Return the default target without a classifier: the way from an empty picture's embedding to this one's.

    The score is the projection on e − e₀, where e is the image's embedding and e₀ that of a plain picture of the
    image's own mean colour, which is also the baseline of integrated gradients and the default replacement of
    occlusion: maps that add up, add up to the distance ‖e − e₀‖. It takes one more forward pass, no other photo, no
    network, nothing random.

    Why not the similarity to the own embedding: behind a LayerNorm all embeddings have about the same length r, so
    the projection on the own direction is at its maximum, where the gradient is only what the norm's epsilon leaves
    (on random weights 400 times less than a random direction's for DINOv2, 200,000 times less for EVA-02). Of the
    direction e − e₀ the part along the sphere, which has a gradient, is cos(θ/2), with θ the angle between e and e₀:
    at least one half up to 120°. A mean over other photos has no such bound: photos unlike each other have a mean
    near 0, and e − 0 is the own embedding again.

    A picture that is its own mean colour is all that has no e − e₀; its own embedding is taken, under its own label.
    """
    plain = pixels.mean((1, 2), keepdim=True).expand_as(pixels)  # (3, height, width)
    empty = predict(vit, plain[None], edit=edit)[0].to(embedding)
    own = embedding.detach()
    if not float((own - empty).norm()) > 1e-6 * float(own.norm()):
        return likeness(own, "similarity to the image's own embedding")
    return likeness(own - empty, APART)


def gradient_share(vit: ViT, stream: Tensor, target: Target, edit: Edit = NO_EDIT) -> float:
    """Return how long a target's gradient is beside a random direction's, both at the last residual stream.

    ``stream`` is (token, channel). What lies below the last block is the same for every target, so the last norm and
    the head decide whether one has a gradient; the cost is theirs alone. 0 if both vanish.
    """
    similar = reads_embedding(vit, target)
    if not getattr(vit.observed.proven, "separable", True):
        return 1.0  # the head cannot be run by itself: nothing is known, and nothing said
    with vit.lock, torch.inference_mode(False), torch.enable_grad():
        leaf = stream.detach().clone()[None].requires_grad_()  # (1, token, channel)
        answer = head(vit, without_masked(lens_features(vit, leaf), vit, edit), pre_logits=similar)[0]
        random = torch.randn(answer.shape, generator=torch.Generator().manual_seed(0)).to(answer)
        scores = (target.of_answer(answer, similar=similar), answer @ (random / random.norm()))
        slopes = [gradients_of(score, [leaf], retain_graph=True)[0] for score in scores]
    own, other = (0.0 if slope is None else float(slope.float().norm()) for slope in slopes)
    return own / other if other else 0.0
