"""A page with one head atlas whose ticks the page keeps; ?visit=… begins anew."""

import numpy as np
import streamlit as st

from vitviz.ui.components.atlas_view import AtlasView, HeadIndex
from vitviz.ui.components.head_atlas import head_atlas

LAYERS, HEADS = 12, 6

st.set_page_config(layout="wide")
visit = st.query_params["visit"]
if st.session_state.get("visit") != visit:  # another test
    st.session_state.clear()
    st.session_state["visit"] = visit
depth = np.linspace(1, 7, LAYERS)[:, None]
values = (depth + np.random.default_rng(0).normal(size=(LAYERS, HEADS)) * (5 - depth / 2) / 3).astype(np.float32)
values[4, 2] = np.nan
ticked = st.session_state.setdefault("ticked", [(11, 2)])


def tick(places: list[HeadIndex]) -> None:
    ticked[:] = map(tuple, places)


def pick(place: HeadIndex) -> None:
    st.session_state["selected"] = st.session_state["picked"] = tuple(place)


view = AtlasView(
    values=values,
    label="Mean attention distance",
    unit="patches",
    selected=st.session_state.get("selected", (5, 3)),
    ticked=tuple(ticked),
)
head_atlas(view, key=f"atlas_{visit}", on_pick=pick, on_tick=tick)
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
picked = st.session_state.pop("picked", None)
st.text(f"runs {st.session_state['runs']} picked {picked} ticked {sorted(ticked)}")
