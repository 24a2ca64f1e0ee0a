"""TokenView: the patch tokens of two pictures, as the token viewer shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import GridError, OptionError, check_choice, check_index
from vitviz.figures.palettes import table
from vitviz.grid import PatchGrid
from vitviz.ui.components.attention_view import VIEWER_PALETTES, viewer_colours
from vitviz.ui.components.labels import token_labels
from vitviz.ui.components.packing import float32_bytes, pack

SCALES = ("range", "signed")
_LARGEST = 32767  # of int16: two bytes a number, and cosines exact to four places


class TokenChoice(NamedTuple):
    """What the reader chose in the viewer."""

    patch: int
    scale: str


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenPicture:
    """One picture: its photo, its patch tokens and their colours."""

    title: str
    """What to call it on the screen."""
    photo: bytes
    """The crop that the model sees."""
    grid: PatchGrid
    tokens: NDArray[np.floating]
    """(patch, channel)."""
    colours: NDArray[np.floating]
    """(rows, columns, 3) in [0, 1]."""

    def __post_init__(self) -> None:
        if self.tokens.ndim != 2 or len(self.tokens) != self.grid.patches:
            raise GridError(
                f"The token viewer needs tokens ({self.grid.patches}, channel); got shape {self.tokens.shape}. "
                "Leave prefix tokens out: vitviz.analysis.tokens.patch_tokens does."
            )
        if self.colours.shape != (self.grid.rows, self.grid.columns, 3):
            raise GridError(
                f"The token viewer needs colours ({self.grid.rows}, {self.grid.columns}, 3); got shape "
                f"{self.colours.shape}. Use token_colours."
            )
        if not np.isfinite(self.tokens).all():
            raise OptionError(
                "Tokens hold NaN or infinite numbers, so nothing can be compared; wanted finite numbers. Check the "
                "weights."
            )

    def whole(self) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Return the tokens as unit vectors in whole numbers, (patch, channel), and the factor of each, (patch,)."""
        length = np.linalg.norm(self.tokens, axis=1, keepdims=True)
        unit = self.tokens / np.maximum(length, np.finfo(np.float64).tiny)
        most = np.maximum(np.abs(unit).max(1), np.finfo(np.float32).tiny)
        whole = np.rint(unit / most[:, None] * _LARGEST).astype(np.int16)
        return whole, (most / _LARGEST).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenView:
    """Two pictures of one model, and the patch of the first that is compared.

    Raises GridError or OptionError for tokens of different width, an unknown scale or a patch outside the grid.
    """

    pictures: tuple[TokenPicture, TokenPicture]
    patch: int
    scale: str = "range"
    """"range": the palette from the least to the most alike patch; "signed": RdBu from −1 to 1."""
    palette: str = "spotlight"
    """Of "range": "spotlight" darkens the photo where patches are least alike."""
    opacity: float = 0.8
    labels: Mapping[str, str] = field(default_factory=token_labels)

    def __post_init__(self) -> None:
        check_choice("Scale of the likeness", self.scale, SCALES)
        check_choice("Palette", self.palette, VIEWER_PALETTES)
        check_index("Patch", self.patch, self.pictures[0].grid.patches)
        widths = {picture.tokens.shape[1] for picture in self.pictures}
        if len(widths) > 1:
            raise GridError(
                f"Tokens of {widths} channels cannot be compared; wanted the same model and layer for both pictures."
            )

    def parts(self) -> dict[str, bytes]:
        """Return what does not change with the choices: photos, tokens, colours, colour tables."""
        parts = {"range": viewer_colours(self.palette).tobytes(), "signed": table("RdBu").tobytes()}
        for place, picture in enumerate(self.pictures):
            whole, scales = picture.whole()
            parts[f"tokens{place}"] = whole.astype("<i2").tobytes()
            parts[f"scales{place}"] = float32_bytes(scales)
            parts[f"colours{place}"] = np.rint(picture.colours * 255).astype(np.uint8).tobytes()
            parts[f"photo{place}"] = picture.photo
        return parts

    @property
    def choice(self) -> TokenChoice:
        """The patch and the colour scale of the view."""
        return TokenChoice(self.patch, self.scale)

    def read(self, sent: Any) -> TokenChoice | None:
        """Return what the browser sent, or None for nothing or what this view has not."""
        if not isinstance(sent, Mapping) or sent.get("scale") not in SCALES:
            return None
        try:
            patch = check_index("Patch", sent.get("patch"), self.pictures[0].grid.patches)  # type: ignore[arg-type]
        except OptionError:
            return None
        return TokenChoice(patch, sent["scale"])

    def pack(
        self, start: TokenChoice | None = None, *, revision: int = 0, heard: int = 0, standalone: bool = False
    ) -> bytes:
        """Return the view as one blob for the browser, which takes the choice over when the ``revision`` is new.

        What was chosen there after the turn ``heard`` stays.
        """
        start, parts = start or self.choice, self.parts()
        digest = hashlib.blake2b(digest_size=8)
        for name, part in parts.items():
            digest.update(name.encode() + part)
        meta: dict[str, Any] = {
            "channels": self.pictures[0].tokens.shape[1],
            "chosen": start.patch,
            "scale": start.scale,
            "opacity": self.opacity,
            "darkens": self.palette == "spotlight",
            "labels": dict(self.labels),
            "revision": revision,
            "heard": heard,
            "content": digest.hexdigest(),
            "standalone": standalone,
            "pictures": [
                {
                    "rows": picture.grid.rows,
                    "columns": picture.grid.columns,
                    "aspect": picture.grid.image_size[1] / picture.grid.image_size[0],
                    "title": picture.title,
                }
                for picture in self.pictures
            ],
        }
        return pack(meta, parts)
