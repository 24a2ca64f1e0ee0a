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

# glibc keeps what is freed in the heap of each thread: after a few large photos several hundred megabytes that nobody
# uses. What is larger than this goes back to the system when it is freed (M_MMAP_THRESHOLD is option -3).
KEPT_BYTES = 8 << 20
if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
    libc.mallopt(-3, KEPT_BYTES)

# Torch and timm take seconds to import. They start with the server, so the first visitor waits less.
threading.Thread(target=importlib.import_module, args=("vitviz.ui.kept.cache",), daemon=True).start()

HERE = Path(__file__).resolve().parent
PACKAGE = (
    HERE / "vitviz" if (HERE / "vitviz").is_dir() else HERE.parent
)  # a clone, or vitviz/home of an installed package

app = st.App(PACKAGE / "ui/main.py", middleware=[Middleware(GZipMiddleware, minimum_size=1024)])
