"""The dashboard's entry: `streamlit run app.py`.

The frame script lives in vitviz/ui, because a pages folder beside the script that calls st.navigation makes
Streamlit serve a fresh server's first deep link in its old mode, without the frame.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import threading
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from vitviz.ui.furniture.document import Document
from vitviz.ui.kept.garbage import leave_out_packages

# glibc keeps what is freed in the heap of each thread: after a few large photos several hundred megabytes that nobody
# uses. What is larger than this goes back to the system when it is freed (M_MMAP_THRESHOLD is option -3), and threads,
# of which every run of a page has its own, share few heaps (M_ARENA_MAX is option -8).
KEPT_BYTES, HEAPS = 8 << 20, 2
if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
    libc.mallopt(-3, KEPT_BYTES)
    libc.mallopt(-8, HEAPS)


def load() -> None:
    """Import what takes seconds, torch, timm and Plotly, and keep Python from looking through it ever again."""
    for name in ("vitviz.ui.kept.cache", "vitviz.ui.furniture.charts"):
        importlib.import_module(name)
    leave_out_packages()


# It starts with the server, so the first visitor waits less.
threading.Thread(target=load, daemon=True).start()

HERE = Path(__file__).resolve().parent
PACKAGE = (
    HERE / "vitviz" if (HERE / "vitviz").is_dir() else HERE.parent
)  # a clone, or vitviz/home of an installed package

compress, complete = Middleware(GZipMiddleware, minimum_size=1024), Middleware(Document)  # the first one is outermost
app = st.App(PACKAGE / "ui/main.py", middleware=[compress, complete])
