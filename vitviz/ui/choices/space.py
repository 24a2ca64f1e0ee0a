"""The choices of the Tokens, Positions and Receptive field pages that no other page has."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, flag, name, number, one_of, whole

MOST_FOREGROUND = 0.95
"""At 1 no patch would be left to make colours of."""


def _or_nothing(text: str) -> str:
    return text and name(text)


def _class(text: str) -> str:
    return text and str(whole(text))


CHOICES = (
    Choice("second", "", _or_nothing, page="tokens"),  # empty: the next example
    Choice("likeness", "range", one_of("range", "signed"), page="tokens"),
    Choice("foreground", 0.0, number(0, MOST_FOREGROUND), page="tokens"),  # 0: all patches
    Choice("flip", False, flag, page="tokens"),
    Choice("lens_class", "", _class, page="tokens"),  # empty: the top answer
    Choice("cka", False, flag, page="tokens"),
    Choice("cka_with", "", _or_nothing, page="tokens"),  # empty: the model itself
    Choice("encoding", "", _or_nothing, page="positions"),  # empty: the model's first
    Choice("new_grid", 0, whole, page="positions"),  # 0: half of the model's own
    Choice("input_sizes", False, flag, page="positions"),
    Choice("spread", False, flag, page="receptive_field"),
)
