"""What a checked `.intent` file says, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intent_tool.language.diagnostics import Source, Span
from intent_tool.language.tree import Expression


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A C integer type as this language sees it: a range of integers, and a size in memory."""

    name: str
    """As the header spells it: ``uint32_t``, ``size_t``, ``bool``, ``char``, ``unsigned``, ``int``, …"""
    bits: int
    """Width in memory and registers: 8, 16, 32 or 64 (`bool` has 8)."""
    signed: bool
    is_bool: bool = False

    @property
    def minimum(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        if self.is_bool:
            return 1
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def bytes(self) -> int:
        return self.bits // 8


@dataclass(frozen=True, slots=True)
class Buffer:
    """The memory behind a pointer parameter. Elements have the parameter's type."""

    length: Expression
    """Element count: a sum or product of constants and `size_t` parameters."""
    writable: bool
    constant_length: int | None
    """The count when it is a constant."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: ScalarType
    """The scalar's type, or the element's for a buffer."""
    span: Span
    buffer: Buffer | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    result: ScalarType | None
    """None for `void`."""
    parameters: tuple[Parameter, ...]
    span: Span
    text: str
    """The prototype as written."""

    def parameter(self, name: str) -> Parameter:
        return next(p for p in self.parameters if p.name == name)


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry of `where`. `parameters` is None for a plain name."""

    name: str
    parameters: tuple[str, ...] | None
    body: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class FunctionExample:
    """An example of a function. With `given` None, `check` is an expression over calls of the symbol;
    else `given` binds every parameter and `check` is a predicate over `result` and the buffers afterwards.

    `text` is the example as written, for messages and reports."""

    given: Mapping[str, int | tuple[int, ...]] | None
    check: Expression
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class ProgramExample:
    args: tuple[bytes, ...]
    stdin: bytes
    stdout: bytes
    stderr: bytes
    exit: int
    span: Span


@dataclass(frozen=True, slots=True)
class Contract:
    """One intent. Exactly one of `signature` and `program` is set."""

    source: Source
    prose: str
    span: Span
    """The place of the `intent` key's value."""
    signature: Signature | None = None
    program: str | None = None
    where: Mapping[str, Definition] = field(default_factory=dict)
    requires: tuple[Expression, ...] = ()
    aliases: frozenset[frozenset[str]] = frozenset()
    """Pairs of buffer names declared to start at the same address: ``aliased(out, data)``."""
    returns: Expression | None = None
    ensures: tuple[Expression, ...] = ()
    writes: Mapping[str, Expression] = field(default_factory=dict)
    function_examples: tuple[FunctionExample, ...] = ()
    program_examples: tuple[ProgramExample, ...] = ()
    stdout: Expression | None = None
    stderr: Expression | None = None
    exit: Expression | None = None
    uses: Mapping[str, Contract] = field(default_factory=dict)
    """Used functions by symbol name."""
    optimize: str = "speed"
    limits: Mapping[str, int] = field(default_factory=dict)
    secret: frozenset[str] = frozenset()
    targets: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    """Absolute paths of this file and of every used one, for build dependencies."""
    key_spans: Mapping[str, Span] = field(default_factory=dict)
    """The place of each key that is present, for messages."""

    @property
    def name(self) -> str:
        """The symbol, or the program's name."""
        if self.signature is not None:
            return self.signature.name
        assert self.program is not None
        return self.program
