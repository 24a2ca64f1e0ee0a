"""What stands under every view: how it might mislead, the same view in Python, and the files to take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Unpack

import streamlit as st
from numpy.typing import NDArray

from vitviz.assets import TEXT
from vitviz.attention.view import MapView
from vitviz.export.arrays import npz_bytes
from vitviz.export.json_text import json_text
from vitviz.export.manifest import manifest
from vitviz.export.settings import ViewSettings
from vitviz.export.snippet import snippet
from vitviz.figures.image_files import with_texts
from vitviz.figures.sheet import PrintSize
from vitviz.ui.components.picture_copier import picture_copier
from vitviz.ui.furniture import lines, print_size, stage
from vitviz.ui.furniture.recipe import Recipe
from vitviz.ui.kept.model_choice import UPLOAD
from vitviz.ui.reader import photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import SOURCE, _, gap, kept, language, plain

File = tuple[str, str, str, Callable[[], bytes | str]]
"""A file to take away: its suffix, its button's label, its MIME type, and what makes it at the click."""


class Png(Protocol):
    """Makes a picture for print."""

    def __call__(self, **size: Unpack[PrintSize]) -> bytes:
        """Return the PNG file."""


@dataclass(frozen=True)
class Export:
    """The files that a view offers. Each is made when it is asked for and not before."""

    name: str
    """Start of the file names."""
    settings: ViewSettings | Recipe
    """What the view was made with, for the manifest and for the Python code."""
    png: Png
    """The picture at print size, and at any other."""
    arrays: Callable[[], Mapping[str, NDArray[Any]]]
    """The numbers behind it."""
    html: Callable[[dict[str, Any]], str]
    """One file that works offline; gets the manifest."""
    view: MapView | None = None
    """The map that is shown, for the numbers in the manifest."""
    more: Sequence[File] = ()
    """Files that only this page has."""


def text(name: str) -> str:
    """Return a longer text of assets/text in the reader's language, in English where it is not translated."""
    own, source = (TEXT / folder / f"{name}.md" for folder in (language(), SOURCE))
    return (own if own.exists() else source).read_text(encoding="utf-8")


def footer(scene: Scene, export: Export, *, caution: str) -> None:
    """Draw the foot of a page."""
    with stage.below():
        _footer(scene, export, caution)


def _footer(scene: Scene, export: Export, caution: str) -> None:
    with st.expander(_("Why might this mislead?"), icon=":material/warning:", key="caution"):
        st.markdown(text(caution))
    with st.expander(_("This view in Python"), icon=":material/code:", key="snippet"):
        settings = export.settings
        code = settings.code if isinstance(settings, Recipe) else snippet(settings)
        st.code(code, language="python")
        if photos.is_own(scene.photo_name):
            st.caption(_("Put the path of your own photo in the place of photo.jpg."))
        if scene.choice.is_own:
            st.caption(
                _("Run it in the folder that holds {name}, or put its path there.").format(
                    name=plain(scene.choice.title)
                )
            )
    with st.expander(_("Share and export"), icon=":material/download:", key="export"):
        st.caption(_travels(scene))
        downloads(scene, export)


def _travels(scene: Scene) -> str:
    """Return what the link in the address bar holds, and what of this view it does not."""
    told = _("The link in the address bar reproduces this view.")
    if photos.is_own(scene.photo_name):
        told += gap() + _(
            "It shows your own photo to whoever has the link, as long as this vitviz keeps it in its memory; "
            "remove the photo in the sidebar to end that."
        )
    missing = [name for name in (scene.choice.name, scene.choice.own.names) if name.startswith(UPLOAD)]
    if missing:
        names = _(", ").join(plain(name.removeprefix(UPLOAD)) for name in missing)
        told += gap() + _(
            "What you uploaded for the model ({names}) does not travel with it: whoever opens it has to upload it too."
        ).format(names=names)
    return told


def downloads(scene: Scene, export: Export) -> None:
    """Draw the size in print and the files: picture, to download or to copy, arrays, manifest, page, charts."""
    told, size = record(scene, export), print_size.choose()
    settings = json_text(told)

    def png() -> bytes:
        return with_texts(export.png(**size), {"Settings": settings})

    files: list[File] = [
        ("png", _("Picture (PNG, for print)"), "image/png", png),
        ("npz", _("Arrays (NumPy npz)"), "application/zip", lambda: npz_bytes(export.arrays(), told)),
        ("json", _("Settings (JSON manifest)"), "application/json", lambda: settings),
        ("html", _("Page that works offline (HTML)"), "text/html", lambda: export.html(told)),
    ]
    download_row(export.name, files)
    picture_copier(kept(png), key="copy_picture")
    lines.take_away(size, name=export.name, description=settings)
    if export.more:
        download_row(export.name, export.more)


def download_row(name: str, files: Sequence[File]) -> None:
    """Draw a button for each file; ``name`` is the start of the file names."""
    for column, (suffix, label, mime, make) in zip(st.columns(len(files)), files, strict=True):
        column.download_button(
            label,
            kept(make),
            file_name=f"{name}.{suffix}",
            mime=mime,
            key=f"download_{suffix}",
            on_click="ignore",
            width="stretch",
        )


def record(scene: Scene, export: Export) -> dict[str, Any]:
    """Return the manifest of a view."""
    return manifest(
        trace=scene.trace if export.settings.edit else scene.original,
        vit=scene.vit,
        photo_digest=scene.photo.digest,
        picture_name=photos.named(scene.photo_name),
        settings=export.settings.describe(),
        view=export.view,
        part=scene.part,
    )


def heading(title: str, sentence: str, *, touch: str = "") -> None:
    """Draw a page's title and the one sentence that says what is seen; ``touch`` is it where nothing can hover."""
    st.header(title, anchor=False)
    if not touch:
        st.markdown(sentence)
        return
    st.container(key="by_pointer").markdown(sentence)
    st.container(key="by_touch").markdown(touch)
