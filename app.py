"""The dashboard's entry: `streamlit run app.py`.

The frame script lives in vitviz/ui, because a pages folder beside the script that calls st.navigation makes
Streamlit serve a fresh server's first deep link in its old mode, without the frame.
"""

from __future__ import annotations

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

app = st.App("vitviz/ui/main.py", middleware=[Middleware(GZipMiddleware, minimum_size=1024)])
