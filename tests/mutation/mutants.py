"""Mutants of a function: its bytes with one mistake in them.

All are made from the function's assembly, assembled anew, or from its bytes and tables. Which of the many are taken
is a seeded choice that goes through the kinds in turn, so that the rare ones are not lost among the many.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edits import EDIT_KINDS, Edit, edits
from note_edits import note_edits

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_intent
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly, MachineCode, Table
from intent_tool.machine.target import Target
from intent_tool.pipeline import write_binary
from intent_tool.propose import candidates

BIT_FLIP, TABLE_BYTE, FALSE_NOTE = "bit flip", "table byte", "edit under a false note"
KINDS = (BIT_FLIP, *EDIT_KINDS, TABLE_BYTE, FALSE_NOTE)


@dataclass(frozen=True)
class Original:
    """A function as it would be delivered."""

    contract: Contract
    target: Target
    assembly: Assembly
    code: MachineCode
    binary: bytes


@dataclass(frozen=True)
class Mutant:
    kind: str
    what: str
    """The change, on one line."""
    binary: bytes
    listing: str
    """The assembly with the change in it, or the bytes where it has none."""


@dataclass(frozen=True)
class Made:
    mutants: tuple[Mutant, ...]
    not_assembled: int
    """Changes that came to no instruction of the target."""
    same_bytes: int
    """Changes that came to the original's bytes, or to those of a mutant that was there already."""


@dataclass(frozen=True)
class _BitFlip:
    offset: int
    bit: int


@dataclass(frozen=True)
class _TableByte:
    table: int
    offset: int
    value: int


@dataclass(frozen=True)
class _FalseNote:
    """An edit, with one of the notes on loops changed so that it may fit the wrong code."""

    edit: Edit
    note: int
    text: str


_Change = Edit | _BitFlip | _TableByte | _FalseNote


def of_first_candidate(path: Path, target: Target) -> Original:
    """The code that is proposed first. Nobody has judged it, which would take longer than all its mutants do."""
    contract = load_intent(path)
    assembly = next(candidates(contract, target)).assembly
    code = assemble(assembly, target)
    return Original(contract, target, assembly, code, write_binary(contract, target, code))


def make_mutants(original: Original, count: int, seed: int) -> Made:
    """At most `count` different ones. The same for the same original, `count` and `seed`."""
    source = random.Random(f"{seed} {original.contract.name} {original.target.name}")
    found: dict[bytes, Mutant] = {}
    not_assembled = same_bytes = 0
    for kind, change in _in_turn(_changes(original), source):
        if len(found) == count:
            break
        try:
            mutant = _mutant(original, kind, change)
        except IntentError:
            not_assembled += 1
            continue
        if mutant.binary == original.binary or mutant.binary in found:
            same_bytes += 1
        else:
            found[mutant.binary] = mutant
    return Made(tuple(found.values()), not_assembled, same_bytes)


def all_mutants(original: Original, kind: str) -> Iterator[Mutant]:
    """Every mutant of one kind that assembles to bytes of its own."""
    for change in _changes(original)[kind]:
        try:
            mutant = _mutant(original, kind, change)
        except IntentError:
            continue
        if mutant.binary != original.binary:
            yield mutant


def _changes(original: Original) -> dict[str, list[_Change]]:
    found: dict[str, list[_Change]] = {kind: [] for kind in KINDS}
    found[BIT_FLIP] += (_BitFlip(offset, bit) for offset in range(len(original.code.code)) for bit in range(8))
    for edit in edits(original.assembly.lines, original.contract, original.target):
        found[edit.kind].append(edit)
    for index, table in enumerate(original.assembly.tables):
        for offset, byte in enumerate(table.data):
            values = dict.fromkeys((byte ^ 1, byte ^ 0x80, (byte + 1) % 256, 0, 255))
            found[TABLE_BYTE] += (_TableByte(index, offset, value) for value in values if value != byte)
    possible = [change for kind in EDIT_KINDS for change in found[kind] if isinstance(change, Edit)]
    found[FALSE_NOTE] += _false_notes(original, possible)
    return found


def _false_notes(original: Original, possible: list[Edit]) -> Iterator[_FalseNote]:
    """A few for each change of a note: which edit comes with it is a seeded choice."""
    source = random.Random(f"notes {original.contract.name} {original.target.name}")
    for index, note in enumerate(original.assembly.notes):
        for text in note_edits(note.text):
            yield from (_FalseNote(edit, index, text) for edit in source.sample(possible, min(4, len(possible))))


def _in_turn(changes: dict[str, list[_Change]], source: random.Random) -> Iterator[tuple[str, _Change]]:
    """Round after round, one change of each kind that has any left; the kinds' order is another in each round."""
    for kind_changes in changes.values():
        source.shuffle(kind_changes)
    while kinds := [kind for kind in changes if changes[kind]]:
        source.shuffle(kinds)
        for kind in kinds:
            yield kind, changes[kind].pop()


def _mutant(original: Original, kind: str, change: _Change) -> Mutant:
    """Raises `IntentError` when the changed assembly is none."""
    match change:
        case _BitFlip(offset, bit):
            code = bytearray(original.code.code)
            code[offset] ^= 1 << bit
            made = replace(original.code, code=bytes(code))
            where = next(i for i in reversed(original.code.instructions) if i.offset <= offset)
            what = f"bit {bit} of byte {offset - where.offset} of `{where.text}` at offset {where.offset:#x}"
            return Mutant(kind, what, _binary(original, made), code.hex(" "))
        case _TableByte(index, offset, value):
            table = original.assembly.tables[index]
            data = bytearray(table.data)
            data[offset] = value
            tables = list(original.assembly.tables)
            tables[index] = Table(table.label, table.alignment, bytes(data))
            what = f"byte {offset} of {table.label} is {value}, was {table.data[offset]}"
            return _from_assembly(original, kind, what, replace(original.assembly, tables=tuple(tables)))
        case _FalseNote(edit, index, text):
            notes = list(original.assembly.notes)
            what = f"{notes[index].text} said as {text}, and line {edit.at + 1}: {'; '.join(edit.lines) or 'nothing'}"
            notes[index] = replace(notes[index], text=text)
            changed = replace(original.assembly, lines=edit.applied(original.assembly.lines), notes=tuple(notes))
            return _from_assembly(original, kind, what, changed)
        case Edit():
            lines = change.applied(original.assembly.lines)
            old = "; ".join(original.assembly.lines[change.at:change.at + change.count]) or "nothing"
            new = "; ".join(change.lines) or "nothing"
            what = f"line {change.at + 1}: {new}, was {old}"
            return _from_assembly(original, kind, what, replace(original.assembly, lines=lines))


def _from_assembly(original: Original, kind: str, what: str, assembly: Assembly) -> Mutant:
    return Mutant(kind, what, _binary(original, assemble(assembly, original.target)), assembly.text())


def _binary(original: Original, code: MachineCode) -> bytes:
    return write_binary(original.contract, original.target, code)
