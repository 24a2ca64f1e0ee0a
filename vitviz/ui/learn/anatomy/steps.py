"""Anatomy, step by step: from pixels to the answer, shapes and pictures from the model's own tensors."""

from __future__ import annotations

from typing import Any

import streamlit as st
from numpy.typing import NDArray

from vitviz.labs.anatomy import BlockStep, Embedding, block_step, embedding, scales_branches
from vitviz.labs.parameters import Dimensions, dimensions_of
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.components.sheet_view import SheetView
from vitviz.ui.components.standalone import fragment
from vitviz.ui.furniture import guessing, lesson, tables
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.anatomy import blocks, guesses, mlp, tokens
from vitviz.ui.learn.anatomy.stream import norm_figure
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.labels import token_name


def draw(scene: Scene) -> Result | None:
    """Draw the stepper, the chosen step and the ledger of all shapes."""
    lesson.question(
        _("What happens to a photo inside the model?"),
        _(
            "Seven steps lead from pixels to an answer. Every shape below is read from the loaded model, every picture "
            "is drawn from its own tensors for this photo."
        ),
    )
    if not guessing.guided(guesses.steps(scene)):
        return None
    steps = embedded(scene)
    size = dimensions_of(scene.vit)
    titles = step_titles()
    st.segmented_control(
        _("Step"),
        list(titles),
        format_func=lambda name: titles[name],
        required=True,
        label_visibility="collapsed",
        **link.widget(choices.ANATOMY_STEP),
    )
    step = link.get(choices.ANATOMY_STEP)
    block = blocked(scene)
    with st.container(key="anatomy_view"):
        sheet = _view(step, scene, steps, block, size)
    _ledger(scene, steps, size)
    _words(scene, size)
    return _result(scene, steps, block, sheet)


def step_titles() -> dict[str, str]:
    """Return the steps in their order."""
    return {
        "patches": _("1 Cut"),
        "flatten": _("2 Flatten"),
        "project": _("3 Project"),
        "positions": _("4 Add places"),
        "blocks": _("5 Blocks"),
        "mlp": _("6 MLP"),
        "head": _("7 Answer"),
    }


@st.cache_resource(max_entries=6, show_spinner=False)
def _embedding(model_key: str, digest: str, _scene: Scene) -> Embedding:
    return embedding(_scene.vit, _scene.original)


def embedded(scene: Scene) -> Embedding:
    """Return the tensors before the first block, from the cache."""
    return _embedding(scene.model_key, scene.photo.digest, scene)


@st.cache_resource(max_entries=16, show_spinner=False)
def _block(model_key: str, digest: str, layer: int, _scene: Scene) -> BlockStep:
    return block_step(_scene.vit, _scene.original, layer)


def blocked(scene: Scene) -> BlockStep:
    """Return the chosen block's tensors, from the cache."""
    return _block(scene.model_key, scene.photo.digest, scene.layer, scene)


def _view(step: str, scene: Scene, steps: Embedding, block: BlockStep, size: Dimensions) -> SheetView | None:
    """Draw the chosen step; return its sheet of matrices, where it has one."""
    if step == "patches":
        tokens.cut(scene, steps)
    elif step == "flatten":
        tokens.flatten(scene, steps)
    elif step == "project":
        tokens.project(scene, steps)
    elif step == "positions":
        tokens.places(scene, steps)
    elif step == "blocks":
        blocks.draw(scene, block)
    elif step == "mlp":
        return mlp.draw(scene)
    else:
        blocks.answer(scene, size)
    return None


def _ledger(scene: Scene, steps: Embedding, size: Dimensions) -> None:
    """Draw the table of steps with their formulas and the shapes that the tensors really have."""
    trace, (height, width) = scene.original, scene.vit.image_size
    patch = scene.vit.grid.patch_size
    head = _("no classifier") if trace.logits is None else _shape(trace.logits)
    rows = [
        (_("pixels"), "H × W × C", f"{height} × {width} × {trace.pixels.shape[0]}"),
        (_("patches"), "N = HW/P²", f"{steps.patches.shape[0]} = {height}·{width}/({patch[0]}·{patch[1]})"),
        (_("flattened"), "N × P²C", _shape(steps.flat)),
        (_("patch tokens"), "N × D", "–" if steps.tokens is None else _shape(steps.tokens)),
        (_("with prefix and places, z₀"), "(n + N) × D", _shape(steps.start)),
        (_("after each of T blocks"), "(n + N) × D", f"{trace.layers} × ({_shape(trace.residual(-1))})"),
        (_("read by the head"), "D", _shape(trace.embedding)),
        (_("logits"), "K", head),
    ]  # fmt: skip
    table = {
        _("Step"): [row[0] for row in rows],
        _("In symbols"): [row[1] for row in rows],
        _("Here"): [row[2] for row in rows],
    }
    with st.expander(_("All shapes of this model"), expanded=True, key="anatomy_ledger"):
        tables.draw(table, alt=_("One row a step, with its shape"))
        st.caption("  \n".join(special(scene, steps)))


