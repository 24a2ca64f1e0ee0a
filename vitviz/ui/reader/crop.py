"""How the reader's photo is brought to the shape of the model's input, and the model that sees it so."""

from __future__ import annotations

from dataclasses import replace

from vitviz.errors import VitvizError
from vitviz.images import Photo
from vitviz.images.seen_part import SeenPart
from vitviz.models.vit import ViT
from vitviz.ui.choices.photo import CROP, GRID, TRAINED, crop_of_text
from vitviz.ui.kept import cache
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import chosen_model, link
from vitviz.ui.words.errors import in_dashboard


def seeing(choice: ModelChoice, photo: Photo) -> tuple[ViT, ModelChoice, str]:
    """Return a model that sees a photo by the crop of the link, its whole choice, and its name in cache keys.

    A patch grid in the photo's shape is another model, of other positions; where it cannot be had, that is told and
    the photo cropped as the model was trained. Raises VitvizError for a model that cannot be had at all.
    """
    vit, loaded = chosen_model.load(choice)
    key, crop = loaded.key, link.get(CROP)
    if crop == TRAINED:
        return vit, loaded, key
    if crop != GRID:
        return cache.cropped(key, crop, vit, crop_of_text(crop)), loaded, f"{key}|{crop}"
    shape = vit.fitting_size(photo)
    if shape == vit.image_size:
        return vit, loaded, key
    try:
        return chosen_model.load(replace(loaded, size=shape))[0], loaded, f"{key}|{shape}"
    except VitvizError as error:
        link.notice(in_dashboard(error))
        link.put(CROP.at(TRAINED))
        return vit, loaded, key


def seen_part(vit: ViT, key: str, photo: Photo) -> SeenPart | None:
    """Return which part of a photo a model sees, or None where that cannot be known."""
    return cache.seen_part(key, photo.image.size, vit)
