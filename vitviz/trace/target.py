"""Target: the one number of a model's answer that an explanation is about."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vitviz.errors import OptionError, check_index
from vitviz.models.vit import ViT


@dataclass(frozen=True)
class Target:
    """What is explained: the logit of a class, or the similarity to the image's own embedding."""

    class_index: int | None
    """The class, or None for the similarity to the image's own embedding."""
    label: str
    """In words, for captions and manifests."""

    def score(self, logits: Tensor | None, embedding: Tensor) -> Tensor:
        """Return the number to explain, a scalar tensor.

        For a class, its logit. Without a class, the embedding's projection on its own direction, which is held
        fixed: the cosine itself has its maximum there, hence no gradient.
        """
        if self.class_index is not None and logits is not None:
            return logits[self.class_index]
        direction = torch.nn.functional.normalize(embedding.detach(), dim=-1)  # (channel,)
        return (embedding * direction).sum()


def resolve_target(vit: ViT, target: int | Target | None, logits: Tensor | None) -> Target:
    """Return what will be explained: the given target, or by default the top-1 class or the own embedding.

    Raises OptionError for a class that the model has not.
    """
    if isinstance(target, Target):
        if target.class_index is None:
            return target
        resolve_target(vit, target.class_index, logits)
        return target
    if logits is None:
        if target is not None:
            raise OptionError(
                f"Target {target} is a class, but {vit.name} has no classifier. Leave the target out to explain the "
                "similarity to the image's own embedding."
            )
        return Target(None, "similarity to the image's own embedding")
    if target is None:
        target = int(logits.argmax())
    index = check_index("Target class", target, logits.shape[-1])
    return Target(index, vit.class_name(index))
