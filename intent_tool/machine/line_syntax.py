"""What lines of assembly have in common on every ISA."""

from __future__ import annotations

import re

from intent_tool.machine.layout import Unencodable

LABEL = re.compile(r"\.L\w+", re.ASCII)
NUMBER = re.compile(r"-?(?:0x[0-9a-f]{1,16}|0|[1-9][0-9]{0,19})")


def normalised(line: str) -> str:
    """One blank between words, and lower case but for labels."""
    return re.sub(r"\.L\w+|[A-Z]+", lambda word: word[0] if word[0].startswith(".L") else word[0].lower(),
                  " ".join(line.split()), flags=re.ASCII)


def number(text: str) -> int:
    """An integer as written. Raises `Unencodable` for what assemblers disagree on (``010``, ``10h``, ``1f``)."""
    if not NUMBER.fullmatch(text):
        raise Unencodable(f"`{text}` is not a number; write it in decimal or with 0x, without leading zeros")
    return int(text, 0)


def wrapped(value: int, width: int) -> int:
    """`value` as `width` bits. Raises `Unencodable` where that would lose something."""
    if not -(1 << width - 1) <= value < 1 << width:
        raise Unencodable(f"{value} does not fit {width} bits")
    return value & (1 << width) - 1
