"""HuggingFaceViT: a vision model of transformers under the names that vitviz knows from timm.

It holds the model's own modules and has no weight of its own. A plain call of it is a plain call of the model;
``forward_features`` and ``forward_head`` are that call in two parts, and are proven to answer the same.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.shell import shell_of
from vitviz.clause import Clause
from vitviz.errors import OptionError
from vitviz.models.hugging_face.families import (
    ENCODERS,
    FAMILIES,
    HEADS,
    PROJECTIONS,
    TWO_TOWERS,
    Family,
    check_kind,
    classes_of,
    refusal,
)
from vitviz.models.hugging_face.heads import READS, attention_pooled, pooled

Size = tuple[int, int]
_PLACEHOLDER = re.compile(r"LABEL_\d+")
_READABLE = ("sdpa", "eager")


class HuggingFaceViT(nn.Module):
    """A vision model of transformers, seen through timm's names; ``model`` is the user's own module.

    Of a model of pictures and texts it holds the vision tower alone.
    """

    def __init__(self, name: str, model: nn.Module, processor: Any = None) -> None:
        """Find the parts of a model; raises UnsupportedModelError, with the reason, for one that is not read."""
        super().__init__()
        whole: Any = model
        check_kind(name, type(model), whole.config)
        kinds = classes_of(model)
        self.notes: tuple[str, ...] = ()
        self.projection: nn.Module | None = whole.visual_projection if _any(PROJECTIONS, kinds) else None
        if _any((*TWO_TOWERS, *ENCODERS), kinds):
            self.notes = (Clause("of the {kind} its picture encoder is read", kind=type(model).__name__),)
            whole = next(part for part in whole.modules() if _any(FAMILIES, classes_of(part)))
        tower: Any = next(part for part in whole.modules() if _any(FAMILIES, classes_of(part)))
        self.family: Family = FAMILIES[_any(FAMILIES, classes_of(tower))]
        self.kind = _any(FAMILIES, classes_of(tower))
        _check_attention(name, model, tower)
        if self.kind == "ViTMAEModel":
            whole, tower = _unmasked(whole, tower)
            self.notes += (Clause("its random masking of patches is off: all of them are read"),)
        head = _any(HEADS, kinds)
        self.pool, self.classifiers = HEADS[head] if head else (self.family.pool, ())
        # the order is that of a forward pass, so that names of parameters say what comes before the blocks
        self.embeddings: nn.Module = tower.embeddings
        self.shared_positions = nn.ModuleList(
            _present(tower, "shared_position_bias", "rope_embeddings", "pre_layrnorm")
        )
        self.blocks = _blocks(name, type(model), tower)
        self.norm: nn.Module = getattr(tower, self.family.norm) if self.family.norm else nn.Identity()
        self.tower: nn.Module = tower
        self.model: nn.Module = whole
        self.processor = processor
        self.config = tower.config
        self.trained_size = _pair(tower.config.image_size)
        self.image_size = self.trained_size
        self._settle_pool(name, type(model))

    def _settle_pool(self, name: str, kind: type) -> None:
        """Say what a pooler that is there or not makes of the tokens."""
        tower: Any = self.tower
        if self.pool == "attention" and not getattr(tower, "use_head", False):
            self.pool = "patches"
            self.notes += (Clause("it has no pooling head: its embedding is the mean of its patch tokens"),)
        if self.kind == "IJepaModel" and tower.pooler is not None:
            raise refusal(name, kind, Clause("its pooler reads the first patch alone, as if that were a class token"))
        if self.pool == "patches" and not self.classifiers and self.kind == "IJepaModel":
            self.notes += (Clause("it answers with tokens alone: its embedding is the mean of its patch tokens"),)
        if self.pool == "pooler" and getattr(tower, "pooler", None) is None:
            self.pool = "class"
            self.notes += (Clause("it has no pooler: its embedding is the class token after the last norm"),)

    # the names that timm's models have
    @property
    def cls_token(self) -> Any:
        """The class token, or None."""
        token = getattr(self.embeddings, "cls_token", None)
        return getattr(self.embeddings, "class_embedding", None) if token is None else token

    @property
    def dist_token(self) -> Any:
        """The distillation token, or None."""
        return getattr(self.embeddings, "distillation_token", None)

    @property
    def num_prefix_tokens(self) -> int:
        """Number of tokens before the patches."""
        registers = getattr(self.embeddings, "register_tokens", None)
        special = sum(token is not None for token in (self.cls_token, self.dist_token))
        return special + (0 if registers is None else int(registers.shape[-2]))

    @property
    def patch_size(self) -> Size:
        """Height and width in pixels of a patch."""
        return _pair(self.config.patch_size)

    @property
    def pretrained_cfg(self) -> dict[str, Any]:
        """What it was trained for, as timm tells it."""
        return {"input_size": (int(self.config.num_channels), *self.trained_size)}

    @property
    def embed_dim(self) -> int:
        """Channels of a token."""
        return int(self.config.hidden_size)

    @property
    def global_pool(self) -> str:
        """How it pools, in timm's words."""
        if self.pool == "attention":
            return "map"
        return "token" if "class" in self.reads else "avg"

    @property
    def reads(self) -> tuple[str, ...]:
        """The tokens that the answer is read from: names of prefix tokens, and "patches"."""
        mean = self.kind == "BeitModel" and bool(self.config.use_mean_pooling)
        return READS.get("patches" if self.pool == "pooler" and mean else self.pool, READS["class"])

    def get_classifier(self) -> Any:
        """Return the classifier, or several; an identity for a model without one."""
        heads = [getattr(self.model, name) for name in self.classifiers]
        return heads[0] if len(heads) == 1 else tuple(heads) if heads else nn.Identity()

    def set_input_size(self, img_size: Size | None = None, patch_size: Size | None = None) -> None:
        """Take pictures of another size: the model's own code interpolates its positions."""
        if patch_size not in (None, self.patch_size):
            raise ValueError(f"{self.kind} cannot be brought to another patch size")
        self.image_size = self.image_size if img_size is None else (int(img_size[0]), int(img_size[1]))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what a plain call of the model answers: (image, class) logits, or (image, channel) embeddings."""
        answer: Any = self.model(pixels, **self._options(pixels), return_dict=True)
        if self.classifiers:
            logits: Tensor = answer.logits
            return logits
        embeds: Tensor | None = getattr(answer, "image_embeds", None)
        if embeds is not None:
            return embeds
        row: Tensor | None = getattr(answer, "pooler_output", None)
        if row is None:  # the model answers with tokens alone
            row = pooled(self.pool, answer.last_hidden_state, self.num_prefix_tokens)
        return row if self.projection is None else self.projection(row)

    def forward_features(self, pixels: Tensor) -> Tensor:
        """Return the tokens after the last norm, (image, token, channel); CLIP has no norm for all of them."""
        tower: Any = self.tower
        if self.kind == "SiglipVisionModel":  # whose own call pools out of sight
            hidden = tower.embeddings(pixels, **self._options(pixels))
            normed: Tensor = tower.post_layernorm(tower.encoder(inputs_embeds=hidden).last_hidden_state)
            return normed
        tokens: Tensor = tower(pixels, **self._options(pixels), return_dict=True).last_hidden_state
        return tokens

    def forward_head(self, tokens: Tensor, pre_logits: bool = False) -> Tensor:
        """Return the logits of tokens (image, token, channel), or the embeddings that the classifier reads."""
        embedding = self._embedding(tokens)
        if pre_logits or not self.classifiers:
            return embedding
        heads: Any = [getattr(self.model, name) for name in self.classifiers]
        if len(heads) == 2:
            both: Tensor = (heads[0](tokens[:, 0]) + heads[1](tokens[:, 1])) / 2
            return both
        logits: Tensor = heads[0](embedding)
        return logits

    def _embedding(self, tokens: Tensor) -> Tensor:
        tower: Any = self.tower
        if self.pool == "attention":
            return attention_pooled(tower.head, tokens)
        if self.pool == "pooler":
            row: Tensor = tower.pooler(tokens)
            return row
        row = pooled(self.pool, tokens, self.num_prefix_tokens)
        if self.kind == "CLIPVisionModel" and not self.classifiers:
            row = tower.post_layernorm(row)
            return row if self.projection is None else self.projection(row)
        return row

    def _options(self, pixels: Tensor) -> dict[str, Any]:
        """Return what the model has to be told for a batch: to interpolate its positions, to mask nothing."""
        size = (int(pixels.shape[-2]), int(pixels.shape[-1]))
        options: dict[str, Any] = {}
        if self.kind == "ViTMAEModel":
            rows, columns = (side // patch for side, patch in zip(size, self.patch_size, strict=True))
            order = torch.arange(rows * columns, device=pixels.device, dtype=torch.float32)
            options["noise"] = order.expand(len(pixels), -1)  # what is sorted already stays in its place
        if self.family.interpolates == "asked" and size != self.trained_size:
            options["interpolate_pos_encoding"] = True
        return options

    def check_size(self, name: str, size: Size) -> None:
        """Raise OptionError for a size that the model's code would interpolate wrongly: it takes grids for squares."""
        rows, columns = (side // patch for side, patch in zip(self.trained_size, self.patch_size, strict=True))
        if rows != columns and size != self.trained_size and self.kind != "DINOv3ViTModel":
            raise OptionError(
                "{name} was built for {height} × {width} pixels, a grid of {rows} × {columns} "
                "patches, and its code interpolates positions as if that were a square; got an "
                "image size of {other_height} × {other_width}. Leave the image size as it is.",
                name=name,
                height=self.trained_size[0],
                width=self.trained_size[1],
                rows=rows,
                columns=columns,
                other_height=size[0],
                other_width=size[1],
            )

    def class_names(self, count: int) -> tuple[str, ...]:
        """Return the names of so many classes: the model's ``id2label``, or numbers where those are placeholders."""
        model: Any = self.model
        labels = {int(index): str(name) for index, name in dict(model.config.id2label or {}).items()}
        names = [labels.get(index, "") for index in range(count)]
        if len(labels) != count or not all(name.strip() and not _PLACEHOLDER.fullmatch(name) for name in names):
            return tuple(f"class {index}" for index in range(count))
        return tuple(names)


def _any(known: Any, names: tuple[str, ...]) -> str:
    """Return the first of a class's names that is known, or an empty text."""
    return next((name for name in names if name in known), "")


def _pair(size: Any) -> Size:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _present(tower: nn.Module, *names: str) -> list[nn.Module]:
    return [part for name in names if isinstance(part := getattr(tower, name, None), nn.Module)]


def _blocks(name: str, kind: type, tower: Any) -> nn.ModuleList:
    """Return the list of as many blocks as the configuration says that there are; their path differs by version."""
    wanted = int(tower.config.num_hidden_layers)
    lists = [part for part in tower.modules() if isinstance(part, nn.ModuleList) and len(part) == wanted]
    if len(lists) != 1:
        raise refusal(
            name,
            kind,
            Clause(
                "of lists of {wanted} blocks, as its configuration says, {count} were found",
                wanted=wanted,
                count=len(lists),
            ),
        )
    return lists[0]


def _check_attention(name: str, model: nn.Module, tower: Any) -> None:
    way = getattr(tower.config, "_attn_implementation", None) or "sdpa"
    if way not in _READABLE:
        raise refusal(
            name,
            type(model),
            Clause(
                "it attends by {way}, whose kernels hand out neither queries nor keys. Call "
                "model.set_attn_implementation('sdpa') first, which gives the same attention",
                way=repr(way),
            ),
        )


def _unmasked(whole: nn.Module, tower: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Return a masked autoencoder's encoder, and the tower in it, that mask nothing; the weights are shared."""
    memo: dict[int, nn.Module] = {}
    copy = shell_of(whole, memo)
    for part in copy.modules():
        config: Any = getattr(part, "config", None)
        if config is not None:
            config.mask_ratio = 0.0  # the shell's own configuration
    return copy, memo[id(tower)]
