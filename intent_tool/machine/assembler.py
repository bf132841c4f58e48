"""Assembly to machine code: every line checked, branches as short as they can be, tables laid out for the linker."""

from __future__ import annotations

import re
from dataclasses import dataclass

from intent_tool.language.diagnostics import Diagnostic, IntentError, Source, Span
from intent_tool.machine.assembly import Assembly, MachineCode, Relocation, Table
from intent_tool.machine.branches import branch
from intent_tool.machine.keystone_encoder import Encoded, encode_lines
from intent_tool.machine.layout import Fixup, Piece, Unencodable, lay_out
from intent_tool.machine.line_syntax import LABEL, normalised
from intent_tool.machine.target import Target

MAX_LINES = 100_000
MAX_LINE = 200


class AssemblyError(IntentError):
    """A line that is no instruction of the target. `line` is its index in ``Assembly.lines``, None for a table's."""

    def __init__(self, assembly: Assembly, line: int | None, reason: str) -> None:
        self.line = line
        self.text = assembly.lines[line].strip() if line is not None else ""
        self.reason = reason
        source = Source("<assembly>", "\n".join(" ".join(text.split()) for text in assembly.lines))
        span = Span(source, line + 1, 1, max(1, len(source.line(line + 1)))) if line is not None else None
        shown = self.text if len(self.text) <= MAX_LINE else self.text[:MAX_LINE] + "…"
        message = f"`{shown}`: {reason}" if line is not None else reason
        super().__init__(Diagnostic("E801", message, span))


@dataclass(frozen=True, slots=True)
class _Rodata:
    data: bytes
    alignment: int
    offsets: dict[str, int]


def assemble(assembly: Assembly, target: Target) -> MachineCode:
    """The machine code of a function or program. Raises `AssemblyError` at the first line that is at fault."""
    rodata = _rodata(assembly)
    labels, lines = _labels(assembly, rodata)
    read = _riscv_pieces if target.isa == "riscv64" else _keystone_pieces
    pieces = []
    for piece, mnemonic in read(assembly, lines, target):
        if mnemonic not in target.instructions:
            raise AssemblyError(assembly, piece.line, f"`{mnemonic}` is not among the instructions of {target.name}")
        pieces.append(piece)
    for piece in pieces:
        if piece.label is not None and piece.label not in labels:
            known = "a table" if piece.label in rodata.offsets else "not a label of this code"
            raise AssemblyError(assembly, piece.line, f"{piece.label} is {known}")
    try:
        layout = lay_out(tuple(pieces), labels)
    except Unencodable as problem:
        raise AssemblyError(assembly, pieces[problem.args[1]].line, problem.args[0]) from None
    relocations = []
    places = {label: (layout.starts[place], pieces[place] if place < len(pieces) else None)
              for label, place in labels.items()}
    for index, piece in enumerate(pieces):
        for fixup in piece.fixups:
            try:
                relocations.append(_relocation(fixup, layout.starts[index], rodata, places))
            except Unencodable as problem:
                raise AssemblyError(assembly, piece.line, str(problem)) from None
    code = b"".join(instruction.code for instruction in layout.instructions)
    notes = []
    for note in assembly.notes:
        if note.label not in labels:
            raise AssemblyError(assembly, None, f"a note is about {note.label}, which is not a label of this code")
        notes.append((layout.starts[labels[note.label]], note.text))
    functions = []
    for function in assembly.functions:
        if function.label not in labels:
            raise AssemblyError(assembly, None, f"{function.symbol} starts at {function.label}, which is not a label "
                                                "of this code")
        functions.append((function.symbol, layout.starts[labels[function.label]]))
    starts = [0, *(offset for _, offset in functions)]
    if starts != sorted(set(starts)):
        raise AssemblyError(assembly, None, "the functions are not in the order of their places")
    return MachineCode(code, layout.instructions, rodata.data, rodata.alignment, tuple(relocations), tuple(notes),
                       tuple(functions))


def _rodata(assembly: Assembly) -> _Rodata:
    data, alignment = bytearray(), 1
    offsets: dict[str, int] = {}
    for table in assembly.tables:
        _check_table(assembly, table, offsets)
        data += bytes(-len(data) % table.alignment)
        offsets[table.label] = len(data)
        data += table.data
        alignment = max(alignment, table.alignment)
    return _Rodata(bytes(data), alignment, offsets)


