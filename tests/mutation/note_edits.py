"""Changes to what a note says of a loop."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NUMBER = re.compile(r"(?<![\w(\[])-?\d+")
_REGISTER = re.compile(r"%[a-z][a-z0-9]*")


def note_edits(text: str) -> Iterator[str]:
    """The note with a statement left out, a number off by one or doubled, registers exchanged, another bound."""
    statements = text.split("; ")
    for k in range(len(statements)):
        yield "; ".join(statements[:k] + statements[k + 1:])
    for found in _NUMBER.finditer(text):
        value = int(found[0])
        for other in (value + 1, value - 1, 2 * value, 0):
            if other != value:
                yield f"{text[:found.start()]}{other}{text[found.end():]}"
    registers = list(dict.fromkeys(_REGISTER.findall(text)))
    for first in registers:
        for second in registers:
            if first < second:
                yield re.sub("|".join((re.escape(first), re.escape(second))) + r"(?![a-z0-9])",
                             lambda m, a=first, b=second: b if m[0] == a else a, text)
    yield re.sub(r"<= n - 1", "<= n", text)
    yield re.sub(r"<= n - 1", "<= n - 2", text)
    yield re.sub(r"\[0 : round\]", "[0 : round + 1]", text)
    yield re.sub(r"\[0 : round\]", "[0 : 0]", text)
