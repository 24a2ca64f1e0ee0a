"""Explanations from attention: its weights, its gradients, its values, layer by layer from one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.attention.rollout import FUSIONS, carried
from vitviz.attribution.method import Knob, Method, RawMap, Task
from vitviz.attribution.readout import no_class_token, readout
from vitviz.capture.proof import differ, noise
from vitviz.capture.tap import AttentionTap, watch_blocks
from vitviz.models.examination import is_of_libraries
from vitviz.models.parts import block_parts
from vitviz.models.vit import ViT
from vitviz.trace.along import MEANS, RELEVANCES
from vitviz.trace.forward import as_result
from vitviz.trace.on_device import on_device
from vitviz.trace.trace import Trace

LAYER = Knob("layer", None, "Block whose tokens are read, counted from 0.", label="Layer")


def class_attention(task: Task, *, layer: int) -> RawMap:
    """Return the mean over the heads of where the class token looks in one layer: (rows, columns)."""
    row = task.trace.attention_row(layer, "class").mean(0)  # (key,)
    return RawMap(task.trace.grid.to_map(row))


def attention_rollout(task: Task, *, head_fusion: str, discard_ratio: float, residual: float) -> RawMap:
    """Return the rollout's rows of the tokens that the answer is read from, weighted as it reads them."""
    options: dict[str, Any] = {"head_fusion": head_fusion, "discard_ratio": discard_ratio, "residual": residual}
    weights = readout(task.vit, task.trace)  # (token,)
    return RawMap(task.trace.grid.to_map(carried(task.trace, weights, **options)))


def gradient_rollout(task: Task) -> RawMap:
    """Return what the answer's tokens collect in R ← R + Ā R, with Ā the mean over heads of (∇A ⊙ A)⁺.

    Chefer, Gur & Wolf 2021, equations 5 and 6. Only the rows that the answer is read from are carried, from the last
    layer to the first, so that each layer costs a product of a vector and a matrix.

    An attention pooling is the paper's cross-attention, from the learned query to the tokens: equations 8 to 10,
    Ā_pool (R̂ / rowsum R̂ + I) with R̂ = R − I, as its published code does for DETR. So the pooling's map is weighted
    by its gradient like every other, and what it takes from a patch directly counts too. Its bare attention, as the
    readout of a rollout, would show what the pooling reads whether or not it speaks for the target.
    """
    trace = on_device(task.trace)
    if trace.pool_calls:
        pool = trace.pool_attention_gradient() * trace.pool_attention()  # (heads, query, key)
        taken = _at_the_end(pool.clamp(min=0).mean(0).sum(0), trace.grid.tokens)  # (token,)
        weight = _carried_up(trace, torch.ones_like(taken))  # the row sums of R̂: (token,)
        start = torch.where(weight > 0, taken / weight.where(weight > 0, 1), 0)
        return RawMap(trace.grid.to_map(_carried_down(trace, start) + taken))
    start = readout(task.vit, task.trace).to(trace.calls[0][0].queries.device)
    return RawMap(trace.grid.to_map(_carried_down(trace, start)))


def _relevance(trace: Trace, layer: int) -> Iterator[Tensor]:
    """Yield (∇A ⊙ A)⁺ of each head of a layer: (query, key)."""
    for slope, attention in zip(trace.head_attention_gradients(layer), trace.head_attentions(layer), strict=True):
        yield slope.mul_(attention).clamp_(min=0)


def _carried_down(trace: Trace, row: Tensor) -> Tensor:
    """Return row · (R − I), from the last layer to the first: (token,) → (token,).

    What is collected is kept apart from the row: beside it, small gradients (LayerScale) would be rounded to nothing.
    """
    collected = torch.zeros_like(row)
    for layer in reversed(range(trace.layers)):
        whole = row + collected
        if trace.relevances:
            collected = collected + whole @ trace.relevances[layer]
        else:
            collected = collected + torch.stack([whole @ head for head in _relevance(trace, layer)]).mean(0)
    return collected


def _carried_up(trace: Trace, column: Tensor) -> Tensor:
    """Return (R − I) · column, from the first layer to the last: (token,) → (token,)."""
    collected = torch.zeros_like(column)
    for layer in range(trace.layers):
        whole = column + collected
        if trace.relevances:
            collected = collected + trace.relevances[layer] @ whole
        else:
            collected = collected + torch.stack([head @ whole for head in _relevance(trace, layer)]).mean(0)
    return collected


