"""What the server keeps is bounded, and README's table of it says what the code says."""

import ast
import re

from vitviz.assets import PACKAGE
from vitviz.ui.explore.patches import painting
from vitviz.ui.kept import cache, own_models, photo_shelf
from vitviz.ui.work.child import IDLE_SECONDS

README = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
BYTES = {
    "cache.traces": cache.TRACE_BYTES,
    "photo_shelf.files": photo_shelf.FILE_BYTES,
    "photo_shelf._photos": photo_shelf.PHOTO_BYTES,
    "own_models.models": own_models.MODEL_BYTES,
    "own_models.MOST_BYTES": own_models.MOST_BYTES,
    "painting.passes": painting.PASS_BYTES,
}


def limits():
    """Return the limit of every cache of vitviz/ui by file and function, and of every shelf that counts results."""
    limit_of = {}
    for path in sorted((PACKAGE / "ui").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            name = f"{path.stem}.{function.name}"
            for call in filter(lambda node: isinstance(node, ast.Call), function.decorator_list):
                if ast.unparse(call.func).startswith("st.cache_"):
                    given = {word.arg: word.value for word in call.keywords}
                    limit_of[name] = ast.literal_eval(given["max_entries"]) if "max_entries" in given else None
            shelf = re.search(r"return Shelf\((\d+)\)", ast.unparse(function))
            if shelf and name in limit_of:
                limit_of[name] = int(shelf[1])
    return limit_of


def test_every_cache_has_a_limit():
    assert [name for name, limit in limits().items() if limit is None] == []


def test_the_table_of_what_is_kept_is_the_code():
    rows = re.findall(r"^\| [^|]+ \| `([\w.]+)` \| ([\d,]+)( MB)? \|$", README, re.MULTILINE)
    assert {name for name, _limit, _unit in rows} >= {*BYTES, "cache.load_model", "shelf.results", "shelf.passes"}
    counts = limits()
    for name, limit, unit in rows:
        wanted = BYTES[name] / 1e6 if unit else counts[name]
        assert float(limit.replace(",", "")) == wanted, f"README says that {name} keeps {limit}{unit}, not {wanted}"


def test_the_process_that_waits_for_a_run_ends_when_the_readme_says():
    assert f"it ends after\n{IDLE_SECONDS / 60:g} minutes without one" in README
