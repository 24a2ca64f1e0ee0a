"""Maps of one head over the photos of an atlas, for programs that show maps over whole data sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vitviz.atlas.result import Atlas, PhotoValue
from vitviz.attention.view import attention_view
from vitviz.errors import ImageError, OptionError
from vitviz.export.fiftyone import PhotoHeatmap
from vitviz.models.vit import ViT
from vitviz.trace.run import trace


def head_heatmaps(
    vit: ViT, atlas: Atlas, photos: Sequence[PhotoValue], *, layer: int, head: int
) -> Iterator[PhotoHeatmap]:
    """Yield where a head looks in photos of an atlas: the class token's attention, or the mean of all patches'.

    ``photos`` are some of the list, as ``Atlas.extremes`` gives them; their values become the field "value". Photos
    that cannot be read any more are left out.
    Raises OptionError for another model than the atlas's.
    """
    wanted, given = atlas.settings["model"], (vit.name, vit.weights)
    if given != (wanted["name"], wanted["weights"]):
        raise OptionError(
            f"The atlas is of {wanted['name']} ({wanted['weights']}); got {vit.name} ({vit.weights}). Load that model."
        )
    for photo in photos:
        try:
            data = atlas.photo_bytes(photo.line)
            traced = trace(vit, data)
        except ImageError:
            continue
        view = attention_view(traced, layer=layer, head=head, query=atlas.layout.query)
        yield PhotoHeatmap(photo.name, data, view.values, {"value": photo.value})
