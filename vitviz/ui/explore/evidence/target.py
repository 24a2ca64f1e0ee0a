"""What the Evidence page explains: a class, one rather than another, or what sets the image apart without classes."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from vitviz.numbers import percent
from vitviz.trace.default import APART, target_of
from vitviz.trace.target import Target, contrast, resolve_target
from vitviz.ui.choices.choice import Choice
from vitviz.ui.choices.evidence import TARGET, VERSUS
from vitviz.ui.kept import shelf
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.class_names import class_name

_SEEN = "vitviz_target_seen"


@dataclass(frozen=True, eq=False)
class Aim:
    """What is explained, and its name in cache keys."""

    key: str
    target: Target
    first: int | None
    """The class, or None for a model without a classifier."""
    other: int | None
    """The class that it is set against."""
    label: str
    """What is explained, in the reader's words."""


def current(scene: Scene) -> Aim:
    """Return the target of this run; one that the model has not is told, and the top answer taken."""
    logits = scene.original.logits
    if logits is None:
        if link.get(TARGET) or link.get(VERSUS):
            link.put(TARGET.at(""), VERSUS.at(""))
            _tell(_("This model has no classes; what sets the image apart is explained."))
        return default(scene)
    _forget_other_models(scene)
    classes = len(logits)
    for choice in (TARGET, VERSUS):
        if link.get(choice) and int(link.get(choice)) >= classes:
            _tell(
                _("There is no class {asked}: this model has classes 0 to {last}, so it is left out.").format(
                    asked=link.get(choice), last=classes - 1
                )
            )
            link.put(choice.at(""))
    first = int(link.get(TARGET) or logits.argmax())
    if link.get(VERSUS) in ("", str(first)):
        link.put(VERSUS.at(""))
        return of_class(scene, first)
    other = int(link.get(VERSUS))
    label = _("{first} rather than {other}").format(
        first=class_name(scene.vit, first), other=class_name(scene.vit, other)
    )
    return Aim(f"{first}-{other}", contrast(scene.vit, first, other), first, other, label)


def of_class(scene: Scene, index: int) -> Aim:
    """Return the logit of one class as the target; raises OptionError for a class that the model has not."""
    target = resolve_target(scene.vit, index, scene.original.logits)
    return Aim(str(index), target, index, None, class_name(scene.vit, index))


def default(scene: Scene) -> Aim:
    """Return the library's default target for a model without a classifier."""
    key = ("target", scene.model_key, scene.photo.digest)
    now = scene.original
    target = shelf.results().once(key, lambda: target_of(scene.vit, None, now.pixels, now.logits, now.embedding))
    if target.label == APART:
        return Aim("own", target, None, None, _("what sets the image apart from its mean colour"))
    return Aim("own", target, None, None, _("similarity to the image's own embedding"))


def _tell(text: str) -> None:
    st.warning(plain(text), icon=":material/info:")


def _forget_other_models(scene: Scene) -> None:
    """Go back to the top answer when the reader changes the model: the number is another class there."""
    now = (link.get(TARGET), link.get(VERSUS))
    model, before = st.session_state.get(_SEEN, (scene.model_key, now))
    if model != scene.model_key and before == now:
        link.put(TARGET.at(""), VERSUS.at(""))
        now = ("", "")
    st.session_state[_SEEN] = (scene.model_key, now)


def without_classes(aim: Aim) -> None:
    """Say what is explained of a model without a classifier."""
    if aim.first is None:
        st.caption(
            _(
                "This model has no classifier. Explained is what sets the image apart from its mean colour: where the "
                "difference between its embedding and that of a plain picture comes from."
            )
        )


def controls(scene: Scene, aim: Aim) -> None:
    """Draw the list of all classes and the class that the chosen one is set against, for a model that has some."""
    if aim.first is None:
        return
    classes, versus = st.columns(2, gap="medium")
    class_list(classes, TARGET, _("Any class"), _("the top answer"), scene)
    class_list(versus, VERSUS, _("Rather than"), _("nothing: the class by itself"), scene)


def answers(scene: Scene, aim: Aim) -> None:
    """Draw the model's first answers; a click explains another one. Without a classifier there is nothing to draw."""
    if aim.first is None:
        return
    shares = dict(scene.original.top(5))
    key = "evidence_answers"

    def choose(picked: int | None) -> None:
        link.put(TARGET.at("" if picked is None else str(picked)))

    st.pills(
        _("Explain the answer"),
        list(shares),
        format_func=lambda index: f"{plain(class_name(scene.vit, index))} {percent(shares.get(index, 0.0))}",
        key=key,
        on_change=link.tie(key, aim.first if aim.first in shares else None, choose),
    )


def class_list(
    column: st.delta_generator.DeltaGenerator, choice: Choice[str], title: str, nothing: str, scene: Scene
) -> None:
    """Draw the list of all classes for one choice; ``nothing`` says what is meant if none is chosen."""
    column.selectbox(
        title,
        ["", *(str(index) for index in range(len(scene.vit.class_names)))],
        format_func=lambda text: class_name(scene.vit, int(text)) if text else nothing,
        **link.widget(choice),
    )
