"""From an answer to assembly. Whatever it says, what comes out are lines that have the form of instructions."""

from __future__ import annotations

import json
import re
from typing import Any

from intent_tool.machine.assembly import Assembly

MOST_CHARACTERS = 64 * 1024
MOST_LINES = 2_000
MOST_LINE = 200
_FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n]*$", re.MULTILINE)
_LABEL = re.compile(r"[A-Za-z_.$][\w.$]*:")
_NOTES = {"x86_64": ("#", "//"), "arm64": ("//",), "riscv64": ("#", "//")}
"""What starts a comment that is merely dropped. A semicolon separates instructions for some assemblers and starts a
comment for others, so what stands behind one is nobody's to guess."""


class Malformed(Exception):
    """The answer holds no proposal. The text says why, for the model and for people."""


def read_proposal(text: str, isa: str, symbol: str) -> Assembly:
    """The instructions of an answer: a JSON object with ``lines``, a fenced block, or the text itself. Raises
    `Malformed`."""
    if len(text) > MOST_CHARACTERS:
        raise Malformed(f"the answer is longer than {MOST_CHARACTERS:,} characters")
    if not text.strip():
        raise Malformed("the answer is empty")
    raw = _json_lines(text) if text.lstrip().startswith("{") else _fenced(text).splitlines()
    lines: list[str] = []
    for line in raw:
        shown = _without_notes(line, isa)
        if not shown or (not lines and shown == f"{symbol}:"):
            continue
        lines.append(_checked(shown))
    if len(lines) > MOST_LINES:
        raise Malformed(f"the answer has {len(lines):,} lines; at most {MOST_LINES:,} are read")
    if all(line.endswith(":") for line in lines):
        raise Malformed("there is no instruction in the answer")
    return Assembly(tuple(lines))


def _json_lines(text: str) -> list[str]:
    try:
        found: Any = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Malformed('the answer starts like JSON and is none; it has the form {"lines": ["…"]}') from None
    if not isinstance(found, dict) or set(found) != {"lines"}:
        raise Malformed('the answer has other members than "lines", and nothing else is listened to')
    lines = found["lines"]
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Malformed('"lines" is not a list of strings')
    if any("\n" in line or "\r" in line for line in lines):
        raise Malformed("a line holds several lines")
    return lines


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member is given twice")
    return dict(pairs)


def _fenced(text: str) -> str:
    """What is inside of the only fences, or the text itself where there are none."""
    marks = list(_FENCE.finditer(text))
    if not marks:
        return text
    if len(marks) != 2:
        raise Malformed("the answer has more than one block of code, or one that does not end")
    return text[marks[0].end():marks[1].start()]


def _without_notes(line: str, isa: str) -> str:
    for mark in _NOTES[isa]:
        line = line.partition(mark)[0]
    return "" if line.lstrip().startswith(";") else line.strip()


def _checked(line: str) -> str:
    quoted = "".join(c if c.isascii() and c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line[:60])
    quoted += "…" if len(line) > 60 else ""
    if len(line) > MOST_LINE:
        raise Malformed(f"a line is longer than {MOST_LINE} characters: `{quoted}`")
    if not line.isascii() or not line.replace("\t", " ").isprintable():
        raise Malformed(f"`{quoted}` holds characters that no instruction has")
    if ";" in line:
        raise Malformed(f"`{quoted}`: one instruction a line, and no comments")
    if _LABEL.fullmatch(line):
        if not line.startswith(".L"):
            raise Malformed(f"`{quoted}`: a label starts with .L, like .L1:")
        return line
    if line.startswith("."):
        raise Malformed(f"`{quoted}` is a directive; only instructions and labels are taken")
    if not re.match(r"[A-Za-z]", line):
        raise Malformed(f"`{quoted}` is no instruction")
    return " ".join(line.split())
