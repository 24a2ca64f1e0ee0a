"""A page with one attention viewer; ?visit=…&scene=…&maps=1&mirror=0 choose what it shows."""

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import streamlit as st

sys.path.insert(0, str(Path(__file__).parent))
import scene

from vitviz.ui.components.attention_view import AttentionView, ViewState
from vitviz.ui.components.attention_viewer import attention_viewer

LAYERS = 12

st.set_page_config(layout="wide")
visit = st.query_params["visit"]
if st.session_state.get("visit") != visit:  # another test
    st.session_state.clear()
    st.session_state["visit"] = visit
name = st.query_params.get("scene", "small")
grid, heads = scene.GRIDS[name]
queries, keys = scene.queries_and_keys(name, st.session_state.setdefault("layer", 5))
first = grid.prefix[0] if grid.prefix else "0"
choices = st.session_state.setdefault("choices", {"query": first})
arrays = {"queries": queries, "keys": keys}
if "maps" in st.query_params:
    arrays = {"maps": scene.softmax_maps(queries, keys).astype(np.float32)}
if "film" in st.query_params:
    token, by = grid.token(choices["query"]), choices.get("direction") == "attended_by"
    layers = (scene.softmax_maps(*scene.queries_and_keys(name, layer)) for layer in range(LAYERS))
    arrays["film"] = np.stack([maps[:, :, token] if by else maps[:, token] for maps in layers]).astype(np.float32)


def remember(state: ViewState) -> None:
    st.session_state["changes"] = st.session_state.get("changes", 0) + 1
    st.session_state["layer"] = state.layer
    if "mirror" not in st.query_params:
        st.session_state["choices"] = {name: value for name, value in asdict(state).items() if name != "layer"}


def point_at_patch_7() -> None:
    st.session_state["choices"] = {**st.session_state["choices"], "query": "7"}


view = AttentionView(
    photo=scene.png(scene.photo(grid)),
    grid=grid,
    layer=st.session_state["layer"],
    layers=LAYERS,
    model_maximum=0.5 if "model" in st.query_params else None,
    **arrays,
    **choices,
)
state = attention_viewer(view, key=f"viewer_{visit}", on_change=remember)
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
columns = st.columns(3)
columns[0].button("patch 7", on_click=point_at_patch_7)
columns[1].slider("layer", 0, LAYERS - 1, key="layer")
columns[2].text(f"runs {st.session_state['runs']} changes {st.session_state.get('changes', 0)}")
st.text(f"query={state.query} head={state.head} direction={state.direction} layer={state.layer}")
st.text(f"scale={state.scale} hide={state.hide_special} opacity={state.opacity} palette={state.palette}")
