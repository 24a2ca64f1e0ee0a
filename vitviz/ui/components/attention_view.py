"""AttentionView: one layer's attention over a photo, as the attention viewer shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import GridError, OptionError, check_choice, check_index
from vitviz.figures.palettes import table
from vitviz.grid import PatchGrid
from vitviz.ui.components.labels import viewer_labels
from vitviz.ui.components.packing import float32_bytes, pack

Head = Literal["mean", "max"] | int
Direction = Literal["attends_to", "attended_by"]
ScaleScope = Literal["map", "layer", "model", "absolute"]

DIRECTIONS: tuple[str, ...] = get_args(Direction)
SCALES: tuple[str, ...] = get_args(ScaleScope)
VIEWER_PALETTES = ("viridis", "cividis", "spotlight")
"""Colour tables of the viewer; "spotlight" has no colour of its own: it darkens the photo where the weight is low."""


@dataclass(frozen=True)
class ViewState:
    """What the reader chose in the viewer: everything that a click or a control can change."""

    query: str
    """Name of the pinned token: a patch number or a special token such as "class"."""
    head: Head
    """The head in the large map: its number, or the "mean" or "max" over the heads."""
    direction: Direction
    """The large map shows where the token "attends_to" (a row) or what it is "attended_by" (a column)."""
    scale: ScaleScope
    """Whose largest weight has the last colour: this "map", this "layer", the whole "model", or "absolute" (1)."""
    hide_special: bool
    """True to leave the special tokens out of the colour scale."""
    opacity: float
    """Of the colours over the photo, in [0, 1]."""
    palette: str
    """One of VIEWER_PALETTES."""
    interpolate: bool
    """True to smooth between the patches."""
    layer: int
    """The layer that the reader wants to see."""


@dataclass(frozen=True, kw_only=True)
class AttentionView:
    """One layer's attention over a photo, and how it is first shown.

    Give ``queries`` and ``keys``, and the browser computes the softmax itself; or ``maps`` where scores have an
    additive bias or a mask, so that queries and keys alone do not tell the weights.
    Raises GridError for arrays that do not fit the grid and OptionError for an option outside its range.
    """

    photo: bytes
    """The model's input crop as an image file (PNG or JPEG); its shape on screen comes from the grid."""
    grid: PatchGrid
    layer: int
    layers: int
    queries: NDArray[np.float32] | None = None
    """(heads, token, channel), already multiplied by the attention scale."""
    keys: NDArray[np.float32] | None = None
    """(heads, token, channel)."""
    maps: NDArray[np.float32] | None = None
    """(heads, query, key), rows summing to 1. Sent whole: use it only where it must be."""
    query: str
    head: Head = "mean"
    direction: Direction = "attends_to"
    scale: ScaleScope = "map"
    hide_special: bool = True
    opacity: float = 0.6
    palette: str = "viridis"
    interpolate: bool = False
    names: tuple[str, ...] = ()
    """What the maps are, where they are not the heads of one layer; then there is no mean and no maximum of them."""
    film: NDArray[np.float32] | None = None
    """The maps of the query in every layer and the chosen direction, (layers, heads, token), to play and scrub."""
    model_maximum: float | None = None
    """Largest weight of any head of any layer; the scale "model" needs it."""
    labels: Mapping[str, str] = field(default_factory=viewer_labels)
    """Visible text in the reader's language: see viewer_labels."""

    def __post_init__(self) -> None:
        _check_arrays(self)
        check_index("Layer", self.layer, self.layers)
        if self.film is not None:
            _check_shape("film", self.film, (self.layers, self.heads, self.grid.tokens), "(layers, heads, token)")
        if self.names and len(self.names) != self.heads:
            raise OptionError(
                f"The attention view has {self.heads} maps and {len(self.names)} names; give one name a map, or none."
            )
        self.check(self.state)

    @property
    def heads(self) -> int:
        """Number of attention heads of this layer."""
        array = self.maps if self.maps is not None else self.queries
        return 0 if array is None else int(array.shape[0])

    @property
    def state(self) -> ViewState:
        """The choices that this view was made with."""
        return ViewState(**{option.name: getattr(self, option.name) for option in fields(ViewState)})

    def check(self, state: ViewState) -> None:
        """Raise OptionError if the state names a token, head, layer or option that this view has not."""
        self.grid.token(state.query)
        if state.head not in ("mean", "max") or self.names:
            check_index("Head", state.head, self.heads)  # type: ignore[arg-type]
        check_choice("Direction", state.direction, DIRECTIONS)
        check_choice("Scale", state.scale, SCALES)
        check_choice("Palette", state.palette, VIEWER_PALETTES)
        check_index("Layer", state.layer, self.layers)
        if state.scale == "model" and self.model_maximum is None:
            raise OptionError("The scale 'model' needs the model's largest weight; got None. Give model_maximum.")
        if not 0 <= state.opacity <= 1:
            raise OptionError(f"Opacity must lie in [0, 1]; got {state.opacity}. 0 shows the photo alone.")

    def read_state(self, chosen: Mapping[str, Any]) -> ViewState:
        """Return the state that the browser sent, with this view's own value where one does not fit this view.

        A choice made on another model may be impossible here: a register that this model has not, a ninth head of
        six. Such a choice falls back to the view's; the others stay.
        """
        state = self.state
        for option in fields(ViewState):
            wanted = {**asdict(state), option.name: chosen.get(option.name, getattr(state, option.name))}
            if type(wanted[option.name]) not in _TYPES[option.name]:
                continue
            try:
                candidate = ViewState(**wanted)
                self.check(candidate)
            except OptionError:
                continue
            state = candidate
        return state

    def pack(
        self, start: ViewState | None = None, *, revision: int = 0, heard: int = 0, standalone: bool = False
    ) -> bytes:
        """Return the view as one blob for the browser.

        The browser takes over ``start`` (default: this view's state) when ``revision`` is another than before, and
        otherwise keeps what the reader chose there, and what was chosen there after the turn ``heard``. ``standalone``
        leaves out the layer buttons.
        """
        parts: dict[str, bytes]
        if self.maps is not None:
            parts = {"maps": float32_bytes(self.maps)}
        else:
            parts = {"queries": float32_bytes(self.queries), "keys": float32_bytes(self.keys)}  # type: ignore[arg-type]
        photo = hashlib.blake2b(self.photo, digest_size=8).hexdigest()
        content = hashlib.blake2b(photo.encode() + b"".join(parts.values()), digest_size=8).hexdigest()
        palettes = {f"palette {name}": viewer_colours(name).tobytes() for name in VIEWER_PALETTES}
        meta = {**_header(self), "photo": photo, "content": content}
        meta |= {"revision": revision, "heard": heard, "standalone": standalone, "state": asdict(start or self.state)}
        if self.film is not None and not standalone:
            meta["film"] = {"query": self.query, "direction": self.direction}
            parts["film"] = float32_bytes(self.film)
        return pack(meta, {"photo": self.photo, **palettes, **parts})


