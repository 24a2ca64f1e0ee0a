"""The HTML file: whole, closed to the network, and deaf to what a title may contain."""

import base64
import re

import numpy as np

from vitviz.grid import PatchGrid
from vitviz.ui.components.atlas_view import AtlasView
from vitviz.ui.components.attention_view import AttentionView
from vitviz.ui.components.packing import unpack
from vitviz.ui.components.standalone import standalone_html

QUERIES = np.ones((1, 5, 2), np.float32)
VIEW = AttentionView(
    photo=b"photo",
    grid=PatchGrid(2, 2, (8, 8), ("class",)),
    layer=0,
    layers=1,
    query="class",
    queries=QUERIES,
    keys=QUERIES,
)
ATLAS_VIEW = AtlasView(values=np.ones((2, 2), np.float32), label="Entropy")


def data_of(html, place="component"):
    return base64.b64decode(re.search(rf'data-place="{place}">([^<]*)<', html).group(1))


def test_the_file_holds_the_view():
    meta, parts = unpack(data_of(standalone_html(VIEW, title="A", caption="B")))
    assert parts["photo"] == b"photo"
    assert meta["standalone"] is True
    assert unpack(data_of(standalone_html(ATLAS_VIEW, title="A", caption="B")))[0]["label"] == "Entropy"


def test_more_views_stand_below_with_their_headings():
    html = standalone_html(VIEW, title="A", caption="B", below=[("<i>Heads</i>", ATLAS_VIEW), ("", VIEW)])
    assert re.findall("<h2>(.*?)</h2>", html) == ["&lt;i&gt;Heads&lt;/i&gt;"]
    assert [unpack(data_of(html, place))[0].get("label") for place in ("below-1", "below-2")] == ["Entropy", None]
    assert unpack(data_of(html, "below-2"))[1]["photo"] == b"photo"


def test_user_text_is_escaped():
    html = standalone_html(VIEW, title="<script>alert(1)</script>", caption='"><img src=x onerror=alert(1)>')
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_labels_cannot_leave_the_data_block():
    evil = AtlasView(values=np.ones((1, 1), np.float32), label="</script><script>alert(1)</script>")
    assert "alert(1)" not in standalone_html(evil, title="A", caption="B")


def test_nothing_is_fetched():
    for view in (VIEW, ATLAS_VIEW):
        html = standalone_html(view, title="A", caption="B")
        assert "default-src 'none'" in html
        assert not re.search(r"(?:src|href)=|https?:|@import|url\(", html)
        assert "export default" not in html
