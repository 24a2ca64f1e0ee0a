"""The two sides of a comparison: A is the scene, B differs from it in one thing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from vitviz.analysis.map_comparison import same_crop
from vitviz.capture.edit import NO_EDIT
from vitviz.errors import VitvizError, WeightsUnavailableError
from vitviz.models import shipped
from vitviz.models.timm_weights import TIMM
from vitviz.models.vit import ViT
from vitviz.ui.choices.compare import AGAINST, OTHER_CLASS, OTHER_MODEL, OTHER_OPTIONS, OTHER_PHOTO, OTHER_WEIGHTS
from vitviz.ui.choices.shared import WEIGHTS
from vitviz.ui.explore.evidence import target
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.kept import cache, networks
from vitviz.ui.kept.model_choice import ModelChoice, OwnOptions
from vitviz.ui.reader import chosen_model, crop, link, photos, scene
from vitviz.ui.reader.model_link import BESIDE
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.labels import model_name

_SMALLER = 5 / 8
"""Side of the input that B has where it would be A itself, as a part of A's: 140 of 224 pixels."""


@dataclass(frozen=True, eq=False)
class Side:
    """What one map is of."""

    title: str
    """What makes this side what it is, in words."""
    scene: Scene
    aim: Aim


def sides(now: Scene) -> tuple[Side, Side | None]:
    """Return A and B; B is None, with the reason told, where it cannot be had."""
    aim = target.current(now)
    if aim.first is not None and aim.other is not None:  # this page compares whole answers
        aim = target.of_class(now, aim.first)
    build = {"random": _random, "model": _model, "photo": _photo, "class": _class}[link.get(AGAINST)]
    try:
        return build(now, aim)
    except VitvizError as error:
        st.warning(plain(in_dashboard(error)), icon=":material/block:")
        if isinstance(error, WeightsUnavailableError):
            st.button(
                _("Compare with random weights of {model}").format(model=plain(link.get(OTHER_MODEL))),
                key="other_random",
                on_click=lambda: link.put(OTHER_WEIGHTS.at("random")),
            )
        return Side(_named(now), now, aim), None


def _named(now: Scene) -> str:
    return f"{now.vit.name}, {photos.title(now.photo_name)}"


def _random(now: Scene, aim: Aim) -> tuple[Side, Side]:
    vit, key = networks.redrawn(now.model_key, now.vit), now.model_key + "|redrawn"
    trace = cache.traced(key, now.photo.digest, NO_EDIT, vit, now.photo)
    varied = replace(now, vit=vit, model_key=key, original=trace, trace=trace)
    own = _("its own weights") if link.get(WEIGHTS) == "pretrained" else _("random weights")
    return Side(own, now, aim), Side(_("weights redrawn at random"), varied, _like(aim, now, varied))


def _model(now: Scene, aim: Aim) -> tuple[Side, Side]:
    vit, choice, named = crop.seeing(other_model(now), now.photo)
    if sees_its_own(choice):
        key = f"{scene.bearable(vit).name}|{named}"
        trace = cache.traced(key, now.photo.digest, NO_EDIT, vit, now.photo)
        shown, part = cache.picture(key, now.photo.digest, vit, now.photo), crop.seen_part(vit, key, now.photo)
        varied = replace(now, picture=shown, part=part)
        st.caption(_("B sees the photo as its own options cut it: what lies at one place in A and B may differ."))
    else:
        key = f"{scene.bearable(vit).name}|{named}|crop of {now.model_key}"
        pixels = same_crop(now.vit, vit, now.photo.image)
        trace, varied = cache.traced_input(key, now.photo.digest, now.model_key, vit, pixels), now
    varied = replace(varied, vit=vit, model_key=key, choice=choice, original=trace, trace=trace)
    names = [model_name(model) for model in (now.vit, vit)]
    if names[0] == names[1]:
        names = [_sized(model) for model in (now.vit, vit)]
    return Side(names[0], now, aim), Side(names[1], varied, _like(aim, now, varied))


def _sized(vit: ViT) -> str:
    height, width = vit.image_size
    return _("{model}, {height} × {width} px").format(model=model_name(vit), height=height, width=width)


def set_apart(now: Scene) -> None:
    """Give B a smaller input where it would be A itself, as it is before a model is chosen for it."""
    try:
        if link.get(OTHER_OPTIONS) == "own" or other_model(now) != now.choice:
            return
    except VitvizError:  # a file that is not known: the sides say why
        return
    sides = zip(now.vit.image_size, now.vit.grid.patch_size, strict=True)
    height, width = (max(1, round(_SMALLER * side / patch)) * patch for side, patch in sides)
    BESIDE.put(replace(now.choice, size=(height, width)))
    link.put(OTHER_OPTIONS.at("own"))


