"""Text on pictures: Pillow's own font, a system font where it lacks a character, never an empty box.

Pillow's built-in font has the ASCII characters and « » ° ± ´ · ‘ ’ “ ” … ‹ › ™, but neither × nor –, accents, Greek
or Chinese. Text with such characters is set in the first font of this machine that has them all. Where none has,
the character is written as its code point, such as U+6CE8: ugly, but not lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

from vitviz.errors import OptionError
from vitviz.record import Record

INK = (34, 34, 34)
"""Colour of text on white: near black, contrast 15:1."""

# File name and face number. Pillow looks in the usual font folders of Linux, macOS and Windows.
# Wide Chinese fonts come last: their Latin letters are fine, but a plain font is calmer where it suffices.
_SYSTEM_FONTS = (
    ("DejaVuSans.ttf", 0),
    ("LiberationSans-Regular.ttf", 0),
    ("Arial.ttf", 0),
    ("arial.ttf", 0),
    ("NotoSansCJK-Regular.ttc", 2),  # face 2 is Simplified Chinese
    ("SourceHanSansSC-Regular.otf", 0),
    ("wqy-microhei.ttc", 0),
    ("PingFang.ttc", 0),
    ("Hiragino Sans GB.ttc", 0),
    ("msyh.ttc", 0),
    ("simsun.ttc", 0),
    ("Arial Unicode.ttf", 0),
)
_PROBE_SIZE = 20
_NO_CHARACTER = "\U0010fffd"  # private plane: no font maps it, so its picture is the font's empty box


@dataclass(frozen=True)
class Typeface(Record):
    """One font for all the text of a picture, and what it has to write as code points."""

    name: str | None
    """File name of a system font, or None for the font inside Pillow."""
    face: int
    """Number of the face inside the file."""
    missing: frozenset[str] = frozenset()
    """Characters of the picture's texts that no font of this machine has."""

    def font(self, size: int) -> FreeTypeFont:
        """Return the font at a height in pixels."""
        font = _load(self.name, self.face, max(size, 1))
        if font is None:
            raise OptionError(f"The font {self.name!r} cannot be opened any more; wanted a font file. Try again.")
        return font

    def drawable(self, text: str) -> str:
        """Return the text on one line, with each character that has no picture as its code point, "U+6CE8"."""
        line = " ".join(text.split())
        return "".join(f"U+{ord(letter):04X}" if letter in self.missing else letter for letter in line)

    def width(self, text: str, size: int) -> float:
        """Return the width of one line of text in pixels."""
        return float(self.font(size).getlength(self.drawable(text)))

    def write(
        self,
        image: Image.Image,
        position: tuple[float, float],
        text: str,
        *,
        size: int,
        ink: tuple[int, int, int] = INK,
        anchor: str = "la",
    ) -> None:
        """Write one line at a position; ``anchor`` is Pillow's, such as "la" for left and top of the letters."""
        draw = ImageDraw.Draw(image)
        draw.text(position, self.drawable(text), fill=ink, font=self.font(size), anchor=anchor)

    def fit(self, text: str, size: int, width: float) -> str:
        """Return the text, shortened with "..." if it is wider than ``width`` pixels."""
        if self.width(text, size) <= width:
            return text
        shorter = text
        while shorter and self.width(shorter + "...", size) > width:
            shorter = shorter[:-1]
        return shorter.rstrip() + "..."

    def wrap(self, text: str, size: int, width: float) -> list[str]:
        """Return the lines of a text that fit into ``width`` pixels; a word is cut only if longer than a line."""
        lines: list[str] = []
        for paragraph in text.splitlines():
            line = ""
            for word in self._words(paragraph, size, width):
                joined = f"{line} {word}" if line else word
                if line and self.width(joined, size) > width:
                    lines.append(line)
                    joined = word
                line = joined
            lines.append(line)
        return lines

    def _words(self, paragraph: str, size: int, width: float) -> list[str]:
        """Return the words, with those wider than a line (Chinese has no spaces) cut into parts."""
        words: list[str] = []
        for word in paragraph.split():
            part = ""
            for character in word:
                if part and self.width(part + character, size) > width:
                    words.append(part)
                    part = ""
                part += character
            words.append(part)
        return words


def typeface_for(*texts: str) -> Typeface:
    """Return the first font that has every character of all the texts, else the one that lacks fewest."""
    return _choose(frozenset(character for text in texts for character in text if not character.isspace()))


@lru_cache(maxsize=256)
def _choose(characters: frozenset[str]) -> Typeface:
    best: Typeface | None = None
    for name, face in ((None, 0), *_SYSTEM_FONTS):
        lacking = frozenset(character for character in characters if not _has(name, face, character))
        if best is None or len(lacking) < len(best.missing):
            best = Typeface(name, face, lacking)
        if not best.missing:
            break
    assert best is not None  # the built-in font is always tried
    return best


@cache
def _load(name: str | None, face: int, size: int) -> FreeTypeFont | None:
    if name is not None:
        try:
            return ImageFont.truetype(name, size, index=face)
        except OSError:
            return None
    font = ImageFont.load_default(size)
    if not isinstance(font, FreeTypeFont):
        raise OptionError(
            "This Pillow was built without FreeType and cannot set text at print size; wanted a Pillow with it. "
            "Install Pillow from its wheel: pip install --force-reinstall pillow"
        )
    return font


@lru_cache(maxsize=8192)
def _has(name: str | None, face: int, character: str) -> bool:
    """Return whether a font has its own picture of the character, not the empty box."""
    font = _load(name, face, _PROBE_SIZE)
    if font is None:
        return False
    glyph, box = font.getmask(character), font.getmask(_NO_CHARACTER)
    return glyph.size != box.size or bytes(glyph) != bytes(box)
