"""Anatomy, the blocks and the answer: what one block takes, adds and leaves, and what the head reads."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.attention.view import attention_view
from vitviz.figures.bars import answers_bar
from vitviz.figures.overlay import overlay
from vitviz.figures.scale import Scale
from vitviz.labs.anatomy import BlockStep, norms
from vitviz.labs.parameters import Dimensions
from vitviz.numbers import Signed, scientific
from vitviz.ui.choices.shared import LAYER
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.anatomy import tokens
from vitviz.ui.learn.anatomy.stream import norm_figure
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene, first_query
from vitviz.ui.text import _
from vitviz.ui.words.class_names import class_name


def draw(scene: Scene, block: BlockStep) -> None:
    """Draw the depth slider and the chosen block."""
    if scene.vit.layers > 1:
        st.slider(
            _("Block"),
            0,
            scene.vit.layers - 1,
            help=_("Blocks, heads and patches are counted from 0; rows and columns from 1."),
            **link.widget(LAYER),
        )
    before, looks, after = st.columns(3, gap="medium")
    with before:
        _tokens(scene, block.layer - 1, _("z: the tokens that enter, in the colours of their components"))
    with looks:
        _attention(scene)
    with after:
        _tokens(scene, block.layer, _("z'': the tokens that leave"))
    _adds(block)
    chart(norm_figure(scene), key="anatomy_norms")
    st.caption(_("The residual stream over all blocks: nothing is replaced, every block only adds."))


def _tokens(scene: Scene, layer: int, caption: str) -> None:
    colours = tokens.coloured(scene, layer)
    if colours is None:
        st.caption(_("Too few patches for components."))
        return
    st.image(colours, output_format="PNG", width="stretch", alt=caption)
    st.caption(caption)


def _attention(scene: Scene) -> None:
    query = first_query(scene.vit)
    head = "mean" if scene.chosen_head == "max" else scene.chosen_head
    view = attention_view(scene.original, layer=scene.layer, head=head, query=query)
    picture = overlay(
        scene.picture, view.values, scale=Scale(0, view.top_of_scale, view.uniform), spotlight=True, opacity=0.75
    )
    st.image(picture, output_format="JPEG", width="stretch", alt=_("Attention of the block"))
    name = _("mean of the heads") if head == "mean" else _("head {head}").format(head=head)
    st.caption(
        _("MHSA: where {query} looks, {head} of {heads}").format(
            query=_("the class token") if query == "class" else _("the middle patch"),
            head=name,
            heads=scene.vit.heads[scene.layer],
        )
    )


def _adds(block: BlockStep) -> None:
    """Draw the norms of the block's parts."""
    part_norms = norms(block)
    if part_norms is None:
        st.info(
            _(
                "This block is built in another way than z' = MHSA(LN(z)) + z, z'' = MLP(LN(z')) + z': its branches "
                "run side by side, or it normalises after them. What enters and what leaves is shown above."
            )
        )
        return
    gamma = "γ⊙" if block.scaled else ""
    parts = st.columns(5)
    for column, (title, value) in zip(
        parts,
        (
            ("|z|", part_norms.before),
            (f"|{gamma}MHSA(LN(z))|", part_norms.attention_branch),
            ("|z'|", part_norms.between),
            (f"|{gamma}MLP(LN(z'))|", part_norms.mlp_branch),
            ("|z''|", part_norms.after),
        ),
        strict=True,
    ):
        column.metric(title, f"{value:.2f}")
    told = _("Mean norms over all tokens.")
    if block.gap is not None:
        told += " " + _("z' − z and {returned} differ by at most {gap}: the equation holds.").format(
            gap=scientific(block.gap, 1),
            returned=_("γ times what the attention module returned")
            if block.scaled
            else _("what the attention module returned"),
        )
    st.caption(told)


def answer(scene: Scene, size: Dimensions) -> None:
    """Draw what the head reads and what it answers."""
    trace, vit = scene.original, scene.vit
    left, right = st.columns([2, 3], gap="large")
    with left:
        colours = tokens.coloured(scene, vit.layers - 1)
        if colours is not None:
            st.image(colours, output_format="PNG", width="stretch", alt=_("Tokens after the last block"))
        st.caption(
            _("The tokens after the last block. {read} becomes a vector of {width} numbers.").format(
                read=_read(scene), width=int(trace.embedding.shape[0])
            )
        )
    with right:
        if trace.logits is None:
            st.info(_("This model has no classifier: the vector itself is its answer, to be compared with others."))
            return
        top = trace.top(5)
        names = [class_name(vit, index) for index, _share in top]
        title = _("Probability")
        shares = [share for _index, share in top]
        bars = answers_bar(names, shares, x_title=title, labels=(title, ""))
        chart(bars, key="anatomy_answer")
        logits = np.sort(trace.logits.float().cpu().numpy())[::-1]
        st.caption(
            _(
                "{classes} logits = {width} numbers times a matrix of {width} × {classes}, plus a bias. The largest is "
                "{first:.2f}, the second {second:.2f}; softmax makes shares of them."
            ).format(
                classes=len(logits),
                width=int(trace.embedding.shape[0]),
                first=Signed(logits[0]),
                second=Signed(logits[min(1, len(logits) - 1)]),
            )
        )


def _read(scene: Scene) -> str:
    """Return what the head reads, in words."""
    pool = getattr(scene.vit.module, "global_pool", "")
    if scene.original.pool_calls:
        return _("What a learned query finds in them")
    if pool == "avg":
        return _("The mean of the patch tokens")
    if "class" in scene.vit.grid.prefix:
        return _("The class token, after the final LayerNorm,")
    return _("The pooled tokens")
