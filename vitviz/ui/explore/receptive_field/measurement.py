"""What the Receptive field page measures at one depth: this photo at once, the examples beside the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.errors import StoppedError, VitvizError
from vitviz.progress import Progress
from vitviz.ui.explore.receptive_field import probes, rollout
from vitviz.ui.explore.receptive_field.probes import Probe
from vitviz.ui.furniture.panel import empty_panel
from vitviz.ui.kept import cache
from vitviz.ui.kept.jobs import Report
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork

GRADIENT, ROLLOUT = "gradient", "rollout"


@dataclass(frozen=True, eq=False)
class ProbedField:
    """The receptive field of one network at the chosen depth."""

    role: str
    """"map" for the scene's ViT, "rollout" for its attention, "convnet" or "random"; names its array in files."""
    probe: Probe
    layer: int
    field: ReceptiveField

    @property
    def by(self) -> str:
        """What it was measured by."""
        return ROLLOUT if self.role == "rollout" else GRADIENT

    @property
    def place(self) -> str:
        """The layer, as the network names it."""
        return self.probe.layer_names[self.layer]


def measure(scene: Scene, pictures: str) -> list[ProbedField]:
    """Return the field of every network at the chosen depth; one that cannot be measured is told.

    ``pictures`` is "one" for this photo, which takes a moment, "examples" for their mean, which is measured beside the
    page: none until it is there.
    """
    if pictures == "one":
        with st.spinner(_("Tracing which pixels matter …"), show_time=True):
            return measured(scene, pictures)
    work = of_pictures(scene, pictures)
    controls.begin([work], name="fields")
    controls.ask([work], _("Measure the examples"), name="fields", draw=lambda _view: _places(scene))
    return measured(scene, pictures) if long_work.result(work.key) else []


def of_pictures(scene: Scene, pictures: str) -> LongWork[bool]:
    """Return the work that measures the fields of pictures, so that ``measured`` finds them in the cache."""
    digests, photos = probes.photos_of(scene, pictures)
    asked = [(probe, *_read_at(scene, probe), probe.inputs(scene.vit, photos)) for _role, probe in probes.probes(scene)]

    def compute(report: Report) -> bool:
        steps = len(asked) * len(photos)
        for place, (probe, layer, token, inputs) in enumerate(asked):
            told = steps_from(report, place * len(photos), steps)
            with suppress_refusals():
                cache.receptive_field(probe.key, digests, layer, token, probe.model, inputs, told)
        return True

    return LongWork(
        ("fields", digests, *((probe.key, layer, token) for probe, layer, token, _inputs in asked)), compute
    )


def steps_from(report: Report, done: int, steps: int) -> Progress:
    """Return the progress of one of several measurements, after ``done`` of ``steps``."""
    return lambda now, _total: report(done + now, steps)


@contextmanager
def suppress_refusals() -> Iterator[None]:
    """Go on after a network that cannot be measured: the page tells why where it draws it. A stop is a stop."""
    try:
        yield
    except StoppedError:
        raise
    except VitvizError:
        return


def measured(scene: Scene, pictures: str) -> list[ProbedField]:
    """Return the field of every network; what is not in the cache is measured now."""
    digests, photos = probes.photos_of(scene, pictures)
    fields = []
    for role, probe in probes.probes(scene):
        layer, token = _read_at(scene, probe)
        try:
            field = cache.receptive_field(
                probe.key, digests, layer, token, probe.model, probe.inputs(scene.vit, photos)
            )
            fields.append(ProbedField(role, probe, layer, field))
            if role == "map":
                rolled = rollout.measure(scene, layer, digests, photos)
                fields.append(ProbedField("rollout", rollout.probe(probe), layer, rolled))
        except VitvizError as error:
            st.warning(plain(f"{probe.title}: {in_dashboard(error)}"))
    return fields


def _read_at(scene: Scene, probe: Probe) -> tuple[int, str]:
    """Return the layer of a network at the chosen depth, and what is read there."""
    layer = probe.layer_at((scene.layer + 1) / scene.vit.layers)
    return layer, probe.token_at(layer)


def _places(scene: Scene) -> None:
    """Keep the places of the maps while they are measured."""
    for column in st.columns(4, gap="small"):
        with column:
            empty_panel(scene.picture, _("not measured yet"))
