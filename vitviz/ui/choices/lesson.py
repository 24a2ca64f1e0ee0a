"""The choices that all Learn pages share: guess first, class, and what of the course is done."""

from __future__ import annotations

from vitviz.errors import OptionError
from vitviz.ui.choices.choice import Choice, flag
from vitviz.ui.text import _

PAGES = (
    "anatomy",
    "patches_and_detail",
    "attention_from_scratch",
    "long_range",
    "cost",
    "depth",
    "training",
)
"""The Learn pages by their files' names: the seven lessons of the course, in their order."""

GUESS_FIRST = Choice("guess_first", False, flag, pages=PAGES)
CLASS = Choice("class", False, flag, pages=PAGES)
"""Whether the link is a teacher's: guesses come first, and answers are not to be had before them."""


def done_of(text: str) -> tuple[str, ...]:
    """Return the pages of a text such as "1-3": the numbers of lessons that are done, in the order of the course."""
    numbers = [part for part in text.split("-") if part]
    if not all(part.isdecimal() and 1 <= int(part) <= len(PAGES) for part in numbers):
        raise OptionError(_("wanted numbers of lessons from 1 to {most}, such as 1-3").format(most=len(PAGES)))
    return tuple(page for number, page in enumerate(PAGES, start=1) if str(number) in numbers)


def done_text(pages: tuple[str, ...]) -> str:
    """Return the text of lessons that are done: "1-3"."""
    return "-".join(str(number) for number, page in enumerate(PAGES, start=1) if page in pages)


def _done(text: str) -> str:
    return done_text(done_of(text))


COURSE = Choice("course", "", _done, pages=(*PAGES, "start"))
"""The lessons that the reader has marked as done."""
