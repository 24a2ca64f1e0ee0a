"""The form for what a reader's own file of weights does not tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from vitviz.errors import VitvizError
from vitviz.models.preprocessing import CROP_MODES, INTERPOLATIONS
from vitviz.ui.choices.own_model import ACTIVATIONS, OWN_MEAN, OWN_STD, OWN_TRAINED, colours_of, colours_text
from vitviz.ui.choices.shared import SIZE, size_of, size_text
from vitviz.ui.kept.model_choice import IMAGENET, ModelChoice, OwnOptions
from vitviz.ui.kept.own_models import Recognised
from vitviz.ui.reader import chosen_model, how_loaded, link, own_files
from vitviz.ui.text import _
from vitviz.ui.words.errors import in_dashboard


class Form:
    """The fields of the form and what they say when it is sent."""

    def __init__(
        self, choice: ModelChoice, known: Recognised, folder: bool, take: Callable[[ModelChoice], None], mark: str = ""
    ) -> None:
        self.choice, self.known, self.folder, self.take = choice, known, folder, take
        given = (choice.content or choice.name, choice.own, *choice.chosen.values())
        self._names = f"own_field_{mark}{'_'.join(map(str, given))}_"

    def key(self, field: str) -> str:
        """Return the key of a field's widget."""
        return self._names + field

    def draw(self) -> None:
        """Draw the fields that the file needs."""
        if not self.folder:
            self._draw_file()
        self._draw_names()
        st.text_input(
            _("Input: height × width in pixels"),
            size_text(self.choice.size),
            key=self.key("size"),
            placeholder=_("the model's own"),
            help=_("One number for a square, or two such as 160x224."),
        )
        for field, draw in (("precision", how_loaded.precision), ("answers", how_loaded.answers)):
            draw(getattr(self.choice, field), key=self.key(field))
        with st.expander(_("How pictures are prepared")):
            self._draw_preprocessing()

    def _draw_file(self) -> None:
        own, known = self.choice.own, self.known
        names = list(dict.fromkeys(filter(None, [own.architecture, known.declared, *known.architectures])))
        st.selectbox(
            _("Architecture: named by the file") if known.declared else _("Architecture: guessed, please confirm"),
            names,
            index=0 if names else None,
            accept_new_options=True,
            key=self.key("architecture"),
            placeholder=_("a name of timm"),
            help=_("Those of timm with the same names and shapes of tensors; any other can be typed."),
        )
        if known.heads is None and known.width:
            divisors = [heads for heads in range(1, 65) if known.width % heads == 0]
            self._select(
                "heads", _("Attention heads"), [0, *divisors], own.heads,
                {0: _("as the architecture has, which is assumed")},
                _("The tensors of a file do not tell how many heads there are."),
            )  # fmt: skip
        if known.both_kinds:
            words = {"averaged": _("running average"), "raw": _("raw")}
            self._select("kind", _("Which weights"), list(words), own.kind, words)
        if known.several_layers:
            words = {"": _("please choose"), "none": _("nothing, or dropout")}
            self._select("activation", _("Between the classifier's layers"), ["", *ACTIVATIONS], own.activation, words)
        if known.pools:
            words = {"": _("as file and architecture have it"), "token": _("the class token")}
            words |= {"avg": _("the mean of the patches")}
            self._select(
                "pooling", _("Its answer is read from"), list(words), own.pooling, words,
                _("timm's names of tensors are the same for both; an answer read from the wrong place is wrong."),
            )  # fmt: skip
        st.text_input(
            _("Trained for height × width"),
            size_text(own.trained),
            key=self.key("trained"),
            placeholder=_("as the positions tell"),
            help=_("Only needed where the number of positions does not tell their grid: pictures that are not square."),
        )

    def _draw_names(self) -> None:
        own, known = self.choice.own, self.known
        if not self.folder and not known.classes:
            return
        words = {"": _("those of the file") if known.named or self.folder else _("numbers"), IMAGENET: _("ImageNet's")}
        options = [
            "",
            *([IMAGENET] if known.classes == 1000 or self.folder else []),
            *own_files.listed_names(self.choice.name),
        ]
        if own.names not in options:
            options.append(own.names)
        words |= {name: chosen_model.title(name) for name in options if ":" in name}
        self._select("names", _("Class names"), options, own.names, words)
        st.file_uploader(
            _("Or a file of class names"),
            type=own_files.SUFFIXES,
            max_upload_size=5,
            key=self.key("names_file"),
            help=_(
                "A text with a name a line, CSV, TSV or JSON, in the order of the outputs or with their numbers. "
                "At most 5 MB."
            ),
        )

    def _draw_preprocessing(self) -> None:
        own = self.choice.own
        known = _preprocessing(self.choice)
        shown = {"mean": "", "std": "", "crop": "", "interpolation": "", "crop_mode": ""} | known
        for field, label in (("mean", _("Mean of the channels")), ("std", _("Deviation of the channels"))):
            st.text_input(
                label, colours_text(getattr(own, field)), key=self.key(field), placeholder=shown[field],
                help=_("Of values from 0 to 1: one number, or three such as 0.485, 0.456, 0.406."),
            )  # fmt: skip
        st.number_input(
            _("Crop, as a share of the picture"),
            min_value=0.05, max_value=1.0, value=own.crop or None, step=0.005, format="%.3f",
            key=self.key("crop"), placeholder=shown["crop"],
        )  # fmt: skip
        default = (
            _("{value}, as it is").format(value=shown["interpolation"]) if shown["interpolation"] else _("as it is")
        )
        self._select(
            "interpolation", _("Interpolation"), ["", *INTERPOLATIONS], own.interpolation, {"": default}
        )  # fmt: skip
        words = {"": _("as it is"), "center": _("its middle is cut out"), "squash": _("it is distorted")}
        words |= {"border": _("a border is added")}
        self._select("crop_mode", _("A picture of another shape"), ["", *CROP_MODES], own.crop_mode, words)

    def _select(
        self, field: str, label: str, options: list[Any], value: Any, words: dict[Any, str], told: str | None = None
    ) -> None:
        st.selectbox(
            label,
            options,
            index=options.index(value) if value in options else 0,
            format_func=lambda option: words.get(option, str(option)),
            key=self.key(field),
            help=told,
        )

    def submit(self) -> None:
        """Have the link ask for the model with what the fields say; a field that cannot be read is told."""
        given = {field: self._value(field) for field in (*vars(self.choice.own), "precision", "answers")}
        try:
            own = OwnOptions(
                architecture=str(given["architecture"] or "").strip().removeprefix("timm:"),
                heads=given["heads"] or 0,
                kind=given["kind"] or "averaged",
                activation=given["activation"] or "",
                pooling=given["pooling"] or "",
                trained=size_of(OWN_TRAINED.read(given["trained"] or "")),
                names=own_files.take_names(st.session_state.get(self.key("names_file"))) or given["names"] or "",
                mean=colours_of(OWN_MEAN.read(given["mean"] or "")),
                std=colours_of(OWN_STD.read(given["std"] or "")),
                crop=given["crop"] or 0.0,
                interpolation=given["interpolation"] or "",
                crop_mode=given["crop_mode"] or "",
            )
            size = size_of(SIZE.read(self._value("size") or ""))
        except VitvizError as error:
            link.notice(in_dashboard(error))
            return
        chosen = replace(
            self.choice,
            own=own,
            size=size,
            precision=given["precision"] or "",
            answers=given["answers"] or "",
        )
        self.take(chosen)

    def _value(self, field: str) -> Any:
        return st.session_state.get(self.key(field))


def _preprocessing(choice: ModelChoice) -> dict[str, str]:
    """Return the preprocessing that the shown model has, in words, if it is this one."""
    numbers = chosen_model.preprocessing(choice)
    if numbers is None:
        return {}
    return {
        "mean": colours_text(numbers.mean),
        "std": colours_text(numbers.std),
        "crop": f"{numbers.crop:.3f}",
        "interpolation": numbers.interpolation,
        "crop_mode": numbers.crop_mode,
    }