def sees_its_own(choice: ModelChoice) -> bool:
    """Return whether B's own options say how a photo is cut; else it is given the part that A sees."""
    own = choice.own
    return link.get(OTHER_OPTIONS) == "own" and bool(own.crop or own.crop_mode or own.interpolation)


def other_model(now: Scene) -> ModelChoice:
    """Return the model of B: by options of its own, or as A is loaded, so that both are of one kind."""
    choice = BESIDE.asked()
    if choice.name == "default":
        choice = replace(choice, weights="pretrained")
    if link.get(OTHER_OPTIONS) == "own":
        return choice
    mine = now.choice
    choice = ModelChoice(choice.name, choice.weights, precision=mine.precision, answers=mine.answers)
    if not choice.is_own:
        return choice
    known = chosen_model.recognised(choice)[1]
    architecture = mine.own.architecture or architecture_of(mine.name)
    if architecture not in known.architectures:
        return choice
    own = mine.own if mine.is_own else OwnOptions()
    names = own.names if known.classes == len(now.vit.class_names) and not known.named else ""
    heads = own.heads if known.heads is None else 0
    return replace(choice, own=replace(own, architecture=architecture, names=names, heads=heads), size=mine.size)


def architecture_of(name: str) -> str:
    """Return timm's architecture of a model by name, without its tag; empty if it is not one of timm's."""
    if name in shipped.MODELS:
        return shipped.MODELS[name].architecture
    return name.removeprefix(TIMM).partition(".")[0] if name.startswith(TIMM) else ""


def _photo(now: Scene, aim: Aim) -> tuple[Side, Side]:
    name = other_photo(now)
    photo = photos.get(name)
    trace = cache.traced(now.model_key, photo.digest, NO_EDIT, now.vit, photo)
    shown = cache.picture(now.model_key, photo.digest, now.vit, photo)
    part = crop.seen_part(now.vit, now.model_key, photo)
    varied = replace(now, photo=photo, photo_name=name, original=trace, trace=trace, picture=shown, part=part)
    return Side(photos.title(now.photo_name), now, aim), Side(photos.title(name), varied, _like(aim, now, varied))


def _class(now: Scene, aim: Aim) -> tuple[Side, Side | None]:
    if aim.first is None:
        st.info(_("This model has no classes to compare. Compare models or photos instead."), icon=":material/info:")
        return Side(_named(now), now, aim), None
    rival = target.of_class(now, other_class(now, aim))
    return Side(aim.label, now, aim), Side(rival.label, now, rival)


def other_photo(now: Scene) -> str:
    """Return the photo of B; one that is not here is told, and the next example taken."""
    names, chosen = photos.available(), link.get(OTHER_PHOTO)
    if chosen and chosen not in names:
        st.warning(
            plain(_("There is no photo {name} here; another one is shown.").format(name=chosen)), icon=":material/info:"
        )
        link.put(OTHER_PHOTO.at(""))
        chosen = ""
    return chosen or next(name for name in names if name != now.photo_name)


def other_class(now: Scene, aim: Aim) -> int:
    """Return the class of B: the chosen one, or the best answer that A does not explain; one too many is told."""
    logits = now.original.logits
    assert logits is not None
    chosen = link.get(OTHER_CLASS)
    if chosen and int(chosen) >= len(logits):
        st.warning(
            _("There is no class {asked}: this model has classes 0 to {last}, so it is left out.").format(
                asked=chosen, last=len(logits) - 1
            ),
            icon=":material/info:",
        )
        link.put(OTHER_CLASS.at(""))
        chosen = ""
    if chosen:
        return int(chosen)
    ranked: list[int] = logits.argsort(descending=True).tolist()
    return next((index for index in ranked if index != aim.first), ranked[0])


def _like(aim: Aim, first: Scene, second: Scene) -> Aim:
    """Return the same target for another model or photo, or what comes nearest to it, which is told."""
    if second.original.logits is None:
        default = target.default(second)
        if aim.first is not None:
            st.info(
                plain(
                    _("{model} has no classifier. B explains: {target}.").format(
                        model=second.vit.name, target=default.label
                    )
                ),
                icon=":material/info:",
            )
        return default
    if aim.first is not None and first.vit.class_names == second.vit.class_names:
        return target.of_class(second, aim.first)
    st.info(
        plain(
            _("The models have different classes: B explains the top answer of {model}.").format(model=second.vit.name)
        ),
        icon=":material/info:",
    )
    return target.of_class(second, int(second.original.logits.argmax()))
