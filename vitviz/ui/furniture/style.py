"""The few rules that Streamlit's theme has no setting for. They rest on test ids and keys, never on hashed classes."""

from __future__ import annotations

import streamlit as st

RULES = """
<style>
[data-testid="stMainBlockContainer"] { padding: 3.8rem 3rem 4rem; max-width: 1880px; }
[data-testid="stSidebarContent"] [data-testid="stVerticalBlock"] { gap: 0.8rem; }
.st-key-strip { border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); padding-bottom: 0.6rem; }
.st-key-strip p { margin: 0; }
.st-key-strip [data-testid="stColumn"]:first-child { flex: none; width: auto; min-width: 0; }
.st-key-answer { column-gap: 0.8rem; row-gap: 0.9rem; align-items: baseline; }
.st-key-doubt { padding-bottom: 0.8rem; }
.st-key-classes button { min-height: 0; padding: 0; text-decoration: underline dotted; text-underline-offset: 0.2em; }
.st-key-strip [data-testid="stCaptionContainer"] p { line-height: 1.45; }
[data-testid="stCaptionContainer"] { color: inherit; opacity: 0.82; }
[data-testid="stCaptionContainer"] p, [data-testid="stSidebarNavLink"] span, .st-key-strip p,
[data-testid="stWidgetLabel"] p, [data-testid="stImageCaption"] p, [data-testid="stMetricLabel"] p,
[data-testid^="stBaseButton-"] p, [data-testid="stPageLink"] span, [data-testid="stSidebarNav"] span,
span.stMarkdownBadge, [data-testid="stExpander"] summary p, [data-testid="stButtonGroup"] p,
[data-testid="stCaptionContainer"] code, [data-testid="stMultiSelect"] span,
[data-testid="stCode"] code, [data-testid="stCode"] code span { font-size: 0.94rem; }
[data-testid="stPageLink"] :is(span, p) { white-space: normal; }
.katex-display { overflow: auto hidden; }
[data-testid="stCode"] .token { color: light-dark(#1a2330, #edf2f7); }
[data-testid="stCode"] .token:is(.keyword, .boolean, .builtin) { color: light-dark(#0b4f8a, #7cc4f0); }
[data-testid="stCode"] .token.string { color: light-dark(#1b6434, #7fd6a2); }
[data-testid="stCode"] .token.number { color: light-dark(#8a3b00, #f2b540); }
[data-testid="stCode"] .token.comment { color: light-dark(#56616f, #9fb0c3); }
:is(.st-key-doors, .st-key-minute, .st-key-foot) [data-testid="stPageLink"] a { padding: 0.35rem 1rem;
  border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: 0.5rem; }
:is(.st-key-doors, .st-key-minute, .st-key-foot) [data-testid="stPageLink"] a:hover { border-color: currentColor; }
.st-key-foot { margin-top: 1.5rem; padding-top: 1rem;
  border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
[data-testid="stImage"] { column-gap: 8px; }
.vitviz-empty { width: 100%; display: flex; align-items: center; justify-content: center; text-align: center;
  text-wrap: balance;
  padding: 1rem; box-sizing: border-box; border: 2px dashed color-mix(in srgb, currentColor 45%, transparent);
  border-radius: 4px; background: repeating-linear-gradient(45deg, transparent 0 11px,
  color-mix(in srgb, currentColor 9%, transparent) 11px 12px); }
.st-key-by_touch { display: none; }
@media (hover: none) { .st-key-by_pointer { display: none; } .st-key-by_touch { display: flex; }
  .modebar-container { display: none !important; } }
@media (pointer: coarse) {
  :is([data-testid="stExpandSidebarButton"], [data-testid="stMainMenuButton"], [data-testid="stExpander"] summary,
  [data-testid="stSidebarCollapseButton"] button, [data-testid="stNumberInput"] button,
  [data-testid="stButtonGroup"] button,
  [data-testid="stPageLink-NavLink"], [data-testid="stSidebarNavLink"], [data-testid="stCheckbox"] label,
  [data-testid^="stBaseButton-"]:not([data-testid$="elementToolbar"])) { min-height: 40px; min-width: 40px; }
  [data-testid="stTooltipIcon"] button { position: relative; }
  [data-testid="stTooltipIcon"] button::after { content: ""; position: absolute; inset: -12px; } }
@media (max-width: 700px) { [data-testid="stMainBlockContainer"] { padding: 3.4rem 1rem 3rem; }
  [data-testid="stMainBlockContainer"] h2 { font-size: 1.5rem; padding: 0.3rem 0; }
  [data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.6rem; }
  [data-testid="stButtonGroup"], [data-testid="stButtonGroup"] div { flex-wrap: wrap; max-width: 100%; }
  .st-key-strip { padding-bottom: 0.3rem; }
  .st-key-strip > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { gap: 0 0.6rem;
    align-items: center; min-height: 3rem; }
  .st-key-strip [data-testid="stVerticalBlock"] { gap: 0; }
  .st-key-strip [data-testid="stColumn"] { flex: 1 1 auto; width: auto; min-width: 0; align-self: center; }
  .st-key-strip [data-testid="stColumn"]:nth-child(2) { flex-basis: calc(100% - 44px - 0.6rem); }
  .st-key-strip [data-testid="stColumn"]:first-child img { width: 44px !important; height: 44px; object-fit: contain; }
  .st-key-strip [data-testid="stColumn"]:first-child [data-testid="stFullScreenFrame"] { width: 44px; }
  .st-key-strip [data-testid="stColumn"]:first-child { max-width: 44px; }
  .st-key-strip [data-testid="stCaptionContainer"] { display: none; }
  .st-key-doubt [data-testid="stCaptionContainer"] { display: block; }
  .st-key-answer { gap: 0.9rem 0.6rem; align-items: center; padding-bottom: 0.5rem; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-stage_controls) { order: 1; }
  [data-testid="stHorizontalBlock"]:is(:has(> :first-child [data-testid="stImage"]):has(> :nth-child(2)
  [data-testid="stImage"]), :has(> :first-child [data-testid="stMetric"]):has(> :nth-child(2)
  [data-testid="stMetric"])):not(:has([data-testid="stPlotlyChart"], [data-testid="stSlider"])) {
    gap: 0.75rem; > [data-testid="stColumn"] { flex: 1 1 calc(50% - 0.375rem); min-width: calc(50% - 0.375rem); } }
  .st-key-steps [data-testid="stHorizontalBlock"] { flex-flow: row nowrap; gap: 0.75rem; overflow-x: auto;
    scroll-snap-type: x mandatory; scrollbar-width: thin; padding-bottom: 0.4rem;
    > [data-testid="stColumn"] { flex: 0 0 86%; min-width: 86%; scroll-snap-align: start; } }
  .st-key-foot { flex-wrap: wrap; justify-content: space-between; } }
</style>
"""


