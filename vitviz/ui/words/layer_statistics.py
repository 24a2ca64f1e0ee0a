"""What an atlas knows of layers, in the reader's language."""

from __future__ import annotations

from vitviz.ui.text import _


def names() -> dict[str, tuple[str, str]]:
    """Return (title, definition) of every statistic that is not of heads."""
    return {
        "lens_agreement": (
            _("Photos whose answer is settled"),
            _("Logit lens: the part of the photos whose answer, read after this layer, is already the final one."),
        ),
        "lens_confidence": (
            _("Probability of the final answer"),
            _("Logit lens: what the classifier gives the final answer when it reads the tokens after this layer."),
        ),
        "patch_norm": (_("Norm of the patch tokens"), _("Mean length of the patch tokens after the block.")),
        "outlier_share": (
            _("Patches of unusual norm"),
            _("Patches whose norm exceeds the mean by four standard deviations (Darcet et al. 2024)."),
        ),
        "stream_length": (
            _("Length of all tokens"),
            _("Root mean square length of the tokens in the residual stream: what each block adds to."),
        ),
        "growth": (_("Growth of the length (factor)"), _("Factor by which a block changes that length.")),
        "field_radius": (
            _("Receptive field: radius (px)"),
            _("Radius of the gradient receptive field of the patch in the middle."),
        ),
        "field_area": (
            _("Receptive field: part of the picture that holds half of it"),
            _("Share of the picture that holds half of that field."),
        ),
        "cka": (
            _("CKA of two layers"),
            _("Likeness of the patch tokens after two layers: 1 is the same up to turning and scaling."),
        ),
        "faithfulness": (
            _("Faithfulness of explanations"),
            _("Insertion minus deletion, mean with its 95% interval; random maps stand beside the methods."),
        ),
    }
