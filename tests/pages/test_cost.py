"""The Cost page: sizes by knobs and by link, formulas on the page, measurements on demand, files and messages."""

import io
import re

import numpy as np
import pytest

import vitviz
from tests.pages.dashboard import RELATIVE
from vitviz.export.arrays import npz_bytes
from vitviz.labs.cost.compute import block_macs, model_macs
from vitviz.labs.cost.memory import attention_storage, recompute_ratio
from vitviz.labs.cost.vit_shape import PRESETS, shape_of
from vitviz.ui.choices.cost import RANGES
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.cost import compute, passes

PAGE = "cost"
MEMORY = {"cost_experiment": "memory"}


@pytest.fixture(autouse=True)
def results(monkeypatch):
    """What the page hands to its foot."""
    taken = []
    monkeypatch.setattr(lesson, "_downloads", lambda result: taken.append((result, lesson.manifest(result))))
    yield taken
    compute._count.clear()


def metrics(app):
    return {each.label: each.value for each in app.app.metric}


def captions(app):
    return "\n".join(each.value for each in app.app.caption)


@pytest.mark.parametrize(
    ("model", "which"),
    [("tiny:wide", "compute"), ("tiny:embedding", "compute"), (RELATIVE, "compute"), ("tiny:registers", "memory")],
)
def test_the_page_opens_on_every_kind_of_model(dashboard, tiny_models, results, model, which):
    app = dashboard(PAGE, model=model, cost_experiment=which).sound()
    shape = shape_of(tiny_models[model])
    assert shape.tokens == tiny_models[model].grid.tokens
    assert f"**L = {shape.tokens:,}**" in captions(app)
    assert app.has("plotly_chart", "cost_macs" if which == "compute" else "cost_bytes")
    assert results[-1][0].settings["tokens"] == shape.tokens


def test_the_count_of_the_loaded_model_is_the_formula(dashboard, tiny_models):
    app = dashboard(PAGE).sound()
    macs = model_macs(shape_of(tiny_models["tiny:class"])).total
    told = [each.value for each in app.app.markdown if "Counted" in each.value]
    assert f"Counted {macs:,.0f} MACs" in told[0]
    assert "equal to the last digit" in told[0]


def test_what_the_formula_does_not_know_is_told_as_a_difference(dashboard):
    app = dashboard(PAGE, model="tiny:pooled").sound()
    told = [each.value for each in app.app.markdown if "Counted" in each.value]
    assert re.search(r"\*\*\+\d+\.\d\d%\*\*", told[0])


def test_a_usual_model_sets_all_sizes_and_a_knob_changes_one(dashboard):
    app = dashboard(PAGE, cost_model="ViT-B/16").sound()
    assert metrics(app)["Whole model"] == "17.56 GMACs"
    assert metrics(app)["Passes the projections"] == "L = 1,536"
    assert metrics(app)["Passes all the rest"] == "L = 4,608"
    app.app.number_input(key="choice_cost_size").set_value(448).run()
    assert app.sound().link["cost_size"] == "448"
    assert "**L = 785**" in captions(app)
    app.app.selectbox(key="choice_cost_model").set_value("ViT-Ti/16").run()
    assert "cost_size" not in app.sound().link
    assert metrics(app)["Whole model"] == "1.25 GMACs"


@pytest.mark.parametrize("which", ["compute", "memory"])
@pytest.mark.parametrize("end", [0, 1])
def test_every_knob_at_its_ends(dashboard, results, which, end):
    sizes = {name: span[end] for name, span in RANGES.items()}
    link = sizes | {"cost_model": "ViT-S/16", "cost_experiment": which}
    app = dashboard(PAGE, **link)
    app.sound()
    told = results[-1][0].settings
    assert (told["width"], told["depth"], told["heads"]) == tuple(
        sizes[f"cost_{each}"] for each in ("width", "depth", "heads")
    )
    assert all(np.isfinite(each).all() for each in results[-1][0].arrays().values())


def test_a_picture_of_one_patch_and_a_patch_that_does_not_fit(dashboard):
    one = dashboard(PAGE, cost_model="ViT-S/16", cost_size=16, **MEMORY).sound()
    assert "**L = 2**" in captions(one)
    assert "nothing for attention to compare" in captions(one)
    large = dashboard(PAGE, cost_model="ViT-S/16", cost_size=32, cost_patch=64)
    large.told("No patch of 64 pixels fits.*shown with 32")
    assert large.link["cost_patch"] == "32"
    cut = dashboard(PAGE, cost_model="ViT-S/16", cost_size=230).sound()
    assert "last 6 rows and 6 columns of pixels" in captions(cut)


def test_the_memory_of_usual_models(dashboard, results):
    app = dashboard(PAGE, cost_model="ViT-S/14-518", **MEMORY).sound()
    shape = PRESETS["ViT-S/14-518"]
    assert metrics(app)["Ratio L/(2d)"] == "10.7 ×"
    assert metrics(app)["Attention maps"] == "541 MB"
    assert metrics(app)["Step with recomputing"] == f"{recompute_ratio(shape):.3f} ×"
    arrays = results[-1][0].arrays()
    maps = arrays["map_bytes"] / arrays["tokens"] ** 2
    assert np.allclose(maps, 4 * attention_storage(shape).maps / shape.tokens**2)


