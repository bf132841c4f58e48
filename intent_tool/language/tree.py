"""The expression tree of a contract: all of it on this page.

Values are unbounded integers, truth values (0 or 1 in arithmetic), sequences of known or unknown length, and
tuples. Every node carries the place it was written at. Nodes are compared by identity, since two equal texts
in different places are different nodes; names are resolved when the tree is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from intent_tool.language.diagnostics import Span


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Integer(Node):
    """An integer literal; `True` and `False` are 1 and 0, `ord("a")` is folded to its number."""

    value: int


@dataclass(frozen=True, slots=True, eq=False)
class Bytes(Node):
    """A byte string literal; a sequence of integers from 0 to 255."""

    value: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A parameter, `result`, `stdin`, `args`, or a variable bound by a lambda, a comprehension or a definition."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """`op` is one of ``- + ~ not``."""

    op: str
    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """`op` is one of ``+ - * // % ** << >> & | ^``."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Node):
    """A chain ``first op1 x1 op2 x2 …``; each op is one of ``< <= > >= == != in``, or ``not in``."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Logical(Node):
    """`op` is ``and`` or ``or``, with Python's meaning: evaluated in order, gives the deciding operand."""

    op: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Node):
    """``then if test else otherwise``."""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Tuple(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class List(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """``sequence[index]``; a tuple is indexed by constants only."""

    sequence: Expression
    index: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Slice(Node):
    """``sequence[start:stop]`` with Python's clamping; a missing bound is None."""

    sequence: Expression
    start: Expression | None
    stop: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A built-in function or bit operation, by name; `default` of ``next`` is its second argument."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CallDefinition(Node):
    """A definition of `where`. `arguments` is None for a definition without parameters (``name: expr``)."""

    name: str
    arguments: tuple[Expression, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class CallIntent(Node):
    """A function of a used intent file, or the intent's own symbol (in examples only)."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lambda(Node):
    """A function value; only as an argument of a built-in that takes one (`reduce`)."""

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True, eq=False)
class FunctionReference(Node):
    """A definition of `where`, a used function or a built-in (``min``) passed by name, as in ``reduce(step, …)``.

    `kind` is ``definition``, ``intent`` or ``builtin``."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Pattern(Node):
    """What a comprehension binds: a name (`_` too), or a tuple of patterns."""

    name: str | None
    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Clause(Node):
    """``for target in sequence if condition …`` of a comprehension."""

    target: Pattern
    sequence: Expression
    conditions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension(Node):
    """A generator expression or list comprehension: a sequence."""

    element: Expression
    clauses: tuple[Clause, ...]
    is_list: bool = False
    """Written in brackets: evaluated as a whole, where a generator stops with its consumer."""


@dataclass(frozen=True, slots=True, eq=False)
class FormattedField(Node):
    """One ``{value:spec}`` of an f-string; `spec` as written, checked when the tree is built."""

    value: Expression
    spec: str


@dataclass(frozen=True, slots=True, eq=False)
class Formatted(Node):
    """An f-string of a program's output: literal bytes (UTF-8) and fields, in order."""

    parts: tuple[bytes | FormattedField, ...]


Expression = Union[
    Integer, Bytes, Name, Unary, Binary, Compare, Logical, Conditional, Tuple, List, Index, Slice, Call,
    CallDefinition, CallIntent, Lambda, FunctionReference, Comprehension, Formatted,
]
