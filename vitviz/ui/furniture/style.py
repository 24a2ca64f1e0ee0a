"""The few rules that Streamlit's theme has no setting for. They rest on test ids and keys, never on hashed classes."""

from __future__ import annotations

import streamlit as st

RULES = """
<style>
[data-testid="stMainBlockContainer"] { padding: 4.2rem 3rem 4rem; max-width: 1440px; }
[data-testid="stSidebarContent"] [data-testid="stVerticalBlock"] { gap: 0.8rem; }
.st-key-strip { border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); padding-bottom: 0.6rem; }
.st-key-strip p { margin: 0; }
.st-key-answer { column-gap: 0.8rem; row-gap: 0.9rem; align-items: baseline; }
.st-key-doubt { padding-bottom: 0.8rem; }
.st-key-classes button { min-height: 0; padding: 0; text-decoration: underline dotted; text-underline-offset: 0.2em; }
.st-key-strip [data-testid="stCaptionContainer"] p { line-height: 1.45; }
[data-testid="stCaptionContainer"] { color: inherit; opacity: 0.82; }
[data-testid="stImage"] { column-gap: 8px; }
.vitviz-empty { width: 100%; display: flex; align-items: center; justify-content: center; text-align: center;
  text-wrap: balance;
  padding: 1rem; box-sizing: border-box; border: 2px dashed color-mix(in srgb, currentColor 45%, transparent);
  border-radius: 4px; background: repeating-linear-gradient(45deg, transparent 0 11px,
  color-mix(in srgb, currentColor 9%, transparent) 11px 12px); }
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
