"""A local file of weights in a timm architecture, adapted to what the file is; what was assumed is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from vitviz.clause import Clause, listed
from vitviz.errors import CheckpointError, OptionError
from vitviz.models import checkpoints, timm_door
from vitviz.models.assumptions import ACTIVATION, HEADS, POOLING, POSITIONS, Assumption
from vitviz.models.checkpoints.classifier import Classifier, layers_of
from vitviz.models.checkpoints.layout import Converted, Layout, Traits
from vitviz.models.checkpoints.numbers import check_numbers
from vitviz.models.checkpoints.recognition import LAYOUTS, Recognition, recognition_of
from vitviz.models.geometry import declared_size, patch_size_of
from vitviz.models.position_table import Size, grid_in_file, is_own_grid, size_of
from vitviz.models.timm_weights import TIMM, FileOptions, Loaded, from_state, projected, skeleton


def from_file(name: str, path: Path, image_size: Size | None, options: FileOptions) -> Loaded:
    """Return an architecture of timm's with the weights of a file, and in words what was recognised and assumed.

    Without ``image_size`` it has the size that the file's own positions are for: interpolated, they are no longer those
    that were trained.
    Raises WeightsUnavailableError, CheckpointError, or OptionError for heads that the file or its width contradicts.
    """
    plain = skeleton(name)
    recognition = _recognition(path, plain, options)
    _check_patches(name, path, plain, recognition)
    build = {} if plain is None else _build_options(plain, recognition, options)
    channels = _channels(plain, recognition)
    told_more = {**build, **({"in_chans": channels} if channels != 3 else {})}
    adapted = skeleton(name, options=told_more) if told_more else plain
    state = dict(recognition.state)
    taken, grid, own = "", None, None
    if adapted is not None:
        grid = grid_in_file(path.name, state, adapted, image_size=image_size, trained_size=options.trained_size)
        if grid is not None and options.trained_size is None and not is_own_grid(grid, state, adapted):
            # nothing in the file says so: who reads the result must be able to see what was assumed
            taken = f", positions taken as {grid[0]} × {grid[1]}"
            own = None if image_size is not None else size_of(grid, adapted)
    matrix = recognition.classifier.matrix or not recognition.classifier.state
    try:
        module = from_state(
            name,
            state,
            image_size=image_size or own,
            classes=checkpoints.classes_in(state) if matrix else 0,
            trained_size=options.trained_size,
            channels=channels,
            options=build,
        )
    except CheckpointError as error:
        raise misfit(error, name, path, recognition) from error
    _complete(module, recognition, options)
    steps = [part for part in (recognition.layout, *recognition.steps) if part != "timm"]
    if recognition.classes and not module.num_classes:
        steps.append(Clause("its {count} outputs are an embedding shared with texts", count=recognition.classes))
    told = "".join(f"; {part}" for part in steps)
    assumed = f"{_heads_told(module, recognition, options)}{_pooling_told(module, recognition, options)}{taken}"
    origin = f"{path.name}, SHA-256 {checkpoints.sha256_of(path)}{assumed}{told}"
    notes = (*_assumed(module, recognition, options, grid if taken else None), *_opened_at(own, module, grid))
    return Loaded(module, origin, recognition.class_names, local=True, notes=notes, image_size=own)


def _assumed(
    module: nn.Module, recognition: Recognition, options: FileOptions, grid: Size | None
) -> Iterator[Assumption]:
    """Yield what is assumed of a file, or was said by the user, because its tensors do not tell."""
    heads, told = getattr(getattr(_first_block(module), "attn", None), "num_heads", None), recognition.traits.heads
    if heads is not None and told is None:
        given = options.heads is not None
        text = "{heads} attention heads as given" if given else "assumed: {heads} attention heads, as is usual for it"
        yield Assumption.of(HEADS, text, heads=heads)
    if recognition.traits.beside:
        text = "heads, activation and ε taken from config.json beside it, which no tensor proves"
        yield Assumption.of(HEADS, text)
    if options.pooling is not None:
        place = Clause("the class token") if options.pooling == "token" else Clause("the mean of the patches")
        yield Assumption.of(POOLING, "answer read from {place} as given", place=place)
    elif _pooling_told(module, recognition, options):
        yield Assumption.of(
            POOLING, "assumed: its answer is read from the class token, not from the mean of the patches"
        )
    if options.head_activation is not None:
        text = "{activation} between the classifier's layers as given"
        yield Assumption.of(ACTIVATION, text, activation=options.head_activation)
    if grid is not None:
        text = "assumed: its positions lie in {rows} × {columns} patches"
        yield Assumption.of(POSITIONS, text, rows=grid[0], columns=grid[1])


def _opened_at(chosen: Size | None, module: nn.Module, grid: Size | None) -> tuple[str, ...]:
    """Return the note on a size chosen for the file's positions, or on positions that were brought to another grid."""
    if chosen is not None:
        text = "opened at {height} × {width} pixels, the size that its positions are for"
        return (Clause(text, height=chosen[0], width=chosen[1]),)
    size, patch = declared_size(module), patch_size_of(module)
    if grid is None or size is None or patch is None:
        return ()
    own = (size[0] // patch[0], size[1] // patch[1])
    if own == grid:
        return ()
    text = "its positions, of {rows} × {columns} patches, are interpolated to {own_rows} × {own_columns}"
    return (Clause(text, rows=grid[0], columns=grid[1], own_rows=own[0], own_columns=own[1]),)


def misfit(error: CheckpointError, name: str, path: Path, recognition: Recognition) -> CheckpointError:
    """Return the error that says why a file does not fit an architecture, which ones it fits, and how to load it."""
    fitting = [other for other in recognition.architectures if other != name.partition(".")[0]]
    recognised = [recognition.sentence] if recognition.layout != "timm" or recognition.steps else []
    if not fitting:
        return CheckpointError("{told}", told=listed([error.clause, *recognised], " "))
    told = error.values.get("told")
    return CheckpointError(
        "{told} Of timm's architectures these have its names and shapes: {names}.",
        advice={"weights": f"Load it with load_vit('{TIMM}{fitting[0]}', weights={str(path)!r})."},
        told=listed([told if isinstance(told, Clause) else error.clause, *recognised], " "),
        names=", ".join(fitting),
    )


def _recognition(path: Path, plain: nn.Module | None, options: FileOptions) -> Recognition:
    contents = checkpoints.read_contents(path)
    own = [] if plain is None else [_own_layout(plain)]
    recognition = recognition_of(contents, (*LAYOUTS, *own), options.weights_kind)
    if recognition is not None:
        return recognition
    checkpoints.check_network(path.name, contents.tensors, wanted=() if plain is None else plain.state_dict())
    # given an empty table, timm would fetch weights of its own
    state = (
        checkpoints.read_checkpoint(path) or contents.tensors
    )  # no prefix is known: loading says which tensors differ
    check_numbers(path.name, state)
    weight = state.get("head.weight")
    head = Classifier({"weight": weight} if weight is not None and weight.ndim == 2 else {})
    return Recognition(path.name, "timm", (), Traits(), head, None, state)


def _check_patches(name: str, path: Path, plain: nn.Module | None, recognition: Recognition) -> None:
    """Raise CheckpointError where timm would stretch the patches' kernels: the answer would be another model's."""
    file = recognition.state.get("patch_embed.proj.weight")
    own = None if plain is None else dict(plain.named_parameters()).get("patch_embed.proj.weight")
    if file is None or own is None or own.ndim != 4 or file.ndim < 3:
        return
    if file.ndim == 5:
        raise CheckpointError(
            "{name} is a video model: its patches are tubes over {count} frames; wanted one that sees single pictures.",
            name=path.name,
            count=file.shape[2],
        )
    if file.ndim == 4 and file.shape[2:] != own.shape[2:]:
        error = CheckpointError(
            "{name} has patches of {height} × {width} pixels, {architecture} has {own_height} × {own_width}: "
            "resampled, it would be another model. Choose the architecture that the file was saved from.",
            name=path.name,
            height=file.shape[2],
            width=file.shape[3],
            architecture=TIMM + name,
            own_height=own.shape[2],
            own_width=own.shape[3],
        )
        raise misfit(error, name, path, recognition)


def _own_layout(plain: nn.Module) -> Layout:
    """Return the layout of an architecture's own names: networks without blocks of attention are known by them."""
    names = [name for name in plain.state_dict() if not re.match(r"(?:head|fc|classifier)\.", name)]
    anchor = max(names, key=len)

    def convert(state: Any, config: Any) -> Converted:
        return Converted(dict(state), "timm")

    own_head = _first_block(plain) is None
    return Layout("timm", re.compile(rf"((?:.*\.)?){re.escape(anchor)}$"), convert, own_head=own_head)


def _build_options(plain: nn.Module, recognition: Recognition, options: FileOptions) -> dict[str, Any]:
    """Return what timm must be told to build the architecture as the file has it."""
    traits, state = recognition.traits, recognition.state
    block: Any = _first_block(plain)
    build: dict[str, Any] = {}
    heads = _heads(plain, recognition, options)
    if heads is not None and heads != getattr(getattr(block, "attn", None), "num_heads", None):
        build["num_heads"] = heads
    if traits.eps is not None and traits.eps != getattr(getattr(block, "norm1", None), "eps", None):
        build["norm_layer"] = partial(nn.LayerNorm, eps=traits.eps)
    if traits.activation is not None and not _acts(block, traits.activation):
        build["act_layer"] = traits.activation
    if "reg_token" in state and "reg_token" not in dict(plain.named_parameters()):
        build |= _registers(plain, state)
    pooling: dict[str, Any] = {"global_pool": options.pooling} if options.pooling is not None else {}
    if options.pooling == "avg" and "norm" in {name.partition(".")[0] for name in state}:
        pooling |= {"fc_norm": False}  # its norm stands before the pooling
    return build | _pooling(plain, state) | pooling


def _registers(plain: nn.Module, state: Any) -> dict[str, Any]:
    """Return how timm is told of registers: its positions count them, or are those of the patches alone."""
    count = int(state["reg_token"].shape[1])
    own: Any = dict(plain.named_parameters()).get("pos_embed")
    table = state.get("pos_embed")
    patches = 0 if own is None else own.shape[1] - int("cls_token" in plain.state_dict())
    alone = table is not None and table.shape[1] == patches
    return {"reg_tokens": count, **({"no_embed_class": True} if alone else {})}


def _channels(plain: nn.Module | None, recognition: Recognition) -> int:
    """Return the number of channels of the file's input; a hybrid's patches are cut from features, not from pixels."""
    weight: Any = None if plain is None else dict(plain.named_parameters()).get("patch_embed.proj.weight")
    return recognition.channels if weight is not None and weight.ndim == 4 and weight.shape[1] == 3 else 3


def _first_block(plain: nn.Module) -> Any:
    blocks: Any = getattr(plain, "blocks", None)
    return blocks[0] if isinstance(blocks, nn.ModuleList | nn.Sequential) and len(blocks) else None


def _acts(block: Any, activation: str) -> bool:
    layer = type(getattr(getattr(block, "mlp", None), "act", None)).__name__.lower()
    return layer == activation.replace("_", "") or (layer, activation) == ("gelutanh", "gelu_tanh")


def _pooling(plain: nn.Module, state: Any) -> dict[str, Any]:
    """Return the pooling that the place of the last norm tells: before it, or after it (MAE, fine-tuned)."""
    own = {name.partition(".")[0] for name in plain.state_dict()}
    file = {name.partition(".")[0] for name in state}
    if "fc_norm" in file and "norm" not in file and "norm" in own and "fc_norm" not in own:
        return {"global_pool": "avg"}
    if "norm" in file and "fc_norm" not in file and "fc_norm" in own and "norm" not in own and "cls_token" in file:
        return {"global_pool": "token"}
    return {}


def _heads(plain: nn.Module, recognition: Recognition, options: FileOptions) -> int | None:
    given, known = options.heads, recognition.traits.heads
    if given is not None and known is not None and given != known:
        raise OptionError(
            "{name} says that it has {known} heads ({layout}); got heads={given}. Leave it out.",
            name=recognition.file,
            known=known,
            layout=recognition.layout,
            given=given,
        )
    heads, width = given or known, int(getattr(plain, "embed_dim", 0) or 0)
    if given is not None and (given < 1 or width % given):
        raise OptionError(
            "heads={given} cannot be: each head has the same share of {width} channels. Give a divisor of {width}.",
            given=given,
            width=width,
        )
    return heads


def _heads_told(module: nn.Module, recognition: Recognition, options: FileOptions) -> str:
    heads = getattr(getattr(_first_block(module), "attn", None), "num_heads", None)
    if heads is None or recognition.traits.heads is not None:
        return ""
    return f", {heads} heads as given" if options.heads is not None else f", {heads} heads assumed"


def _pooling_told(module: Any, recognition: Recognition, options: FileOptions) -> str:
    """Return what is assumed of the pooling: timm's names are the same for the class token and the patches' mean."""
    if options.pooling is not None:
        return f", pooling {options.pooling} as given"
    open_ = recognition.layout == "timm" and "cls_token" in recognition.state and "norm.weight" in recognition.state
    assumed = open_ and getattr(module, "global_pool", None) == "token" and not hasattr(module, "head_dist")
    return ", class token's answer assumed" if assumed else ""


def _complete(module: Any, recognition: Recognition, options: FileOptions) -> None:
    """Give a module, in place, what timm cannot build: a classifier of several layers, a projection as an embedding."""
    classifier = recognition.classifier
    if classifier.state and not classifier.matrix:
        module.head, module.num_classes = layers_of(classifier, options.head_activation), classifier.classes
    elif isinstance(getattr(module, "head", None), nn.Linear) and (classifier.projection or timm_door.projects(module)):
        projected(module)
