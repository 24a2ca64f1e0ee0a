"""The Compare page: what is compared by which method, and the maps of both sides, computed or waited for."""

from __future__ import annotations

import streamlit as st

from vitviz.analysis.map_comparison import MapComparison, compare_maps
from vitviz.attribution import METHODS, Method
from vitviz.attribution.attribute import find_method
from vitviz.trace.default import VANISHES
from vitviz.ui.choices.compare import (
    AGAINST,
    BY,
    KINDS,
    OTHER_CLASS,
    OTHER_MODEL,
    OTHER_PHOTO,
    OTHER_WEIGHTS,
    SIDES_SCALE,
    UNIT,
)
from vitviz.ui.choices.evidence import TARGET
from vitviz.ui.explore.compare import other_options
from vitviz.ui.explore.compare.sides import Side, other_photo, set_apart
from vitviz.ui.explore.evidence import maps, panels, target
from vitviz.ui.explore.evidence.maps import Outcome
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import chosen_model, link, models, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.work import controls


def method() -> Method:
    """Return the method that both maps are made with."""
    return find_method(link.get(BY))


def choose(now: Scene) -> None:
    """Draw what B is and the method."""
    names = {
        "random": _("random weights"),
        "model": _("another model"),
        "photo": _("another photo"),
        "class": _("another class"),
    }
    kind, by = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    kind.segmented_control(
        _("A is what the sidebar shows. B has"),
        KINDS,
        format_func=names.__getitem__,
        required=True,
        **link.widget(AGAINST),
    )
    by.selectbox(
        _("Method"),
        [entry.name for entry in METHODS],
        format_func=lambda name: _(find_method(name).label) + (" ⏱" if maps.slow(find_method(name)) else ""),
        help=_("Those with a clock run the model many times and wait until you ask for them."),
        **link.widget(BY),
    )
    with st.container():
        _choose_other(now)


def choose_look() -> None:
    """Draw in which unit and on which scale the maps are shown, and which models can stand beside A."""
    about = st.container()
    if link.get(AGAINST) == "model":
        about.caption(
            _(
                "Without a network, B can be the shipped model at another input size, any model with random weights, "
                "or your own checkpoint (“Your own model” in the sidebar); with one, every Vision Transformer of timm."
            )
        )
    unit, scale = st.columns(2, gap="medium", vertical_alignment="bottom")
    unit.segmented_control(
        _("Unit"),
        ["share", "value"],
        format_func={"share": _("share of the map"), "value": _("as it is")}.__getitem__,
        required=True,
        help=_("Shares divide each map by the sum of its sizes, so that maps of different models can be compared."),
        **link.widget(UNIT),
    )
    scale.segmented_control(
        _("Scale of A and B"),
        ["own", "shared"],
        format_func={"own": _("each its own"), "shared": _("one for both")}.__getitem__,
        required=True,
        **link.widget(SIDES_SCALE),
    )


def _choose_other(now: Scene) -> None:
    """Draw the picker of what B has of its own."""
    against = link.get(AGAINST)
    if against == "model":
        set_apart(now)
        current, known = link.get(OTHER_MODEL), models.available()
        picker, weights, more = st.columns([3, 2, 2], gap="medium", vertical_alignment="bottom")
        picker.selectbox(
            _("Model of B"),
            [*known, *([] if current in known else [current])],
            accept_new_options=True,
            format_func=chosen_model.title,
            help=_("For before and after: two checkpoints of one architecture. Your own are below the others."),
            **{**link.widget(OTHER_MODEL), "on_change": other_options.forget},
        )
        weights.segmented_control(
            _("Weights of B"),
            models.KINDS_OF_WEIGHTS,
            format_func=models.weights_name,
            required=True,
            disabled=current == "default" or ModelChoice(current).is_own,
            **link.widget(OTHER_WEIGHTS),
        )
        with more:
            other_options.choose(now)
    elif against == "photo":
        link.put(OTHER_PHOTO.at(other_photo(now)))
        st.selectbox(_("Photo of B"), photos.available(), format_func=photos.title, **link.widget(OTHER_PHOTO))


def choose_classes(a: Side) -> None:
    """Draw the answer that is explained and, if classes are compared, the class of B."""
    if a.aim.first is None:
        st.caption(_("This model has no classifier. A explains: {target}.").format(target=plain(a.aim.label)))
        return
    target.answers(a.scene, a.aim)
    first, second = st.columns(2, gap="medium")
    target.class_list(first, TARGET, _("Class of A"), _("the top answer"), a.scene)
    if link.get(AGAINST) == "class":
        target.class_list(second, OTHER_CLASS, _("Class of B"), _("the next answer"), a.scene)


def outcomes(a: Side, b: Side) -> list[Outcome]:
    """Return what there is of both maps; quick ones are computed now, and slow ones asked for."""
    both = [maps.outcome(side.scene, side.aim, method()) for side in (a, b)]
    for letter, side, outcome in zip("ab", (a, b), both, strict=True):
        if outcome.reason is not None:
            panels.refused(outcome, plain(f"{side.title}: {outcome.reason}"), name=f"{outcome.method.name}_{letter}")
        elif outcome.attribution is not None and VANISHES in outcome.attribution.notes:
            st.warning(plain(f"{side.title}: {maps.vanishes()}"), icon=":material/info:")
    controls.ask(
        [outcome.work for outcome in both if outcome.waits],
        _("Compute both maps"),
        name="both",
        request=("both", *(outcome.work.key for outcome in both)),
        note=_("Takes {cost} for each.").format(cost=_(method().cost)),
    )
    return both


def compared(a: Side, b: Side, both: list[Outcome]) -> MapComparison | None:
    """Return the two maps on one grid, or None while one of them is missing."""
    first, second = (outcome.attribution for outcome in both)
    if first is None or second is None:
        return None
    grids = (a.scene.vit.grid, b.scene.vit.grid)
    return compare_maps(first.values, second.values, grids, unit=link.get(UNIT))


def about(now: Scene) -> None:
    """Draw what the method is, with its knobs, which hold for both maps."""
    panels.card(now, method())