def test_the_recorder_tells_its_own_bytes(dashboard, tiny_models):
    app = dashboard(PAGE, **MEMORY).sound()
    table = app.table()
    storage = attention_storage(shape_of(tiny_models["tiny:class"]))
    assert table["Memory"][0] == f"{4 * storage.maps / 1e3:.3g} kB"
    assert table["Memory"][1] == f"{4 * storage.queries_and_keys / 1e3:.3g} kB"


def test_memory_is_measured_when_asked_for(dashboard, results):
    app = dashboard(
        PAGE, cost_model="ViT-S/16", cost_size=64, cost_width=30, cost_heads=4, cost_block=1,
        cost_passes=1, **MEMORY,
    ).sound()  # fmt: skip
    told = captions(app)
    assert told.count("exactly the same") == 2
    assert "not exactly" not in told
    assert "measured is one head" in told  # 4 heads do not divide 30
    held = results[-1][0].arrays()["block_held"]
    assert held[0] - held[1] == 4 * 17**2


def test_a_measurement_that_would_take_too_much_is_refused(dashboard):
    app = dashboard(PAGE, cost_model="ViT-S/16", cost_size=4096, cost_block=1, **MEMORY)
    app.told("maps would take 103,.* MB.*at most 400 MB")
    assert "cost_block" not in app.link
    assert app.app.toggle(key="choice_cost_block").value is False
    assert not app.has("button", "stop_cost_block")
    app.run().told("at most 400 MB")  # it stays after a click
    app.app.toggle(key="choice_cost_block").set_value(True).run()
    app.told("at most 400 MB")  # tried again
    app.put(cost_size=224).sound()  # another measurement, not refused


def test_a_lack_of_memory_is_told_and_can_be_tried_again(dashboard, monkeypatch):
    left = [RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate")]
    compare = passes.compare_blocks

    def measure(*given, **options):
        if left:
            raise left.pop()
        return compare(*given, **options)

    monkeypatch.setattr(passes, "compare_blocks", measure)
    app = dashboard(PAGE, cost_model="ViT-S/16", cost_size=64, cost_block=1, **MEMORY)
    app.told("too little memory for that. Choose smaller sizes.")
    app.app.toggle(key="choice_cost_block").set_value(True).run()
    assert app.sound().link["cost_block"] == "1"
    assert "exactly the same" in captions(app)


def test_seconds_are_measured_when_asked_for(dashboard, results, monkeypatch):
    monkeypatch.setattr(vitviz.labs.cost.compute, "MOST_MACS", 4e6)
    app = dashboard(PAGE, cost_width=32, cost_seconds=1).sound()
    assert app.has("plotly_chart", "cost_clock")
    assert re.search(r"GMACs a second. At [\d,]+ tokens it is furthest", captions(app))
    arrays = results[-1][0].arrays()
    assert arrays["timed_tokens"].tolist() == [16, 32, 64, 128]
    assert (arrays["block_seconds"] > 0).all()


@pytest.mark.parametrize(
    ("link", "pattern"),
    [
        ({"cost_model": "ViT-X"}, "cost_model='ViT-X'.*wanted one of"),
        ({"cost_size": "-5"}, "cost_size='-5'.*wanted a whole number from 8 to 4096"),
    ],
)
def test_what_a_link_cannot_have_is_told(dashboard, link, pattern):
    dashboard(PAGE, **link).told(pattern)


@pytest.mark.parametrize("which", ["compute", "memory"])
def test_the_files_and_the_code_give_the_numbers(dashboard, results, which):
    app = dashboard(PAGE, cost_model="ViT-Ti/16", cost_experiment=which).sound()
    result, told = results[-1]
    with np.load(io.BytesIO(npz_bytes(result.arrays(), told)), allow_pickle=False) as stored:
        assert np.array_equal(stored["tokens"], result.arrays()["tokens"])
    scope = {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    shape = PRESETS["ViT-Ti/16"]
    if which == "compute":
        assert scope["values"] == model_macs(shape)
        assert result.arrays()["mlp"][0] == pytest.approx(block_macs(16, 192).mlp)
    else:
        assert scope["values"] == attention_storage(shape)


@pytest.mark.parametrize("power", range(1, 22))
def test_numbers_have_room_in_a_narrow_column_whatever_the_sizes(power):
    for factor in (1, 3.7325851819, 9.9996):
        told = (compute._macs(factor * 10**power), passes.size(factor * 10**power))
        assert max(map(len, told)) <= len("10,000 GMACs"), told
    assert (compute._macs(3.7325851819e19), passes.size(1.152922054e18)) == ("37.33 EMACs", "1.15 EB")
