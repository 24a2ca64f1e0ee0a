"""Opening: what is wanted of one picture, and what was met on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from vitviz.errors import OptionError
from vitviz.images import notes as told
from vitviz.images.photo import Scaling
from vitviz.record import Record

Window = str | tuple[float, float]
"""One of ``vitviz.images.WINDOWS``, or the values that become black and white."""


@dataclass
class Opening(Record):
    """One picture on its way through the door."""

    window: Window = "auto"
    frame: int | None = None
    """Which of several frames or pages, counted from 1; None for the first, or where an open picture stands."""
    notes: list[str] = field(default_factory=list)
    scaling: Scaling | None = None
    frames: int = 1
    """How many frames or pages there are."""
    full: tuple[int, int] = (0, 0)
    """Width and height in the file, before anything was made smaller."""

    def note(self, text: str, **values: object) -> None:
        """Note what was changed, in one of the texts of ``notes``."""
        self.notes.append(text.format(**values))

    def choose(self, frames: int, *, at: int = 0) -> int:
        """Return which of some frames or pages is used, from 0: the chosen one, else ``at``.

        Raises OptionError for one that does not exist.
        """
        self.frames = frames
        if self.frame is None:
            return at
        if not 1 <= self.frame <= frames:
            raise OptionError(
                "Frame {frame} does not exist: the picture has {frames}. Give one from 1 to {frames}, or none for the "
                "first.",
                frame=self.frame,
                frames=frames,
            )
        return self.frame - 1

    def flat(self) -> None:
        """Note that a window was asked for where there are 8 bits a channel, which need none."""
        if self.window not in ("auto", "full"):
            self.note(told.NO_WINDOW)


def check_frame(frame: object) -> int | None:
    """Return a frame that can be asked for; raises OptionError for what is no whole number from 1."""
    if frame is None:
        return None
    if isinstance(frame, bool) or not hasattr(frame, "__index__") or frame.__index__() < 1:
        raise OptionError("Frame {frame!r} cannot be used; wanted a whole number from 1, the first.", frame=frame)
    return int(frame.__index__())
