"""The door to gettext: every visible word of the dashboard passes through ``_``.

English is the source text. A language is one more catalogue in vitviz/ui/locale and one folder in assets/text:
no code changes.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "vitviz"


@cache
def translation(language: str) -> gettext.NullTranslations:
    """Return the catalogue of a language such as "zh", or the English source texts where there is none."""
    return gettext.translation(DOMAIN, localedir=LOCALE, languages=[language], fallback=True)


def _(text: str) -> str:
    """Return the text in the language of the reader: English until another catalogue is shipped."""
    return translation("en").gettext(text)
