"""A text that was cut out of a source, and where each of its characters stands there.

YAML folds lines, drops indentation and resolves escapes, so the value of a scalar is not a slice of the file.
Expressions and prototypes are parsed from the value, and their errors must point into the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from intent_tool.language.diagnostics import Source, Span

_DOUBLE_QUOTED = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(\n)|(.))|(.)", re.DOTALL)
_SIMPLE_ESCAPES = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
                   "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028",
                   "P": "\u2029"}


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """A source with its lines' offsets, to turn an offset into a place."""

    source: Source
    starts: tuple[int, ...]

    @staticmethod
    def of(source: Source) -> Lines:
        return Lines(source, (0, *(m.end() for m in re.finditer("\n", source.text))))

    def span(self, start: int, stop: int) -> Span:
        """The place of the source's characters `start` to `stop`, cut at the end of the first line."""
        line = bisect_right(self.starts, start)
        begin = self.starts[line - 1]
        end = self.starts[line] - 1 if line < len(self.starts) else len(self.source.text)
        return Span(self.source, line, start - begin + 1, max(1, min(stop, end) - start))


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """`origins` has the source offset of every character of `value`, and one more for its end."""

    value: str
    lines: Lines
    origins: Sequence[int]

    def span(self, start: int = 0, stop: int | None = None) -> Span:
        """The place of ``value[start:stop]``; of one character where that is empty."""
        size = len(self.value)
        start = min(max(start, 0), size)
        stop = size if stop is None else min(max(stop, start), size)
        if stop == start:
            return self.lines.span(self.origins[start], self.origins[start] + 1)
        return self.lines.span(self.origins[start], self.origins[stop - 1] + 1)

    def cut(self, start: int, stop: int) -> Text:
        """The part ``value[start:stop]``."""
        return Text(self.value[start:stop], self.lines, self.origins[start:stop + 1])


def plain_text(value: str, path: str) -> Text:
    """A text that is a whole source of its own."""
    return Text(value, Lines.of(Source(path, value)), range(len(value) + 1))


def scalar_text(value: str, style: str, lines: Lines, start: int, stop: int) -> Text:
    """The value of a YAML scalar, written in `style` (YAML's indicator, empty for plain) at ``start:stop``."""
    raw = lines.source.text[start:stop]
    if not style and raw == value:
        return Text(value, lines, range(start, start + len(value) + 1))
    return Text(value, lines, _align(value, _significant(raw, style), start, stop))


def _significant(raw: str, style: str) -> list[tuple[str, int]]:
    """The characters of a raw scalar that are not white space, escapes resolved, with their offsets in it."""
    found = []
    if style == '"':
        for match in _DOUBLE_QUOTED.finditer(raw, 1, max(1, len(raw) - 1)):
            hexadecimal = match[1] or match[2] or match[3]
            if hexadecimal:
                code = int(hexadecimal, 16)
                found.append((chr(code) if code <= 0x10FFFF else "?", match.start()))
            elif not match[4]:
                found.append((_SIMPLE_ESCAPES.get(match[5], "?") if match[5] else match[6], match.start()))
    elif style == "'":
        found = [(m[0][0], m.start()) for m in re.finditer(r"''|.", raw[:-1], re.DOTALL) if m.start() > 0]
    else:
        # The header line of a block scalar (`|-  # comment`) is not part of its value.
        body = raw.find("\n") + 1 if style else 0
        found = [(c, i) for i, c in enumerate(raw) if i >= body]
    return [(c, i) for c, i in found if not c.isspace()]


def _align(value: str, significant: list[tuple[str, int]], start: int, stop: int) -> list[int]:
    """White space is what YAML changes; all else comes in order, so it can be matched one to one."""
    origins, position, after = [], 0, start
    for character in value:
        if not character.isspace() and position < len(significant) and significant[position][0] == character:
            after = start + significant[position][1]
            position += 1
            origins.append(after)
            after += 1
        else:
            origins.append(after)
    return [*origins, min(after, max(start, stop))]
