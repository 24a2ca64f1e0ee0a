"""A contract over the pages: the CNN that they show is the trained one, in words, in numbers and in their code."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.pages.dashboard import ROOT
from vitviz.ui.kept import cache, networks
from vitviz.ui.learn.anatomy import shift

PAGES: dict[str, dict[str, Any]] = {
    "receptive_field": {}, "patches": {}, "anatomy": {"anatomy": "shift"},
}  # fmt: skip
RANDOM = re.compile(r"random weights|weights=.random|untrained|not in the local cache")
CNN = re.compile(r"CNN|ResNet|EfficientNet|[Cc]onvolutional network")


@pytest.fixture(autouse=True)
def _forget():
    yield
    for kept in (cache.receptive_field, cache.attention_fields, networks.redrawn, shift._measured):
        kept.clear()


@pytest.mark.parametrize("page", PAGES)
def test_no_page_speaks_of_a_random_cnn(dashboard, page):
    app = dashboard(page, **PAGES[page]).sound().app
    texts = [each.value for each in [*app.markdown, *app.caption, *app.info, *app.code]]
    cells = [" ".join(map(str, row)) for frame in app.table for row in frame.value.to_numpy().tolist()]
    spoken = [line for text in [*texts, *cells] for line in text.splitlines() if CNN.search(line)]
    assert any(networks.CNN_TITLE in line or "CNN" in line for line in spoken)
    assert not [
        line for line in spoken if re.search(r"random weights|weights=.random|untrained|not in the local", line)
    ]


@pytest.mark.parametrize("page", [name for name in PAGES if name != "patches"])
def test_the_code_of_the_pages_loads_the_trained_network(dashboard, page):
    app = dashboard(page, **PAGES[page]).sound().app
    (code,) = {line for each in app.code for line in each.value.splitlines() if "load_convnet" in line}
    assert code == 'net = vitviz.load_convnet("cnn", image_size=vit.image_size)'


def test_no_text_of_the_dashboard_names_a_cnn_that_is_not_shipped():
    sources = [
        *(ROOT / "vitviz/ui").rglob("*.py"),
        *(ROOT / "pages").glob("*.py"),
        *(ROOT / "assets/text").rglob("*.md"),
    ]
    assert not [path.name for path in sources if "ResNet-18" in path.read_text(encoding="utf-8")]
