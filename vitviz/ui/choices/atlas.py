"""The choices of the Atlas page: the atlas, what colours the grid, the head, and the atlas that it is compared with."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, name_or_none, one_of
from vitviz.ui.choices.shared import pairs_of

PAGE = "atlas"
STATISTICS = (
    "distance", "entropy", "self_share", "class_share", "register_share", "sink_share", "box_share", "pixel_distance",
)  # fmt: skip

LAYER_STATISTICS = (
    "lens_agreement", "lens_confidence", "patch_norm", "outlier_share", "stream_length", "growth",
    "field_radius", "field_area", "cka", "faithfulness",
)  # fmt: skip


def _head(text: str) -> str:
    pairs_of(text)
    return text.partition("-")[0]


ATLAS = Choice("atlas", "", name_or_none, pages=(PAGE,))  # empty: the first one
ATLAS_STATISTIC = Choice("atlas_statistic", "distance", one_of(*STATISTICS), pages=(PAGE,))
ATLAS_VALUE = Choice("atlas_value", "mean", one_of("mean", "deviation"), pages=(PAGE,))
ATLAS_SECOND = Choice("atlas_second", "entropy", one_of(*STATISTICS), pages=(PAGE,))
ATLAS_HEAD = Choice("atlas_head", "", _head, pages=(PAGE,))  # empty: the head that differs most from photo to photo
ATLAS_LAYERS = Choice("atlas_layers", "lens_agreement", one_of(*LAYER_STATISTICS), pages=(PAGE,))
ATLAS_OTHER = Choice("atlas_other", "", name_or_none, pages=(PAGE,))  # empty: the next one
ATLAS_DOOR = Choice("atlas_door", "attention", one_of("attention", "heads"), pages=(PAGE,))
