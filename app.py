"""The dashboard's entry: `streamlit run app.py`.

The frame script lives in vitviz/ui, because a pages folder beside the script that calls st.navigation makes
Streamlit serve a fresh server's first deep link in its old mode, without the frame.
"""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

# Torch and timm take seconds to import. They start with the server, so the first visitor waits less.
threading.Thread(target=importlib.import_module, args=("vitviz.ui.kept.cache",), daemon=True).start()

HERE = Path(__file__).resolve().parent
PACKAGE = (
    HERE / "vitviz" if (HERE / "vitviz").is_dir() else HERE.parent
)  # a clone, or vitviz/home of an installed package

app = st.App(PACKAGE / "ui/main.py", middleware=[Middleware(GZipMiddleware, minimum_size=1024)])
