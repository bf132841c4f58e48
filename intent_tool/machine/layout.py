"""Places for instructions: the smallest encoding of every branch that reaches its label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from intent_tool.machine.assembly import Instruction


class Unencodable(Exception):
    """One line cannot be encoded; the text is the reason, for the author of the line."""


Encode = Callable[[int], tuple[tuple[bytes, str], ...]]
"""From the distance in bytes (label minus start of the piece) to the instructions: their bytes and texts."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to encode a branch. It reaches distances from `low` to `high`, both included."""

    size: int
    low: int
    high: int
    encode: Encode


@dataclass(frozen=True, slots=True)
class Fixup:
    """A place in a piece that refers to a table, or to the label of another piece; `kind` is the relocation type."""

    offset: int
    kind: str
    symbol: str
    addend: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of assembly: fixed bytes, or a branch to `label` with its variants, smallest first."""

    line: int
    text: str
    code: bytes = b""
    label: str | None = None
    variants: tuple[Variant, ...] = ()
    fixups: tuple[Fixup, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    starts: tuple[int, ...]
    """Where each piece starts; one more for the end."""
    instructions: tuple[Instruction, ...]


def lay_out(pieces: tuple[Piece, ...], labels: Mapping[str, int]) -> Layout:
    """The pieces one behind the other; `labels` gives for each label the index of the piece that follows it.

    Branches start small and only ever grow, so this ends; the result is the least fixed point, as assemblers
    that relax have it. Raises `Unencodable` with the piece's index as second argument when no variant reaches."""
    chosen = [0] * len(pieces)
    branches = [index for index, piece in enumerate(pieces) if piece.variants]
    while True:
        starts = _starts(pieces, chosen)
        grew = False
        for index in branches:
            piece = pieces[index]
            assert piece.label is not None
            distance = starts[labels[piece.label]] - starts[index]
            while not piece.variants[chosen[index]].low <= distance <= piece.variants[chosen[index]].high:
                grew = True
                chosen[index] += 1
                if chosen[index] == len(piece.variants):
                    raise Unencodable(f"the branch cannot reach {piece.label}, {distance} bytes away", index)
        if not grew:
            break
    instructions: list[Instruction] = []
    for index, piece in enumerate(pieces):
        start = starts[index]
        if not piece.variants:
            instructions.append(Instruction(start, piece.code, piece.text))
            continue
        assert piece.label is not None
        variant = piece.variants[chosen[index]]
        for code, text in variant.encode(starts[labels[piece.label]] - start):
            instructions.append(Instruction(start, code, text))
            start += len(code)
        assert start == starts[index + 1]
    return Layout(tuple(starts), tuple(instructions))


def _starts(pieces: tuple[Piece, ...], chosen: list[int]) -> list[int]:
    starts = [0]
    for piece, variant in zip(pieces, chosen, strict=True):
        starts.append(starts[-1] + (piece.variants[variant].size if piece.variants else len(piece.code)))
    return starts
