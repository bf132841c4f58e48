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
            unique = {(d.code, d.message, d.span and (d.span.source.path, d.span.line, d.span.column)): d
                      for d in self.found}
            raise IntentError(*sorted(unique.values(), key=_place))


def _place(diagnostic: Diagnostic) -> tuple[int, int]:
    return (diagnostic.span.line, diagnostic.span.column) if diagnostic.span is not None else (0, 0)
