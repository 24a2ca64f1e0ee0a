"""Anatomy: the real tensors of every step of a Vision Transformer, for one picture.

Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", equations 1 to 4. Nothing is recomputed from a formula that
the model might not follow: tensors are taken from a forward pass, and where they should obey an equation the largest
deviation from it is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.analysis.position_kinds import positions_of
from vitviz.capture.own_forward import body_of
from vitviz.errors import check_index
from vitviz.models.parts import block_parts, patch_embedding, tensor_of
from vitviz.models.vit import ViT
from vitviz.record import Record, Result
from vitviz.trace import Trace
from vitviz.trace.forward import as_result, rounding


@dataclass(frozen=True, eq=False)
class Embedding(Result):
    """From pixels to z₀, the input of the first block."""

    patches: Tensor
    """(N, C, p, p): the normalised pixels of each patch, row by row."""
    tokens: Tensor | None
    """(N, D): what the model's patch embedding returns; None where it does not return one vector a patch."""
    projection: Tensor | None
    """(D, C·p·p): the matrix E, transposed; None where the embedding is no single linear map of a patch."""
    projection_gap: float | None
    """Largest difference between flattened patches times E (plus bias) and ``tokens``."""
    positions: Tensor | None
    """(N, D): what is added to the patch tokens; None if nothing is."""
    start: Tensor
    """(prefix + N, D): z₀."""

    @property
    def flat(self) -> Tensor:
        """(N, C·p·p): each patch as one vector."""
        return self.patches.flatten(1)


@dataclass(frozen=True, eq=False)
class BlockStep(Result):
    """One block: z' = MHSA(LN(z)) + z, then z'' = MLP(LN(z')) + z', each (token, channel)."""

    layer: int
    before: Tensor
    """z: what enters."""
    between: Tensor | None
    """z': after the attention branch was added; None for a block of another build."""
    after: Tensor
    """z'': what leaves."""
    gap: float | None
    """Largest difference between z' − z and what the attention module returned, layer scale included."""
    scaled: bool = False
    """Whether each branch is multiplied by a learned vector γ before it is added (LayerScale)."""

    @property
    def attention_branch(self) -> Tensor | None:
        """What attention adds, (token, channel)."""
        return None if self.between is None else self.between - self.before

    @property
    def mlp_branch(self) -> Tensor | None:
        """What the MLP adds, (token, channel)."""
        return None if self.between is None else self.after - self.between


@dataclass(frozen=True)
class Norms(Record):
    """Mean Euclidean norms over the tokens of what a block takes, adds and leaves."""

    before: float
    attention_branch: float
    between: float
    mlp_branch: float
    after: float


def embedding(vit: ViT, trace: Trace) -> Embedding:
    """Return the tensors of the steps before the first block; one more forward pass."""
    patches = _cut(vit, trace.pixels)
    seen: dict[str, Tensor] = {}
    shell = vit.working_copy()
    embed = patch_embedding(body_of(shell))
    if embed is not None:
        embed.register_forward_hook(_keep(seen, "tokens"))
    with vit.lock, torch.no_grad():
        shell.forward_features(vit.as_input(trace.pixels[None]))
    tokens = _one_vector_each(seen.get("tokens"), vit.grid.patches)
    projection, bias = _projection(embed, patches)
    gap = None
    if projection is not None and tokens is not None:
        gap = float((patches.flatten(1) @ projection.mT + bias - tokens).abs().max())
    return Embedding(patches, tokens, projection, gap, positions_of(vit).added, trace.residual(-1))