def _at_the_end(shares: Tensor, tokens: int) -> Tensor:
    """Return the shares of the pooled tokens among all tokens: some poolings leave the prefix tokens out."""
    return torch.cat([shares.new_zeros(tokens - len(shares)), shares])


def legrad(task: Task) -> RawMap:
    """Return the sum over layers of the positive gradients of each layer's own score towards its attention.

    Bousselham et al. 2024: the target is read from the residual stream after every block, through the model's last
    norm and head; E = mean over heads and queries of (∂ score / ∂ attention)⁺.

    Where attention pools (SigLIP), the gradient is taken at the pooling's map, as the authors do (their
    ``compute_legrad_siglip``): there the layer's answer is formed from its patches. A block's own attention only moves
    things between patches before that; its gradient says where attention would help, not where the evidence lies.
    Unlike their code, a layer's stream passes the model's last norm before the pooling, as the model's own answer
    does, and no second map of an empty prompt is taken off.
    """
    trace = on_device(task.trace)
    total = trace.calls[0][0].queries.new_zeros(trace.grid.tokens, dtype=torch.float32)
    for layer in range(trace.layers):
        slope = trace.layer_gradient_rows(layer)  # (heads, row, key): the queries left out have a gradient of 0
        queries = slope.shape[1] if trace.pool_calls else trace.grid.tokens
        total += _at_the_end(slope.clamp(min=0).sum((0, 1)) / (len(slope) * queries), len(total))
    return RawMap(trace.grid.to_map(total))


def value_weighted_attention(task: Task, *, layer: int) -> RawMap:
    """Return how long a vector each token contributes to the answer's tokens in one layer: ‖Σ_h α_h f_h(x)‖.

    Kobayashi et al. 2020, equation 3. f is the value after the head's part of the output projection; where that
    projection does not follow the heads directly, the mean over heads of α ‖v‖ is returned, and a note says so.
    """
    weights = readout(task.vit, task.trace)  # (query,)
    attention = weights @ task.trace.attention(layer)  # (heads, key)
    values = task.trace.values(layer).float()  # (heads, key, head_dim)
    projection = output_projection(task.vit, layer)
    if projection is None:
        lengths = (attention * values.norm(dim=-1)).mean(0)  # (key,)
        note = "the length of the values is used: this layer changes them before its output projection"
        return RawMap(task.trace.grid.to_map(lengths), notes=(note,))
    weighted = (attention[..., None] * values).transpose(0, 1).flatten(1)  # (key, heads · head_dim)
    lengths = (weighted @ as_result(projection).float().T).norm(dim=-1)  # (key,)
    note = "the length of the values after the output projection is used"
    return RawMap(task.trace.grid.to_map(lengths), notes=(note,))


def output_projection(vit: ViT, layer: int) -> Tensor | None:
    """Return the matrix that turns the heads of a layer into its output, (channel, heads · head_dim), or None.

    None if something stands between the heads and the matrix (a norm, a gate), or if there are parallel branches; for
    attention of the user's own, if a pass does not show that it is the heads side by side that reach the matrix.
    """
    block: Any = list(vit.shell.blocks.children())[layer]  # type: ignore[union-attr]
    parts = block_parts(block)
    attention, projection = parts.attention, parts.projection
    if not isinstance(projection, nn.Linear):
        return None
    between = [getattr(attention, name, None) for name in ("norm", "inner_attn_ln", "gate")]
    plain = all(part is None or part is False or isinstance(part, nn.Identity) for part in between)
    known = isinstance(attention, nn.MultiheadAttention) or attention is not None and is_of_libraries(attention)
    return projection.weight.detach() if plain and (known or _is_given_heads(vit, layer)) else None


def _is_given_heads(vit: ViT, layer: int) -> bool:
    """Return whether the output projection of a layer is given what its heads made, side by side."""
    shell, given = vit.working_copy(), list[Tensor]()
    blocks = list(shell.blocks.children())
    watch_blocks(blocks)
    projection: Any = block_parts(blocks[layer]).projection
    projection.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    with vit.lock, torch.inference_mode(False), torch.no_grad(), AttentionTap(keep_outputs=True) as tap:
        shell.forward_features(noise(shell, (vit.channels, *vit.image_size)))
    heads = torch.cat([call.output for call in tap.calls if call.layer == layer and call.output is not None], 1)
    wanted = heads.transpose(1, 2).flatten(2)  # (1, query, heads · head_dim)
    return len(given) == 1 and given[0].shape == wanted.shape and differ(wanted, given[0]) is None


