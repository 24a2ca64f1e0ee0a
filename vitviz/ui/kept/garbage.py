"""Garbage: what packages brought is left out of Python's collections, which look at everything that is there.

Streamlit collects garbage after every run of a page. At the 290,000 objects of torch, timm and Plotly, none of which
ever goes, that took 0.26 of the 0.34 s of a run; at the 110,000 of torch's compiler, which a count of operations
brings, a tenth of a second.
"""

from __future__ import annotations

import gc
import sys
from threading import Lock

MANY = 300
"""Modules that must have come since the last time: what is alive then stays for good where it points in a ring."""
_lock = Lock()
_modules = 0


def leave_out_packages() -> None:
    """Have collections look no more at what is there now, if many modules have been imported since the last time."""
    global _modules
    with _lock:
        if len(sys.modules) - _modules < MANY:
            return
        _modules = len(sys.modules)
    gc.collect()
    gc.freeze()
