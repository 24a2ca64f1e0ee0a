"""Precision and kind of answers: what a reader may say of any model, beside what whoever started the server fixed."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from vitviz.models.devices import Precision
from vitviz.ui.kept.placing import placing
from vitviz.ui.text import _


def precision(value: str = "", **widget: Any) -> None:
    """Draw the choice of the precision; the device is the server's, and is said."""
    server = placing()
    options = ["", *get_args(Precision)]
    st.selectbox(
        _("Precision"),
        options,
        index=options.index(value),
        format_func=lambda name: name or _("as this server has it: {precision}").format(precision=server["precision"]),
        help=_(
            "Of weights and passes. float32 loses nothing; bfloat16 and float16 take half the memory and round, so "
            "maps may differ in their second or third digit. This server computes on the device {device}, which is "
            "chosen where it is started."
        ).format(device=server["device"]),
        **widget,
    )


def answers(value: str = "", **widget: Any) -> None:
    """Draw whether one class is right or several may be at once."""
    words = {
        "": _("as the model's own settings say"),
        "one": _("one class is right"),
        "several": _("several classes may be right at once"),
    }
    st.selectbox(
        _("Answers"),
        list(words),
        index=list(words).index(value),
        format_func=words.__getitem__,
        help=_(
            "One: shares of 100% (softmax). Several: each class has a probability of its own (sigmoid), as a model "
            "for several labels is trained; what they add up to means nothing."
        ),
        **widget,
    )
