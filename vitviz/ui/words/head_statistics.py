"""The statistics of heads in the reader's language."""

from __future__ import annotations

from vitviz.ui.text import _


def names() -> dict[str, tuple[str, str, str]]:
    """Return (title, unit, definition) of every statistic of a trace, in the reader's language.

    The unit "%" is that of shares, as ``vitviz.numbers.amount`` writes them.
    """
    return {
        "distance": (
            _("Attention distance"),
            _("patches"),
            _(
                "How far a patch looks on average: distance weighted by attention, over patches "
                "(Dosovitskiy et al. 2021, fig. 7)."
            ),
        ),
        "pixel_distance": (_("Attention distance in pixels"), _("px"), _("The same in pixels of the model's input.")),
        "entropy": (
            _("Entropy"),
            _("nats"),
            _("How spread out the attention is: 0 for one token, log(tokens) for all alike."),
        ),
        "self_share": (_("On itself"), "%", _("Share of attention that a patch pays to itself.")),
        "class_share": (
            _("On the class token"),
            "%",
            _("Share of the patches' attention that goes to the class token."),
        ),
        "register_share": (_("On registers"), "%", _("Share of the patches' attention that goes to registers.")),
        "sink_share": (
            _("On high-norm patches"),
            "%",
            _(
                "Share that goes to patches whose norm exceeds the mean by four standard deviations "
                "(Darcet et al. 2024)."
            ),
        ),
    }


def names_over_photos() -> dict[str, tuple[str, str, str]]:
    """Return the same of every statistic of an atlas."""
    inside = _("Share of the class token's attention to patches that lies in the boxes that were drawn on a photo.")
    return names() | {"box_share": (_("In the object's box"), "%", inside)}
