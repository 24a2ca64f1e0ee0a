"""Do the maps find what the answer depends on? Deletion and insertion beside random maps, when asked for."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import streamlit as st

from vitviz.analysis.faithfulness import Faithfulness, deletion_insertion
from vitviz.pictures.curves import removals
from vitviz.progress import report as tell
from vitviz.ui.explore.evidence.maps import Outcome
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.furniture import tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import shelf
from vitviz.ui.kept.jobs import Report
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork

STEPS, RANDOM_MAPS = 10, 8


def draw(scene: Scene, aim: Aim, outcomes: list[Outcome]) -> None:
    """Draw the test of the maps that are there, or the button that asks for it."""
    shown = [outcome for outcome in outcomes if outcome.attribution is not None]
    if not shown:
        return
    st.subheader(_("Does the answer depend on what the maps mark?"), anchor=False)
    st.markdown(
        _(
            "Patches are blurred in the order of each map, most relevant first, or brought back in that order. A map "
            "that knows what matters falls faster and rises faster than random maps: it leaves the grey band."
        )
    )
    _button(scene, aim, [outcome for outcome in shown if _tested(aim, outcome) is None])
    results, band = tested(scene, aim, shown)
    if results and band is not None:
        _results(aim, results, band)


def tested(
    scene: Scene, aim: Aim, shown: list[Outcome]
) -> tuple[list[tuple[Outcome, Faithfulness]], Faithfulness | None]:
    """Return the tests that are there, and that of the random maps beside them."""
    results = [(outcome, result) for outcome in shown if (result := _tested(aim, outcome)) is not None]
    return results, long_work.result(_band_key(scene, aim))


def _test(scene: Scene, aim: Aim, outcome: Outcome) -> LongWork[Faithfulness]:
    """Return the test of one map; the random maps are tried once for all methods."""
    assert outcome.attribution is not None
    aimed, made = _Aimed(outcome.attribution.values, aim.target), list[Faithfulness]()

    def compute(report: Report) -> Faithfulness:
        def test(random_maps: int = 0) -> Faithfulness:
            made.append(
                deletion_insertion(
                    scene.vit, scene.original.pixels, aimed, steps=STEPS, random_maps=random_maps, progress=report
                )
            )
            return made[-1]

        shelf.results().once(_band_key(scene, aim), lambda: test(RANDOM_MAPS), lambda: tell(report, 0, 0))
        return made[-1] if made else test()

    return LongWork(_key(aim, outcome), compute)


class _Aimed:
    """A map tested against the target of the page: one that is the same for every target is tested for this one."""

    def __init__(self, values: Any, target: Any) -> None:
        self.values, self.target = values, target


def _key(aim: Aim, outcome: Outcome) -> Hashable:
    return ("curves", aim.key, outcome.work.key)


def _band_key(scene: Scene, aim: Aim) -> Hashable:
    return ("band", scene.model_key, scene.photo.digest, aim.key)


def _request(scene: Scene, aim: Aim) -> Hashable:
    return ("test", scene.model_key, scene.photo.digest, aim.key)


def _tested(aim: Aim, outcome: Outcome) -> Faithfulness | None:
    result: Faithfulness | None = long_work.result(_key(aim, outcome))
    return result


def _button(scene: Scene, aim: Aim, left: list[Outcome]) -> None:
    if left:
        name = _("Test {name}").format(name=_(left[0].method.label))
        controls.ask(
            [_test(scene, aim, outcome) for outcome in left],
            _("Test these maps") if len(left) > 1 else name,
            name="test",
            request=_request(scene, aim),
            icon=":material/science:",
        )


def _results(aim: Aim, tested: list[tuple[Outcome, Faithfulness]], band: Faithfulness) -> None:
    y_title = _("Probability") if aim.first is not None and aim.other is None else _("Score")
    columns = st.columns(2, gap="large")
    with columns[0]:
        st.markdown(_("**Deletion**: a fast fall is good"))
        curves = {_(outcome.method.label): result.first for outcome, result in tested}
        chart(removals(curves, band.first, y_title=y_title, say=_), key="deletion")
    with columns[1]:
        st.markdown(_("**Insertion**: a fast rise is good"))
        curves = {_(outcome.method.label): result.second for outcome, result in tested}
        chart(removals(curves, band.second, y_title=y_title, say=_), key="insertion")
    _areas(tested, band)


def _areas(tested: list[tuple[Outcome, Faithfulness]], band: Faithfulness) -> None:
    down, up = band.first.random, band.second.random
    assert down is not None
    assert up is not None
    label = _("Random maps ({count}), 95% interval").format(count=down.maps)
    names = [_(outcome.method.label) for outcome, _result in tested]
    falls = [f"{result.first.area:.3f}" for _outcome, result in tested]
    rises = [f"{result.second.area:.3f}" for _outcome, result in tested]
    tables.draw(
        {
            _("Map"): [*names, label],
            _("Area under deletion (small is good)"): [
                *falls,
                f"{down.area:.3f} ({down.area_low:.3f} … {down.area_high:.3f})",
            ],
            _("Area under insertion (large is good)"): [
                *rises,
                f"{up.area:.3f} ({up.area_low:.3f} … {up.area_high:.3f})",
            ],
        },
        alt=_("One row a map, its areas under the two curves"),
    )