def _check_table(assembly: Assembly, table: Table, offsets: dict[str, int]) -> None:
    if not LABEL.fullmatch(table.label):
        raise AssemblyError(assembly, None, f"the table's label `{table.label}` does not start with `.L`")
    if table.label in offsets:
        raise AssemblyError(assembly, None, f"two tables have the label {table.label}")
    if table.alignment < 1 or table.alignment & (table.alignment - 1) or table.alignment > 4096:
        raise AssemblyError(assembly, None, f"the alignment of table {table.label} is {table.alignment}, "
                                            "not a power of two up to 4096")
    if not table.data:
        raise AssemblyError(assembly, None, f"the table {table.label} is empty")


def _labels(assembly: Assembly, rodata: _Rodata) -> tuple[dict[str, int], list[tuple[int, str]]]:
    """For each label the number of the instruction behind it; and the instructions with their line's index."""
    if len(assembly.lines) > MAX_LINES:
        raise AssemblyError(assembly, None, f"{len(assembly.lines)} lines; at most {MAX_LINES} are assembled")
    labels: dict[str, int] = {}
    lines: list[tuple[int, str]] = []
    for index, raw in enumerate(assembly.lines):
        if len(raw) > MAX_LINE or not raw.isascii() or not raw.strip() or re.search(r"[\n\r;]", raw):
            raise AssemblyError(assembly, index, "a line holds one label or one instruction, without comments")
        line = normalised(raw)
        if not line.endswith(":"):
            lines.append((index, line))
            continue
        label = line[:-1]
        if not LABEL.fullmatch(label):
            raise AssemblyError(assembly, index, "a label starts with `.L`")
        if label in labels or label in rodata.offsets:
            raise AssemblyError(assembly, index, f"the label {label} is defined twice")
        labels[label] = len(lines)
    if not lines:
        raise AssemblyError(assembly, None, "there is no instruction")
    return labels, lines


def _riscv_pieces(assembly: Assembly, lines: list[tuple[int, str]], target: Target) -> list[tuple[Piece, str]]:
    """Each piece with its mnemonic as the disassembler names it."""
    from intent_tool.machine.riscv_encoder import encode_line

    pieces = []
    for index, line in lines:
        try:
            pieces.append(encode_line(line, index, target.features))
        except Unencodable as problem:
            raise AssemblyError(assembly, index, str(problem)) from None
    return pieces


def _keystone_pieces(assembly: Assembly, lines: list[tuple[int, str]], target: Target) -> list[tuple[Piece, str]]:
    branches: dict[int, tuple[Piece, str]] = {}
    for index, line in lines:
        try:
            found = branch(target.isa, line, index)
        except Unencodable as problem:
            raise AssemblyError(assembly, index, str(problem)) from None
        if found is not None:
            branches[index] = found
    others = [(index, line) for index, line in lines if index not in branches]
    encoded = dict(zip((index for index, _ in others), encode_lines(target.isa, [line for _, line in others]),
                       strict=True))
    pieces = []
    for index, line in lines:
        if index in branches:
            pieces.append(branches[index])
            continue
        made = encoded[index]
        if not isinstance(made, Encoded):
            raise AssemblyError(assembly, index, str(made))
        pieces.append((Piece(index, line, made.code, fixups=made.fixups), made.mnemonic))
    return pieces


def _relocation(fixup: Fixup, start: int, rodata: _Rodata, labels: dict[str, tuple[int, Piece | None]]) -> Relocation:
    """`start` is the offset of the fixup's piece; `labels` gives the offset and the piece behind each label."""
    if fixup.kind == "R_RISCV_PCREL_LO12_I":
        # The psABI pairs the lower part with the place of its upper part, not with the table.
        offset, upper = labels.get(fixup.symbol, (0, None))
        if upper is None or all(f.kind != "R_RISCV_PCREL_HI20" for f in upper.fixups):
            raise Unencodable(f"{fixup.symbol} is not the label of an `auipc reg, %pcrel_hi(table)`")
        return Relocation(start + fixup.offset, fixup.kind, f".text+{offset}", 0)
    if fixup.symbol not in rodata.offsets:
        raise Unencodable(f"no table has the label {fixup.symbol}")
    return Relocation(start + fixup.offset, fixup.kind, ".rodata", rodata.offsets[fixup.symbol] + fixup.addend)