def principal_filters(projection: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the principal components of the columns of E (component, C·p·p) and the share of variance of each.

    ``projection`` is (D, C·p·p). Dosovitskiy et al. 2021, figure 7: the directions in which the filters differ most.

    >>> from vitviz.labs.anatomy import embedding, principal_filters
    >>> components, shares = principal_filters(embedding(vit, trace).projection, 28)
    >>> components.shape, bool(shares[0] > shares[1])
    (torch.Size([28, 588]), True)
    """
    _left, sizes, components = torch.linalg.svd(projection - projection.mean(0), full_matrices=False)
    shares = sizes**2 / (sizes**2).sum().clamp_min(torch.finfo(sizes.dtype).tiny)
    return components[:count], shares[:count]


def _cut(vit: ViT, pixels: Tensor) -> Tensor:
    """Return the pixels of every patch, (N, C, p, p); pixels that no patch covers are left out."""
    height, width = vit.grid.patch_size
    covered = pixels[:, : vit.grid.rows * height, : vit.grid.columns * width].float()
    cells = covered.unfold(1, height, height).unfold(2, width, width)  # (C, rows, columns, p, p)
    return cells.permute(1, 2, 0, 3, 4).flatten(0, 1)


def _keep(seen: dict[str, Tensor], name: str) -> Callable[..., None]:
    def keep(module: nn.Module, args: Any, output: Any) -> None:
        tensor = tensor_of(output)
        if tensor is not None:
            seen[name] = (tensor.flatten(2).mT if isinstance(module, nn.Conv2d) else tensor).detach()

    return keep


def _one_vector_each(output: Tensor | None, patches: int) -> Tensor | None:
    """Return a patch embedding's output as (N, D), whatever its layout, or None if it is something else."""
    if output is None:
        return None
    flat = as_result(output[0]).flatten(0, -2)  # (N, D) of (N, D) or (rows, columns, D)
    return flat if flat.shape[0] == patches else None


def _projection(embed: Any, patches: Tensor) -> tuple[Tensor | None, Tensor]:
    """Return E, transposed, and its bias, where a single convolution of the patch's size embeds the patches."""
    convolution: Any = embed if isinstance(embed, nn.Conv2d) else getattr(embed, "proj", None)
    size = tuple(patches.shape[-2:])
    plain = isinstance(convolution, nn.Conv2d) and convolution.kernel_size == size
    normed = not isinstance(getattr(embed, "norm", nn.Identity()), nn.Identity)
    if not plain or normed or hasattr(embed, "backbone") or convolution.stride != size:
        return None, torch.zeros(())
    weight = convolution.weight.detach().flatten(1).float().cpu()
    bias = convolution.bias
    return weight, torch.zeros(()) if bias is None else bias.detach().float().cpu()


def block_step(vit: ViT, trace: Trace, layer: int) -> BlockStep:
    """Return what a block takes, adds and leaves; the block alone is run again, on the trace's own tokens.

    Raises OptionError for a layer that does not exist.
    """
    check_index("Layer", layer, trace.layers)
    before, after = trace.residual(layer - 1), trace.residual(layer)
    seen: dict[str, Tensor] = {}
    shell = vit.working_copy()
    block: Any = list(shell.blocks.children())[layer]
    parts = block_parts(block)
    for name, part in (("norm1", parts.norm1), ("norm2", parts.norm2)):
        if part is not None:
            part.register_forward_pre_hook(_keep_input(seen, name))
    for name, part in (("attn", parts.attention), ("ls1", parts.scale)):
        if part is not None:
            part.register_forward_hook(_keep(seen, name))
    with vit.lock, torch.no_grad():
        shell.forward_features(vit.as_input(trace.pixels[None]))
    between = _between(seen, before)
    gap = None
    if between is not None and "attn" in seen:
        added = seen.get("ls1", seen["attn"])[0].float().cpu()
        if added.shape == between.shape and parts.scale_vector is None:
            gap = float((between - before - added).abs().max())
    return BlockStep(layer, before.float().cpu(), between, after.float().cpu(), gap, scales_branches(block))


def scales_branches(block: Any) -> bool:
    """Return whether a block multiplies what its branches return by a learned vector (Touvron et al. 2021, CaiT)."""
    scale = block_parts(block).scale
    return scale is not None and not isinstance(scale, nn.Identity)


def _keep_input(seen: dict[str, Tensor], name: str) -> Callable[..., None]:
    def keep(module: nn.Module, args: tuple[Any, ...]) -> None:
        if args and isinstance(args[0], Tensor):
            seen[name] = args[0].detach()

    return keep


def _between(seen: dict[str, Tensor], before: Tensor) -> Tensor | None:
    """Return z', the input of the second norm, if the first norm's input is z: a block that normalises first."""
    first, second = seen.get("norm1"), seen.get("norm2")
    if first is None or second is None or first[0].shape != before.shape:
        return None
    if second[0].shape != before.shape or not torch.allclose(
        as_result(first[0]), before, rtol=(near := rounding(second.dtype, 1e-4)), atol=near * float(before.abs().max())
    ):
        return None
    return second[0].float().cpu()


def norms(step: BlockStep) -> Norms | None:
    """Return the mean norms of a block's streams and branches, or None for a block of another build."""
    if step.between is None or step.attention_branch is None or step.mlp_branch is None:
        return None
    parts = (step.before, step.attention_branch, step.between, step.mlp_branch, step.after)
    return Norms(*(float(part.norm(dim=-1).mean()) for part in parts))
