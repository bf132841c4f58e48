"""Diagnostics of independent parts of one file, raised together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from intent_tool.language.diagnostics import Diagnostic, IntentError

_T = TypeVar("_T")


@dataclass
class Problems:
    """Diagnostics of independent parts, raised together."""

    found: list[Diagnostic] = field(default_factory=list)

    @contextmanager
    def collected(self) -> Iterator[None]:
        try:
            yield
        except IntentError as problem:
            self.found.extend(problem.diagnostics)

    def values(self, compute: Callable[[], tuple[_T, ...]]) -> tuple[_T, ...]:
        """What `compute` gives; nothing, when it raises."""
        with self.collected():
            return compute()
        return ()

    def raise_any(self) -> None:
        if self.found:
            unique = {(d.code, d.message, _place(d)): d for d in self.found}
            files = list(dict.fromkeys(_place(d)[0] for d in unique.values()))
            raise IntentError(*sorted(unique.values(), key=lambda d: (files.index(_place(d)[0]), _place(d))))


def _place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    span = diagnostic.span
    return (span.source.path, span.line, span.column) if span is not None else ("", 0, 0)
