"""Places in source text, and the one renderer for everything the tool has to say about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """A text that diagnostics point into. `path` is what the user typed, `text` the decoded content."""

    path: str
    text: str = field(repr=False)

    def line(self, number: int) -> str:
        """The text of line `number` (1-based) without its line end; empty past the end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 1 <= number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A place: 1-based line and column, and how many columns it covers on that line (at least 1)."""

    source: Source
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message. `code` is stable (``E101``); `help` names a change that would mend it, if one is known."""

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    severity: str = "error"

    def render(self) -> str:
        """``path:line:column: error[CODE]: what``, the source line, a caret, and ``help:``."""
        lines = []
        if self.span is None:
            lines.append(f"{self.severity}[{self.code}]: {self.message}")
        else:
            where = f"{self.span.source.path}:{self.span.line}:{self.span.column}"
            lines.append(f"{where}: {self.severity}[{self.code}]: {self.message}")
            text = self.span.source.line(self.span.line)
            if text.strip():
                # A line of a hostile file may be a megabyte long: show the part around the caret.
                start = max(0, self.span.column - 100)
                shown = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}"
                                for c in text[start:start + 160])
                indent = "".join("\t" if c == "\t" else " " for c in shown[:self.span.column - 1 - start])
                room = max(1, len(shown) - len(indent))
                gutter = f"{self.span.line:5d} | "
                lines.append(gutter + shown)
                lines.append(" " * (len(gutter) - 2) + "| " + indent + "^" * min(max(1, self.span.length), room))
        if self.help:
            lines.append(f"help: {self.help}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The same as plain data, for ``--json``."""
        place = None
        if self.span is not None:
            place = {"path": self.span.source.path, "line": self.span.line,
                     "column": self.span.column, "length": self.span.length}
        return {"severity": self.severity, "code": self.code, "message": self.message, "place": place,
                "help": self.help}


class IntentError(Exception):
    """The intent, the target record or the command line is at fault. Carries one or more diagnostics."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("\n".join(d.render() for d in diagnostics))
        self.diagnostics = diagnostics


def error(code: str, message: str, span: Span | None = None, help: str | None = None) -> IntentError:
    """An `IntentError` with a single diagnostic, ready to be raised."""
    return IntentError(Diagnostic(code, message, span, help))
