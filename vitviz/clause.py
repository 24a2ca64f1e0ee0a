"""Clause: a text of the library with the template that it was made of, so that an interface can say it otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Translate = Callable[[str], str]


class Clause(str):
    """A text, filled in from a template: ``Clause("prefix {prefix} removed", prefix="module.")`` is that text.

    >>> from vitviz.clause import Clause
    >>> Clause("{count} registers", count=4).worded({"{count} registers": "{count} 个寄存器"}.get)
    '4 个寄存器'
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Clause:
        """Return the text of a template, as it stands in the code, with its braces filled in."""
        text = super().__new__(cls, filled(template, values))
        text.template, text.values = template, values
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy it with its template."""
        return _made_again, (self.template, self.values)

    def worded(self, translate: Translate) -> str:
        """Return it in another language; ``translate`` has templates, as they stand in the code."""
        return filled(translate(self.template), self.values, translate)


def _made_again(template: str, values: dict[str, object]) -> Clause:
    return Clause(template, **values)


def filled(template: str, values: dict[str, object], translate: Translate = str) -> str:
    """Return a template with its braces filled in, each text among the values in another language too."""
    words = {name: worded(value, translate) for name, value in values.items()}
    return template.format_map(words) if words else template


def worded(value: Any, translate: Translate) -> Any:
    """Return a value as it stands in a text of another language: numbers as they are."""
    if isinstance(value, Clause):
        return value.worded(translate)
    return translate(value) if isinstance(value, str) and value else value


def listed(clauses: Iterable[str], between: str = "; ") -> Clause:
    """Return clauses in a row as one."""
    parts = {f"part{number}": clause for number, clause in enumerate(clauses)}
    return Clause(between.join(f"{{{name}}}" for name in parts), **parts)