def token_grad_cam(task: Task, *, layer: int) -> RawMap:
    """Return ReLU(Σ_c α_c X_c) over the patches, with X the tokens that enter a block and α their mean gradient.

    Selvaraju et al. 2017, equations 1 and 2, with the residual stream before ``layer`` as the activation.
    """
    trace = task.trace
    weights = trace.stream_gradient(layer - 1)[len(trace.grid.prefix) :].mean(0)  # (channel,)
    cam = (trace.residual(layer - 1) @ weights).clamp(min=0)  # (token,)
    return RawMap(trace.grid.to_map(cam))


METHODS = (
    Method(
        "class_attention",
        "Class-token attention",
        "Where the class token looks in one layer, mean over its heads.",
        "mean_h A_h[class, patch]",
        "Dosovitskiy et al. 2021, An Image Is Worth 16×16 Words; Caron et al. 2021 (DINO)",
        "1 forward",
        "It is the same for every target, and one layer's weights are not what the answer depends on.",
        class_attention,
        (LAYER,),
        targeted=False,
        why_not=no_class_token,
        shares=True,
    ),
    Method(
        "rollout",
        "Attention rollout",
        "What the answer's tokens are put together from, if attention were all that mixes tokens.",
        "R = Â_L ⋯ Â_1, Â = (1 − r) A + r I",
        "Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers",
        "1 forward",
        "It is the same for every target and knows neither values nor MLPs.",
        attention_rollout,
        (
            Knob(
                "head_fusion", "mean", "How the heads of a layer become one.", choices=FUSIONS, label="Heads fused by"
            ),
            Knob(
                "discard_ratio",
                0.0,
                "Share of the smallest weights set to zero.",
                0,
                0.99,
                label="Discard the smallest",
            ),
            Knob("residual", 0.5, "Share of the residual connection.", 0, 1, label="Residual share"),
        ),
        targeted=False,
        along=MEANS,
        shares=True,
    ),
    Method(
        "gradient_rollout",
        "Gradient-weighted rollout",
        "Attention that would raise the target's score, followed through all layers.",
        "R ← R + Ā R, Ā = mean_h (∇A_h ⊙ A_h)⁺",
        "Chefer, Gur & Wolf 2021, Generic Attention-model Explainability, ICCV",
        "1 forward, 1 backward",
        "Evidence against the target is cut off at every layer; values and MLPs enter through gradients only.",
        gradient_rollout,
        backward=True,
        along=RELEVANCES,
    ),
    Method(
        "legrad",
        "LeGrad",
        "Where more attention would raise the target's score, as every layer reads it.",
        "Σ_l mean_(h, query) (∂ s_l / ∂ A_l)⁺",
        "Bousselham et al. 2024, LeGrad: Explainability via Feature Formation Sensitivity",
        "1 forward, 1 backward",
        "It is a sensitivity: what already gets attention does not count for more.",
        legrad,
        layer_scores=True,
    ),
    Method(
        "value_weighted_attention",
        "Value-weighted attention",
        "How much each patch adds to the answer's tokens in one layer: its weight times the length of what it sends.",
        "‖Σ_h α_h f_h(x)‖",
        "Kobayashi et al. 2020, Attention Is Not Only a Weight, EMNLP",
        "1 forward",
        "It is the same for every target: a long vector may point anywhere.",
        value_weighted_attention,
        (LAYER,),
        targeted=False,
    ),
    Method(
        "token_grad_cam",
        "Token Grad-CAM",
        "Patches whose tokens lie along the direction that raises the target's score.",
        "ReLU(Σ_c α_c X_c), α_c = mean_patch ∂ s / ∂ X_c",
        "Selvaraju et al. 2017, Grad-CAM, ICCV",
        "1 forward, 1 backward",
        "One direction for all patches suits convolutions; in transformers the map is often scattered or empty.",
        token_grad_cam,
        (LAYER,),
        backward=True,
    ),
)
