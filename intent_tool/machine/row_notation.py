"""How a table row is written: one text with its operands declared in place, beside one meaning.

``row("add {d+:r64}, {a:r64}", d="u64(d + a)", zf="u64(d + a) == 0")`` declares operand `d` (read and written) and
`a` (read), both of kind ``r64``; its form is ``add r64, r64``. What the row reads and writes besides its operands
follows from the meaning, so the two cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from intent_tool.machine.instruction import Operand, Row

DESTINATIONS = ("d", "e")
"""Operands of these names are written; with ``+`` they are read as well, or written only in part."""

_OPERAND = re.compile(r"\{(\w)(\+?):([^}]+)\}")
_NAME = re.compile(r"\b[a-z_]\w*")


def row(template: str, /, *, flags: frozenset[str], registers: frozenset[str], form: str = "",
        size: tuple[int, int] = (4, 4), latency: str = "alu", feature: str | None = None, traps: str | None = None,
        opaque: tuple[str, ...] = (), **meaning: str) -> Row:
    """A `Row` from its template, its meaning, and the ISA's names of flags and fixed registers.

    `form` is needed only where it is not the template with each operand replaced by its kind (and without ``#``
    and ``ptr``). `opaque` names what an instruction reads in ways that its meaning does not show (system calls)."""
    declared = [Operand(name, kind, _role(name, plus)) for name, plus, kind in _OPERAND.findall(template)]
    names = {operand.name for operand in declared}
    assert not names & set(meaning) & flags, f"{template}: an operand named like a flag that is written"
    # An operand's name hides a flag's (ARM64 has a third source `c` and a flag `c`).
    state = (flags | registers) - names
    plain_form = _OPERAND.sub(lambda match: match[3], template).replace("#", "").replace(" ptr", "")
    values = [text for key, text in meaning.items() if key not in flags]
    reads = _used(values, state, flags) | set(opaque)
    # A flag that is merely kept (a shift by 0) is not read.
    reads |= _used([*meaning.values(), traps or ""], state & registers, flags)
    if any(operand.kind == "cond" for operand in declared):
        reads.add("flags")
    writes = {"flags" if key in flags else key for key in meaning if key in flags | registers}
    unknown = set(meaning) - names - flags - registers - {"pc", "memory", "upper"}
    assert not unknown, f"{template}: meaning for {unknown}, which it does not have"
    return Row(form or plain_form, _OPERAND.sub(r"{\1}", template), tuple(declared), meaning,
               tuple(sorted(reads)), tuple(sorted(writes)), size, latency, feature, traps)


def table(rows: Iterable[Row]) -> dict[str, Row]:
    """The rows by form; every form is there once."""
    result: dict[str, Row] = {}
    for each in rows:
        assert each.form not in result, f"two rows for {each.form}"
        result[each.form] = each
    return result


def _role(name: str, plus: str) -> str:
    if plus:
        return "both"
    return "def" if name in DESTINATIONS else "use"


def _used(texts: Iterable[str], names: frozenset[str], flags: frozenset[str]) -> set[str]:
    found = {name for text in texts for name in _NAME.findall(text) if name in names}
    return {"flags" if name in flags else name for name in found}
