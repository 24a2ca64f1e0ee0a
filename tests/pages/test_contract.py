"""What every page must have: one visit to each, in which all of it is looked at."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.pages.dashboard import ROOT
from vitviz.examples import example
from vitviz.export.arrays import npz_bytes
from vitviz.figures.export import html_of_figures
from vitviz.ui.furniture import lesson, show
from vitviz.ui.navigation import sections

EXPLORE, LEARN = ([entry.name for entry in entries] for entries in sections().values())
VIEW = {
    "example": "koala",
    "layer": 0,
    "head": 1,
    "patch": 6,
    "direction": "attended_by",
    "fusion": "max",
    "discard": 0.3,
    "residual": 0.4,
    "start": 1,
    "statistic": "entropy",
    "ablate": "0.1",
    "painted": "4x4.BkA",
}
WITHOUT_HEADS = ("start", "attention", "rollout", "heads")
"""Pages that show the model without the heads that are switched off: Heads, its answer."""
NUMBERS = {"start": lambda arrays: arrays["maps"], "heads": lambda arrays: arrays["entropy"],
           "patches": lambda arrays: arrays["answer"]}  # fmt: skip
"""What the code of a page computes where it is not the map that is shown."""


def works_offline(html):
    """Whether a page of its own asks nobody for anything."""
    addresses = {url for url in re.findall(r"https?://[^\s\"'<>)\\]+", html) if "www.w3.org" not in url}
    asked = re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//|url\(\s*[\"']?https?:|@import", html)
    return html.lstrip().lower().startswith("<!doctype html>") and not asked and addresses == set()


def stored_whole(arrays, told):
    with np.load(io.BytesIO(npz_bytes(arrays, told)), allow_pickle=False) as stored:
        return all(
            np.array_equal(stored[name], array, equal_nan=array.dtype.kind == "f") for name, array in arrays.items()
        )


@pytest.mark.parametrize("page", EXPLORE)
def test_a_page_of_explore(dashboard, tiny_models, monkeypatch, page):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(page, **VIEW).sound()
    assert len(app.app.header) == 1
    labels = [each.label for each in app.app.main.expander]
    assert labels[-3:] == ["Why might this mislead?", "This view in Python", "Share and export"]
    caution = (ROOT / f"assets/text/en/caution-{page.replace('_', '-')}.md").read_text()
    assert caution.strip() in [each.value.strip() for each in app.app.markdown]
    buttons = [button.key for button in app.app.get("download_button") if button.key.startswith("download_")]
    more = [f"download_{suffix}" for suffix, *_ in app.export.more]
    assert buttons == ["download_png", "download_npz", "download_json", "download_html", *more]

    export, told = app.export, app.manifest
    picture = Image.open(io.BytesIO(export.png()))
    assert picture.format == "PNG"
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.5)
    assert min(picture.size) > 300
    assert picture.convert("RGB").getcolors(50) is None  # more than 50 colours: not blank

    small = Image.open(io.BytesIO(export.png(width_mm=85, dpi=150)))  # another size in print, and the file says so
    assert small.width == pytest.approx(85 / 25.4 * 150, abs=1)
    assert small.info["dpi"] == pytest.approx((150, 150), abs=0.5)
    assert not re.search(r"[0-9a-f]{20}", small.info["Description"])

    arrays = export.arrays()
    assert arrays
    assert stored_whole(arrays, told)

    record = json.loads(show.json_text(told))
    assert record["versions"]["vitviz"] == vitviz.__version__
    assert set(record["versions"]) >= {"torch", "timm", "python"}
    assert record["model"]["name"] == "tiny:class"
    assert record["picture"]["digest"] == vitviz.open_photo(example("koala").path).digest
    assert record["picture"]["name"] == "koala"
    assert record["edit"]["ablate_heads"] == ([[0, 1]] if page in WITHOUT_HEADS else [])
    assert record["settings"]["method"] == {"start": "layers"}.get(page, page)
    assert works_offline(export.html(told))

    code = app.app.code[0].value
    assert "vitviz.load_vit('tiny:class')" in code or page == "atlas"  # which is of another model
    assert ("ablate_heads=[(0, 1)]" in code) == (page in WITHOUT_HEADS)
    scope = {}
    exec(compile(code, page, "exec"), scope)
    expected = NUMBERS.get(page, lambda arrays: arrays["map"])(arrays)
    near = {"receptive_field": {"rtol": 1e-3, "atol": 1e-5}}.get(page, {"atol": 1e-6})  # its gradients are tiny
    assert np.allclose(np.asarray(scope["values"]), expected, **near, equal_nan=True)


@pytest.mark.parametrize("page", LEARN)
def test_a_page_of_learn(dashboard, monkeypatch, page):
    results, footer = [], lesson.footer
    monkeypatch.setattr(lesson, "footer", lambda result: (results.append(result), footer(result)))
    app = dashboard(page, example="koala").sound()
    assert len(app.app.header) == 1
    assert app.app.latex
    assert any(each.proto.icon == ":material/balance:" for each in app.app.info)  # the caveat
    assert [each.value for each in app.app.subheader][-2:] == ["What to try next", "Worksheet"]
    labels = [each.label for each in app.app.main.expander]
    assert labels[-2:] == ["This result in Python", "Share and export"]
    numbers = [int(label.split(".")[0]) for label in labels if label[0].isdecimal()]
    assert numbers == list(range(1, len(numbers) + 1))  # the worksheet
    assert numbers
    buttons = [button.key for button in app.app.get("download_button")]
    taken = [f"download_{name}" for name in ("worksheet", "answers", "npz", "json", "html")]
    assert buttons in (taken, [*taken, "chart_svg", "chart_pdf", "chart_png"])

    (result,) = results
    told = lesson.manifest(result)
    record = json.loads(show.json_text(told))
    assert record["page"] == result.page == page
    assert record["versions"]["vitviz"] == vitviz.__version__
    assert record["settings"] == json.loads(json.dumps(dict(result.settings)))
    arrays, figures = result.arrays(), result.figures()
    assert arrays
    assert stored_whole(arrays, told)
    html = html_of_figures(figures, result.title, manifest=told)
    assert html.startswith("<!doctype html>")
    assert "default-src 'none'" in html  # the browser lets the figures' library ask nobody
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*[\"']?(?:https?:)?//", html)
    assert html.count("<h2>") == len(figures) > 0
    compile(app.app.code[0].value, page, "exec")
    assert "vitviz" in app.app.code[0].value
