"""The few rules that Streamlit's theme has no setting for. They rest on test ids and keys, never on hashed classes."""

from __future__ import annotations

import streamlit as st

RULES = """
<style>
[data-testid="stMainBlockContainer"] { padding: 4.2rem 3rem 4rem; max-width: 1440px; }
[data-testid="stSidebarContent"] [data-testid="stVerticalBlock"] { gap: 0.8rem; }
.st-key-strip { border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); padding-bottom: 0.6rem; }
.st-key-strip p { margin: 0; }
.st-key-strip [data-testid="stCaptionContainer"] p { line-height: 1.45; }
[data-testid="stCaptionContainer"] { color: inherit; opacity: 0.82; }
[data-testid="stImage"] { column-gap: 8px; }
@media (max-width: 700px) { .st-key-strip { padding-bottom: 1.4rem; }
  [data-testid="stMainBlockContainer"] { padding: 4rem 1rem 3rem; } }
</style>
"""


def apply() -> None:
    """Apply the rules to the page."""
    st.html(RULES)


def say_language(language: str) -> None:
    """Tell the browser the page's language: screen readers and Chinese fonts go by it. Takes a line's room."""
    assert language.isalpha()  # it becomes a script
    script = f"<script>document.documentElement.lang = {language!r};</script>"
    st.html(script, unsafe_allow_javascript=True)
