"""What follows a stroke at once: the painter, the answers and the attention. The rest of the page waits for the hand.

A stroke runs this part of the page alone, which takes a third of the time of the whole. The rest, such as the files to
take away, follows when the hand has rested for a moment; the link holds every finished stroke before that.
"""

from __future__ import annotations

import streamlit as st

from vitviz.attention.view import MapView
from vitviz.ui.explore.patches import answers, attention, painting
from vitviz.ui.explore.patches.painting import Changed
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_RESTED = "vitviz_hand_rested"


def rest() -> None:
    """Have the rest of the page follow with the next run."""
    st.session_state[_RESTED] = True


@st.fragment
def draw(scene: Scene) -> tuple[Changed, tuple[MapView, MapView]]:
    """Draw the part that follows a stroke; return the changed picture and the maps before and after."""
    if st.session_state.pop(_RESTED, False):
        st.rerun()
    changed = painting.current(scene)
    left, right = st.columns([5, 4], gap="large")
    with left:
        painting.painter(scene, changed, on_rest=rest)
    with right:
        answers.draw(scene, changed)
    if scene.trace.edit:
        st.caption(":material/power: " + _("These are the answers of the model with all its heads on."))
    maps = attention.draw(scene, changed, on_choice=rest)
    link.publish()
    return changed, maps
