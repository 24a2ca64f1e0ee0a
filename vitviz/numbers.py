"""Numbers as text, the same on pages, in figures, files and the terminal: three figures, shares in per cent.

Plotly writes shares the same by the form "%{y:.3~p}", and the browser's components by ``percent`` of shared.js.
"""

from __future__ import annotations

import re
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """Return a number with three significant digits, as colour bars print it: "0.0312", "−0.5", "5.5e−6"."""
    short = f"{value:.3g}" if value else "0"
    return minus(re.sub(r"e([+-])0?(\d)", r"e\1\2", short).replace("e+", "e"))


def minus(text: str) -> str:
    """Return a number as text with the sign of subtraction, as charts write it, instead of a hyphen."""
    return text.replace("-", "−")


class Signed(float):
    """A number that is written with a true minus in any form: ``f"{Signed(value):+.2f}"``."""

    def __format__(self, form: str) -> str:
        return minus(super().__format__(form))


def scientific(value: float, figures: int = 3) -> str:
    """Return a number for a sentence, as a textbook writes it: a power of ten where zeros would have to be counted.

    >>> from vitviz.numbers import scientific
    >>> [scientific(value) for value in (0, 79.497, 3.99e7, 4.73e-4)], scientific(2.4e-7, 1)
    (['0', '79.5', '3.99 × 10⁷', '4.73 × 10⁻⁴'], '2 × 10⁻⁷')
    """
    value = float(value) or 0.0  # no nought below 0
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return minus(f"{value:,.{figures}g}" if abs(value) < 10**figures - 0.5 else f"{value:,.0f}")
    factor, power = f"{value:.{figures - 1}e}".split("e")
    return f"{minus(factor)} × 10{str(int(power)).translate(_RAISED)}"


def percent(share: SupportsFloat, *, signed: bool = False) -> str:
    """Return a share in per cent: three significant figures, no zeros at the end, no space before the sign.

    ``signed`` says plus, too, for what was gained or lost.

    >>> from vitviz.numbers import percent
    >>> [percent(share) for share in (0.9731, 0.0332, 1 / 257, 0.5, 1e-7)]
    ['97.3%', '3.32%', '0.389%', '50%', '<0.001%']
    """
    value = 100 * float(share)
    if 0 < abs(value) < 0.001:
        return "<0.001%"
    plus = "+" if signed and value > 0 else ""
    return plus + minus(f"{value:.0f}%" if abs(value) >= 999.5 else f"{value:.3g}%")


def amount(value: float, unit: str) -> str:
    """Return a number with its unit; the unit "%" says that the number is a share, which is told in per cent.

    >>> from vitviz.numbers import amount
    >>> amount(3.6204, "patches"), amount(0.0332, "%")
    ('3.62 patches', '3.32%')
    """
    return percent(value) if unit == "%" else f"{number(value)} {unit}".strip()


def in_unit(values: ArrayLike, unit: str) -> NDArray[np.float64]:
    """Return numbers for a chart or a table whose title names the unit: shares, of the unit "%", times a hundred."""
    return np.asarray(values, dtype=np.float64) * (100 if unit == "%" else 1)