_TYPES: dict[str, tuple[type, ...]] = {
    "query": (str,),
    "head": (str, int),
    "direction": (str,),
    "scale": (str,),
    "hide_special": (bool,),
    "opacity": (float, int),
    "palette": (str,),
    "interpolate": (bool,),
    "layer": (int,),
}


def viewer_colours(palette: str) -> NDArray[np.uint8]:
    """Return (256, 3) uint8. The spotlight's greys multiply the photo: 0 leaves nothing of it, 255 all."""
    if palette == "spotlight":
        return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    return table(palette)


def _header(view: AttentionView) -> dict[str, Any]:
    grid = view.grid
    channels = 0 if view.queries is None else int(view.queries.shape[2])
    return {
        "rows": grid.rows,
        "columns": grid.columns,
        "height": grid.image_size[0],
        "width": grid.image_size[1],
        "prefix": list(grid.prefix),
        "heads": view.heads,
        "channels": channels,
        "names": list(view.names),
        "layer": view.layer,
        "layers": view.layers,
        "modelMaximum": view.model_maximum,
        "palettes": [{"name": name, "darkens": name == "spotlight"} for name in VIEWER_PALETTES],
        "labels": dict(view.labels),
    }


def _check_arrays(view: AttentionView) -> None:
    tokens = view.grid.tokens
    if view.maps is not None and view.queries is None and view.keys is None:
        _check_shape("maps", view.maps, (None, tokens, tokens), "(heads, query, key)")
    elif view.maps is None and view.queries is not None and view.keys is not None:
        _check_shape("queries", view.queries, (None, tokens, None), "(heads, token, channel)")
        _check_shape("keys", view.keys, view.queries.shape, "the shape of the queries")
    else:
        raise OptionError("An attention view needs queries and keys, or maps, but not both; give one of the two.")


def _check_shape(name: str, array: NDArray[Any], wanted: tuple[int | None, ...], words: str) -> None:
    if (
        array.ndim != len(wanted)
        or not array.size
        or any(want not in (None, have) for want, have in zip(wanted, array.shape, strict=True))
    ):
        sizes = ", ".join("any" if size is None else str(size) for size in wanted)
        raise GridError(
            f"The {name} of the attention view have shape {array.shape}; wanted {words} = ({sizes}). "
            "Take them from a trace of the same image and model as the grid."
        )
    if not np.isfinite(array).all():
        raise OptionError(
            f"The {name} of the attention view hold NaN or infinity; wanted finite numbers. Check the model."
        )