def _shape(tensor: Any) -> str:
    return " × ".join(map(str, tensor.shape))


def special(scene: Scene, steps: Embedding) -> list[str]:
    """Return what this model does otherwise than the plain Vision Transformer."""
    prefix, told = scene.vit.grid.prefix, []
    if prefix:
        told.append(
            _("Prefix tokens, n = {count}: {names}.").format(
                count=len(prefix), names=", ".join(map(token_name, prefix))
            )
        )
    else:
        told.append(_("This model has no class token: it pools the patches, or asks them with a learned query."))
    if any(name.startswith("register") for name in prefix):
        told.append(_("Registers are free memory for the model; no answer is read from them."))
    if steps.projection is None:
        told.append(_("Its patch embedding is more than one matrix, so there is no E to show."))
    if steps.positions is None:
        told.append(
            _("It adds no positions to the tokens: it rotates queries and keys, biases the scores, or has none.")
        )
    if scales_branches(next(scene.vit.shell.blocks.children())):  # type: ignore[union-attr]
        told.append(
            _(
                "Each branch is multiplied by a learned vector γ before it is added (LayerScale): "
                "z' = γ₁ ⊙ MHSA(LN(z)) + z, z'' = γ₂ ⊙ MLP(LN(z')) + z'."
            )
        )
    if scene.original.pool_calls:
        told.append(_("It pools by attention: one learned query looks at all tokens."))
    return told


def _words(scene: Scene, size: Dimensions) -> None:
    scaled = scales_branches(next(scene.vit.shell.blocks.children()))  # type: ignore[union-attr]
    first, second = (r"\gamma_1 \odot ", r"\gamma_2 \odot ") if scaled else ("", "")
    lesson.formula(
        [
            r"z_0 = [x_{class};\, x_p E] + E_{pos} \qquad y = \mathrm{Linear}(\mathrm{LN}(z_T^0))",
            rf"z'_\ell = {first}\mathrm{{MHSA}}(\mathrm{{LN}}(z_{{\ell-1}})) + z_{{\ell-1}}, "
            rf"\qquad z_\ell = {second}\mathrm{{MLP}}(\mathrm{{LN}}(z'_\ell)) + z'_\ell",
            r"\mathrm{MLP}(x) = \mathrm{Dropout}(\mathrm{GELU}(x W_1 + b_1))\, W_2 + b_2",
        ],
        {
            "x_p": _("flattened patches, {patches} × {pixels}").format(patches=size.patches, pixels=size.patch_pixels),
            "E": _("projection, {pixels} × {width}").format(pixels=size.patch_pixels, width=size.width),
            "E_{pos}": _("one vector a token"),
            "T": _("number of blocks, {depth}").format(depth=size.depth),
            r"\mathrm{MHSA}": _("attention; number of heads, {heads}").format(heads=scene.vit.heads[0]),
            "W_1, W_2": _("the MLP's matrices"),
            **({r"\gamma": _("LayerScale: one learned factor a channel")} if scaled else {}),
        },
    )
    lesson.try_next(
        [
            _("Go through the blocks one by one: where does the object leave the background?"),
            _("Choose a model with registers, without class token or with rotary positions: what is different?"),
            (_("Where does each patch look?"), "attention", {}),
            (_("What do the tokens hold?"), "tokens", {}),
        ]
    )
    lesson.caveat(
        _(
            "Colours of tokens are three principal components out of {width}: they show which patches are alike, not "
            "what they mean. Norms say how large a contribution is, not how important."
        ).format(width=size.width)
    )


def _result(scene: Scene, steps: Embedding, block: BlockStep, sheet: SheetView | None) -> Result:
    arrays: dict[str, NDArray[Any]] = {
        "patches": steps.patches.numpy(),
        "start": steps.start.float().cpu().numpy(),
        "block_before": block.before.numpy(),
        "block_after": block.after.numpy(),
    }
    if steps.tokens is not None:
        arrays["patch_tokens"] = steps.tokens.cpu().numpy()
    if block.between is not None:
        arrays["block_between"] = block.between.numpy()
    code = (
        "import vitviz\nfrom vitviz.examples import example\n"
        "from vitviz.labs.anatomy import block_step, embedding\n\n"
        f"{load_line(scene)}\ntrace = vitviz.trace(vit, {picture_expression(scene)})\n"
        "steps = embedding(vit, trace)\n"
        f"block = block_step(vit, trace, {scene.layer})\n"
        "print(steps.flat.shape, steps.start.shape, block.gap)\n"
        "block.image()\n"
    )
    return Result(
        page=choices.PAGE,
        title=_("What happens to a photo inside the model?"),
        settings={"experiment": choices.STEPS, "model": scene.vit.name, "layer": scene.layer},
        code=code,
        arrays=lambda: arrays,
        figures=lambda: {_("Residual stream"): norm_figure(scene)},
        opening=lambda: "" if sheet is None else fragment(sheet),
    )
