"""HTML exports: nothing is loaded, nothing a user typed becomes markup."""

import base64
from html.parser import HTMLParser

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.bars import answers_bar
from vitviz.figures.export import html, html_of_png
from vitviz.figures.image_files import png_bytes

EVIL = '"><script src="https://example.org/x.js"></script><img onerror=alert(1)>'
PNG = png_bytes(np.zeros((2, 3, 3), np.uint8))


class Tags(HTMLParser):
    """The tags of a page with their attributes, and the text of its scripts left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def plotly_page() -> str:
    figure = answers_bar([EVIL, "dog"], [0.7, 0.3])
    return html(figure, EVIL, EVIL, manifest={"image": EVIL}, alt="cat, then dog", language="zh")


@pytest.fixture(scope="module")
def picture_page() -> str:
    return html_of_png(PNG, EVIL, EVIL, {"model": EVIL}, alt=EVIL)


@pytest.mark.parametrize("page", ["plotly_page", "picture_page"])
def test_nothing_is_loaded_from_anywhere(page, request):
    text = request.getfixturevalue(page)
    parsed = Tags(text)
    for tag, attributes in parsed.tags:
        source = attributes.get("src") or attributes.get("href") or "data:"
        assert source.startswith("data:"), (tag, source)
    (policy,) = [meta for meta in parsed.named("meta") if "http-equiv" in meta]
    assert policy["content"].startswith("default-src 'none';")


def test_no_script_tag_names_an_outside_file(plotly_page):
    assert all("src" not in attributes for attributes in Tags(plotly_page).named("script"))


def test_plotly_is_inside(plotly_page):
    assert len(plotly_page) > 1_000_000
    assert "Plotly.newPlot" in plotly_page


def test_user_text_never_becomes_markup(plotly_page, picture_page):
    for page in (plotly_page, picture_page):
        assert EVIL not in page
        assert not [tag for tag, attributes in Tags(page).tags if "onerror" in attributes]
        assert "<title>&quot;&gt;&lt;script" in page


def test_the_picture_page_has_no_script_and_the_same_bytes(picture_page):
    parsed = Tags(picture_page)
    assert not parsed.named("script")
    (image,) = parsed.named("img")
    assert base64.b64decode(str(image["src"]).removeprefix("data:image/png;base64,")) == PNG
    assert image["alt"] == EVIL
    assert 'src="http' not in picture_page


def test_the_manifest_can_be_read_and_is_optional(picture_page):
    assert "<summary>Settings</summary>" in picture_page
    assert "&quot;model&quot;: " in picture_page
    assert "<details>" not in html_of_png(PNG, "t")


def test_the_language_is_declared(plotly_page, picture_page):
    assert '<html lang="zh">' in plotly_page
    assert '<html lang="en">' in picture_page


def test_without_a_description_the_title_stands_in():
    (image,) = Tags(html_of_png(PNG, "Rollout")).named("img")
    assert image["alt"] == "Rollout"


def test_the_figure_is_told_in_words(plotly_page):
    (drawing,) = [div for div in Tags(plotly_page).named("div") if div.get("role") == "img"]
    assert drawing["aria-label"] == "cat, then dog"


def test_errors_say_what_to_do():
    with pytest.raises(OptionError, match=r"no PNG: it begins with b'\\xff\\xd8'"):
        html_of_png(b"\xff\xd8", "t")
    with pytest.raises(OptionError, match="cannot be written as JSON .*ndarray"):
        html_of_png(PNG, "t", manifest={"map": np.zeros(2)})
    with pytest.raises(OptionError, match="cannot be written as JSON"):
        html_of_png(PNG, "t", manifest={"loss": float("nan")})
