"""How many multiplications a model needs for one picture, counted and not estimated."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from vitviz.errors import UnsupportedModelError
from vitviz.models.vit import ViT


def multiply_accumulates(vit: ViT) -> int:
    """Return the multiply–accumulate operations (MACs) of one forward pass of one picture, classifier included.

    Every matrix product and convolution counts, as torch's own counter sees it (its FLOPs are twice the MACs);
    norms, activations and the softmax do not. Nothing is computed: the pass runs on tensors that have a shape and no
    numbers, so the count takes milliseconds however large the model is.

    Raises UnsupportedModelError for a model whose code looks at the numbers on the way.
    """
    shell = vit.working_copy().to("meta").requires_grad_(False)
    blank = torch.zeros(1, vit.channels, *vit.image_size, device="meta", dtype=vit.dtype)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            shell.forward_head(shell.forward_features(blank))
    except (RuntimeError, NotImplementedError, TypeError) as error:
        raise UnsupportedModelError(
            "The operations of {name} cannot be counted, for its code reads numbers that a count "
            "does not have ({error}); wanted a model that treats every picture of a size alike. "
            "Measure its seconds instead.",
            name=vit.name,
            error=error,
        ) from error
    return int(counter.get_total_flops()) // 2
