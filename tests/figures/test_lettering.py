"""Text on pictures: no empty boxes, whatever the characters."""

import numpy as np
import pytest
from PIL import Image

from vitviz.figures import lettering
from vitviz.figures.lettering import Typeface, typeface_for

BUILT_IN = Typeface(None, 0)


def test_plain_text_uses_the_built_in_font():
    assert typeface_for("L5·H3 (0.25)", "Min: 1e-05") == BUILT_IN


def test_the_built_in_font_lacks_the_multiplication_sign_and_says_so(monkeypatch):
    monkeypatch.setattr(lettering, "_SYSTEM_FONTS", ())
    lettering._choose.cache_clear()
    try:
        typeface = typeface_for("14 × 14 注")
        assert typeface.missing == {"×", "注"}
        assert typeface.drawable("14 × 14 注") == "14 U+00D7 14 U+6CE8"
    finally:
        lettering._choose.cache_clear()


def test_one_font_is_chosen_for_all_the_texts_of_a_picture():
    typeface = typeface_for("plain", "14 × 14")
    assert typeface.name is not None or typeface.missing == {"×"}


def test_a_character_that_no_font_has_is_written_as_its_code_point():
    private = "\U0010fff0"
    assert typeface_for(f"a{private}").drawable(f"a{private}") == "aU+10FFF0"


def test_every_written_line_leaves_ink():
    picture = Image.new("RGB", (200, 40), (255, 255, 255))
    text = "注意 × \U0010fff0"
    typeface_for(text).write(picture, (0, 0), text, size=20)
    assert (np.asarray(picture) < 100).any()


def test_line_breaks_and_tabs_become_spaces():
    assert BUILT_IN.drawable("a\n\tb") == "a b"


def test_fit_shortens_only_what_is_too_wide():
    assert BUILT_IN.fit("short", 12, 200) == "short"
    cut = BUILT_IN.fit("a very long label", 12, 60)
    assert cut.endswith("...")
    assert BUILT_IN.width(cut, 12) <= 60


@pytest.mark.parametrize("text", ["one two three four five six", "unbroken" * 20, "a\n\nb"])
def test_wrap_keeps_every_letter_and_every_line_inside(text):
    lines = BUILT_IN.wrap(text, 12, 80)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(BUILT_IN.width(line, 12) <= 80 for line in lines)


def test_an_empty_line_stays_empty():
    assert BUILT_IN.wrap("a\n\nb", 12, 80) == ["a", "", "b"]
