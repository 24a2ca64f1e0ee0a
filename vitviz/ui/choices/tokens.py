"""The choices of the Tokens page: the second photo, the likeness, the colours, the class of the lens, CKA."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, class_or_none, flag, integer, name_or_none, number, one_of
from vitviz.ui.choices.shared import model_name

PAGE = "tokens"
MOST_CLUSTERS = 8
"""As many as there are colours that all eyes tell apart."""
MOST_FOREGROUND = 0.95
"""At 1 no patch would be left to make colours of."""

SECOND = Choice("second", "", name_or_none, pages=(PAGE,))  # empty: the next example
LIKENESS = Choice("likeness", "range", one_of("range", "signed"), pages=(PAGE,))
FOREGROUND = Choice("foreground", 0.0, number(0, MOST_FOREGROUND), pages=(PAGE,))  # 0: all patches
FLIP = Choice("flip", False, flag, pages=(PAGE,))
CLUSTERS = Choice("clusters", 5, integer(2, MOST_CLUSTERS), pages=(PAGE,))
LENS_CLASS = Choice("lens_class", "", class_or_none, pages=(PAGE,))  # empty: the top answer
CKA = Choice("cka", False, flag, pages=(PAGE,))
CKA_WITH = Choice("cka_with", "", lambda text: text and model_name(text), pages=(PAGE,))  # empty: the model itself