_CHOSEN, _CLOSED = "vitviz_sidebar_choices", "vitviz_sidebar_closed"
_BACK = """
if (!history.vitviz) {
  history.vitviz = true;
  const push = history.pushState.bind(history);
  let last = 0;
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href);
    const same = next.pathname === location.pathname;
    const fills = same && (!location.search || next.search === location.search || Date.now() - last < 400);
    last = Date.now();
    if (fills) history.replaceState(state, title, url);
    else push(state, title, url);
  };
}
"""
"""One press of the browser's back button is one step: Streamlit writes a page's address twice, without and with its
choices, and each would be an entry of the history."""
_CLOSE = """{
  const drawer = document.querySelector('[data-testid="stSidebar"]');
  if (matchMedia("(max-width: 768px)").matches && drawer?.getBoundingClientRect().right > 50)
    drawer.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}"""


_TOP = '<h1 style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)">vitviz</h1>'


def apply() -> None:
    """Apply the rules to the page."""
    st.html(RULES)


def say_language(language: str, chosen: object = None) -> None:
    """Tell the browser the page's language: screen readers and Chinese fonts go by it. Takes a line's room.

    With it go the top of the outline for screen readers, as the pages' titles are headings of the second level, and
    what makes the browser's back button work at the first press.

    On a phone, where the sidebar lies over the page, it closes when what was ``chosen`` in it has changed.
    """
    assert language.isalpha()  # it becomes a script
    before = st.session_state.get(_CHOSEN, chosen)
    st.session_state[_CHOSEN] = chosen
    count = st.session_state[_CLOSED] = st.session_state.get(_CLOSED, 0) + (before != chosen)
    close = f"{_CLOSE} // {count}" if count else ""  # another number is another script, which runs once
    script = f"{_TOP}<script>document.documentElement.lang = {language!r};{_BACK}{close}\n</script>"
    st.html(script, unsafe_allow_javascript=True)
