"""Every result has a picture in three ways, or stands here with the reason why it has none."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

import vitviz
from vitviz.analysis.interpolation import interpolated_similarity
from vitviz.analysis.map_comparison import compare_maps
from vitviz.attention.rollout_view import rollout_view
from vitviz.attention.view import attention_view
from vitviz.errors import OptionError
from vitviz.figures.scale import Scale
from vitviz.models.vit import ViT
from vitviz.pictures.register import DRAWINGS
from vitviz.record import Record, Result

ROOT = Path(__file__).parents[1]
ROOMS = ("analysis", "attention", "attribution", "labs", "trace")
NONE = {  # why a record has no picture
    "AddedEvidence": "its slopes are all zero",
    "AloneResult": "a line of the long-range table",
    "AxisField": "a part of TheoreticalField",
    "Batch": "what a network is trained on",
    "Cell": "a number of the benchmark's table, which is a page of its own",
    "ClassAnswer": "what is asked for",
    "Contrast": "what is asked for",
    "ConvNet": "a network",
    "Crossovers": "two numbers",
    "Detector": "what is asked for",
    "Digits": "the data",
    "Dimensions": "the numbers of a formula",
    "Familiarity": "a score and its threshold",
    "GaussianFit": "six numbers",
    "Going": "the losses of a run that goes on",
    "Gradients": "a part of a trace",
    "HeadRow": "one row of a head, whose map Trace draws",
    "HeadWeights": "what is asked for",
    "Knob": "an option",
    "LayerSlopes": "a part of a trace",
    "Likeness": "what is asked for",
    "Measurement": "a line of the benchmark's table",
    "Method": "what can be asked for",
    "Metric": "what can be asked for",
    "MlpSteps": "numbers of a few tokens, to be printed",
    "NetworkResult": "a part of TaskResult, which has the distances",
    "Norms": "five numbers",
    "Pair": "runs of LayerNormTraining, which has a picture",
    "PatchSizeAnswer": "one point of a curve: show draws several",
    "Permutation": "three numbers",
    "Plan": "what is asked for",
    "Point": "one point of a run",
    "Positions": "what position_similarity reads",
    "PowerLaw": "a line in the picture of DigitScaling",
    "RandomBand": "a part of a curve",
    "RawMap": "what a method hands to attribute",
    "ReadOut": "two numbers",
    "Recipe": "what is asked for",
    "Regions": "patches of a map that is drawn elsewhere",
    "Row": "a line of the benchmark's table",
    "ScaledRun": "a point in the picture of DigitScaling",
    "SeveralHeads": "its heads are HeadSteps, which have pictures",
    "ShiftCurve": "a part of ShiftExperiment, which has the shifts",
    "ShuffleResult": "a part of ShuffleExperiment, which has the shares",
    "SizedAnswer": "one point of a curve: show draws several",
    "Spread": "one curve of the locality lesson",
    "StepCost": "a part of MemoryComparison",
    "Sweep": "what the board of the long range lesson says while something is dragged",
    "Target": "what is asked for",
    "Task": "what is asked for",
    "TheoreticalField": "two numbers: a dashed box in the receptive field",
    "TokenClusters": "the Tokens page draws its groups over the photo",
    "Trial": "a line of the search's table",
    "ViTShape": "what is asked for",
    "WeightsFile": "a file",
    "Window": "a part of a count",
}


def records() -> Iterator[type[Record]]:
    """Yield every public record of the rooms that measure."""
    for room in ROOMS:
        package = importlib.import_module(f"vitviz.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"vitviz.{room}."):
            for value in vars(importlib.import_module(module.name)).values():
                own = isinstance(value, type) and issubclass(value, Record) and value.__module__ == module.name
                if own and not value.__name__.startswith("_"):
                    yield value


RECORDS = sorted(set(records()), key=lambda record: record.__name__)


def test_every_result_has_a_picture_or_a_reason() -> None:
    shown = {record.__name__ for record in RECORDS if issubclass(record, Result)}
    assert shown | {"Summary"} == {record.__name__ for record in DRAWINGS}  # that of the atlas, which has no other
    assert {record.__name__ for record in RECORDS} - shown == set(NONE)


def test_numbers_alone_need_no_plotly_and_one_door_leads_up() -> None:
    """Only record.py reaches the room above it, and only when a picture is asked for."""
    doors = []
    for path in sorted((ROOT / "vitviz").rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        names = [node.args[0] for node in calls if ast.unparse(node.func).endswith("import_module") and node.args]
        doors += [path.name for name in names if isinstance(name, ast.Constant) and "vitviz" in str(name.value)]
    assert doors == ["__init__.py", "record.py"]  # the package itself brings its names when one is asked for


@pytest.fixture(scope="module")
def vit(tiny_vit: Any) -> ViT:
    return ViT.from_module(tiny_vit)


@pytest.fixture(scope="module")
def results(vit: ViT) -> dict[str, Any]:
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    trace = vitviz.trace(vit, photo)
    first = vitviz.attribute("gradient_rollout", vit, trace)
    signed = vitviz.attribute("integrated_gradients", vit, trace, n_steps=4)
    positions = vitviz.position_similarity(vit)
    return {
        "trace": trace,
        "attention": attention_view(trace, layer=0, query=5),
        "rollout": rollout_view(trace),
        "attribution": first,
        "signed": signed,
        "comparison": compare_maps(first.values, vitviz.attribute("rollout", vit, trace).values, (vit.grid, vit.grid)),
        "heads": vitviz.head_statistics(trace),
        "field": vitviz.receptive_field(vit, photo, layer=0),
        "profile": vitviz.receptive_field(vit, photo, layer=0).profile,
        "attention_field": vitviz.attention_field(trace),
        "positions": positions,
        "components": vitviz.position_components(positions, count=3),
        "interpolated": interpolated_similarity(vit, 3, 3),
        "faithfulness": vitviz.deletion_insertion(vit, trace.pixels, first),
        "one curve": vitviz.deletion_insertion(vit, trace.pixels, first).second,
        "perturbation": vitviz.perturbation_test(vit, trace.pixels, first),
        "drop": vitviz.drop_curve(vit, trace.pixels),
        "randomisation": vitviz.model_randomisation(
            vit, lambda other: vitviz.attribute("saliency", other, photo, target=1).values
        ),
        "colours": vitviz.token_colours(trace),
        "likeness": vitviz.token_similarity(trace, 3),
        "norms": vitviz.token_norms(trace, deviations=1),
        "lens": vitviz.logit_lens(vit, trace),
        "evidence": vitviz.class_evidence(vit, trace),
        "cka": vitviz.layer_similarity(trace),
        "spectrum": vitviz.token_spectrum(trace),
        "shuffling": vitviz.shuffle_experiment(vit, photo),
    }


NAMES = [
    "trace",
    "attention",
    "rollout",
    "attribution",
    "signed",
    "comparison",
    "heads",
    "field",
    "profile",
    "attention_field",
    "positions",
    "components",
    "interpolated",
    "faithfulness",
    "perturbation",
    "drop",
    "randomisation",
    "colours",
    "likeness",
    "norms",
    "lens",
    "evidence",
    "cka",
    "spectrum",
    "shuffling",
] + ["one curve"]


@pytest.mark.parametrize("name", NAMES)
def test_a_result_shows_itself_in_three_ways(results: dict[str, Any], name: str) -> None:
    html, figure, image = results[name]._repr_html_(), results[name].figure(), results[name].image(width_mm=60)
    assert isinstance(figure, go.Figure)
    assert figure.data
    assert image.mode == "RGB"
    assert abs(image.width - 60 / 25.4 * 150) <= 1
    assert len(set(image.convert("L").tobytes())) > 3, "an empty picture"
    assert re.search(r'<svg|src="data:image/(png|jpeg);base64', html)
    assert not re.search(r"(src|href)=\"https?:|@import|<script", html), "something would be loaded"
    assert len(html) < 700_000


def test_a_map_has_the_colours_of_its_page(results: dict[str, Any]) -> None:
    """Attention from 0 to its largest share; signed maps about 0 over a grey photo."""
    from vitviz.pictures.maps import attribution_panel, map_panel

    view, signed = results["attention"], results["signed"]
    assert map_panel(view).scale == Scale(0, view.maximum, view.uniform)
    panel = attribution_panel(signed)
    assert panel.scale is not None
    assert panel.scale.signed
    assert panel.photo is not None
    assert (panel.photo[..., 0] == panel.photo[..., 1]).all()


def test_the_photo_under_a_map_is_what_the_model_saw(results: dict[str, Any], vit: ViT) -> None:
    seen = vit.picture(results["trace"].pixels)
    for name in ("attention", "rollout", "attribution", "field", "attention_field", "norms", "likeness", "evidence"):
        np.testing.assert_array_equal(results[name].picture, seen, name)


def test_the_viewer_is_a_page_of_its_own(results: dict[str, Any], tmp_path: Path) -> None:
    viewer = vitviz.show(results["trace"], layer=0, query="7", opacity=0.3)
    assert "default-src 'none'" in viewer.page
    assert not re.search(r"(src|href)=\"https?:", viewer.page)
    assert "<iframe" in viewer._repr_html_()
    assert "srcdoc" in viewer._repr_html_()
    viewer.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == viewer.page
    with pytest.raises(OptionError, match="exists already"):
        viewer.save(tmp_path / "page.html")


def test_side_by_side_shares_a_scale_where_units_agree(results: dict[str, Any]) -> None:
    both = vitviz.side_by_side(results["attention"], results["rollout"], labels=("one layer", "rollout"))
    scales = {panel.scale for panel in both.drawing.panels}
    assert len(scales) == 1
    assert scales.pop().high == max(results["attention"].maximum, results["rollout"].maximum)
    apart = vitviz.side_by_side(results["attribution"], results["signed"])
    assert len({panel.scale for panel in apart.drawing.panels}) == 2
    with pytest.raises(OptionError, match="share no scale"):
        vitviz.side_by_side(results["attribution"], results["signed"], scale="shared")
    with pytest.raises(OptionError, match="Only maps stand side by side; got LogitLens"):
        vitviz.side_by_side(results["lens"])
    with pytest.raises(OptionError, match="wanted one a map"):
        vitviz.side_by_side(results["rollout"], labels=("a", "b"))
    with pytest.raises(OptionError, match="no maps"):
        vitviz.side_by_side()


def test_an_option_is_known_or_refused(results: dict[str, Any]) -> None:
    assert vitviz.show(results["heads"], statistic="entropy").figure() != results["heads"].figure()
    with pytest.raises(OptionError, match="no option 'opacty'.*opacity"):
        results["rollout"].image(opacty=0.2)
    with pytest.raises(OptionError, match="no picture"):
        vitviz.show(results["trace"].grid)


def test_what_cannot_be_drawn_says_why_in_the_cell() -> None:
    from vitviz.labs.layer_norm.training import LayerNormTraining

    nothing = np.zeros(0)
    run = LayerNormTraining("pre", 2, 8, 0.1, 0, 5, 0, nothing, nothing, None, False, False)
    assert "no loss to draw" in run._repr_html_()
    with pytest.raises(OptionError, match="no loss to draw"):
        run.figure()


def test_several_answers_are_one_figure(results: dict[str, Any], vit: ViT) -> None:
    norms = vitviz.outlier_table(results["trace"], deviations=1)
    assert isinstance(vitviz.show(norms).figure(), go.Figure)
    sizes = vitviz.patch_sizes(vit, results["trace"].picture, sizes=(4, 8))
    assert isinstance(vitviz.show(sizes).image(), Image.Image)


def test_the_bar_under_a_lit_map_has_its_greys(results: dict[str, Any]) -> None:
    """A spotlight adds no colour, so neither may its bar; a map's bar begins with its palette's first colour."""
    assert "rgb(68, 1, 84)" not in results["trace"]._repr_html_()
    assert "rgb(68, 1, 84)" in results["attention"]._repr_html_()


def test_every_chart_of_several_results_is_a_picture(vit: ViT) -> None:
    answers = vitviz.input_sizes(vit, np.zeros((32, 32, 3), np.uint8), sizes=(32, 48))
    charts = vitviz.show(answers).drawing.images(width_mm=60, height_mm=40, dpi=100)
    assert [(title, picture.size) for title, picture in charts] == [("", (236, 157))] * 2
    assert np.any(np.asarray(charts[0][1]) != np.asarray(charts[1][1]))  # cosine and seconds
