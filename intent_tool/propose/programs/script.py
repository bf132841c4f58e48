"""What a program does, step by step: small statements over variables of 64 bits, and calls of parts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Variable:
    """64 bits in the frame; `lo` and `hi` hold its values. It is signed where `lo` is below 0."""

    number: int
    lo: int
    hi: int

    @property
    def name(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True, slots=True)
class Place:
    """An address or a length that the script keeps in a register: ``out`` (where output goes next), ``in`` and
    ``available`` (the input that is there), ``scratch`` (room for the text of a number)."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """The address of constant bytes."""

    data: bytes


Operand = int | Variable | Place | Text


@dataclass(frozen=True, slots=True)
class Test:
    """`op` is ``== != < >=``, of signed values where `signed`."""

    op: str
    left: Operand
    right: Operand
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A part's function; its result goes to `result`, and `advance` says by how many bytes output grows."""

    symbol: str
    arguments: tuple[Operand, ...]
    result: Variable | None = None


@dataclass(frozen=True, slots=True)
class Set:
    """``target = left op right``; `op` is ``+`` or ``-``, modulo 2**64."""

    target: Variable
    left: Operand
    op: str = "+"
    right: Operand = 0


@dataclass(frozen=True, slots=True)
class LoadByte:
    """The byte at ``address + offset``."""

    target: Variable
    address: Operand
    offset: Operand = 0


@dataclass(frozen=True, slots=True)
class If:
    test: Test
    then: list[Statement] = field(default_factory=list)
    otherwise: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class While:
    """`test` before each round; `Break` leaves the innermost."""

    test: Test | None
    body: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Break:
    pass


@dataclass(frozen=True, slots=True)
class Once:
    """`body`, once."""

    number: int
    body: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Done:
    """Leaves the `Once` of that number."""

    number: int


@dataclass(frozen=True, slots=True)
class Put:
    """Constant bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PutByte:
    value: Operand


@dataclass(frozen=True, slots=True)
class PutMemory:
    address: Operand
    length: Operand


@dataclass(frozen=True, slots=True)
class Room:
    """Makes room for so many bytes of output, at most the whole buffer, and where `got` is given says how many bytes
    there is room for, at least one."""

    bytes: int
    got: Variable | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """So many bytes of output have been written where it goes."""

    by: Operand


@dataclass(frozen=True, slots=True)
class Consume:
    """So many bytes of input are done."""

    by: Operand


@dataclass(frozen=True, slots=True)
class Fill:
    """Reads until at least `least` bytes of input are there, or all there are."""

    least: int


@dataclass(frozen=True, slots=True)
class ReadAll:
    """All of the input that is left into memory."""

    address: Variable
    length: Variable


@dataclass(frozen=True, slots=True)
class Argument:
    """The place and length of argument `number`, which there is."""

    number: Operand
    address: Variable
    length: Variable


@dataclass(frozen=True, slots=True)
class CountArguments:
    target: Variable


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Output goes there from now on."""

    number: int


@dataclass(frozen=True, slots=True)
class Exit:
    """With what was put written out."""

    status: Operand


@dataclass(frozen=True, slots=True)
class Fail:
    """Exit status 1, at once: an input without meaning, a number too large, or no memory."""


Statement = (Call | Set | LoadByte | If | While | Break | Once | Done | Put | PutByte | PutMemory | Room | Advance
             | Consume | Fill | ReadAll | Argument | CountArguments | Descriptor | Exit | Fail)


def inner_blocks(statement: Statement) -> list[list[Statement]]:
    """The statements inside of a statement."""
    if isinstance(statement, If):
        return [statement.then, statement.otherwise]
    return [statement.body] if isinstance(statement, While | Once) else []
