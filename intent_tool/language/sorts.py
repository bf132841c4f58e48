"""What kind of value an expression has, as far as its form tells: enough to catch `data + 1` and `len(n)` early."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.language.contract import Definition, Signature
from intent_tool.language.tree import (
    Binary,
    Bytes,
    Call,
    CallDefinition,
    CallIntent,
    Compare,
    Comprehension,
    Conditional,
    Expression,
    Formatted,
    FunctionReference,
    Index,
    Integer,
    Lambda,
    List,
    Logical,
    Slice,
    Tuple,
    Unary,
)

INTEGER = "integer"
SEQUENCE = "sequence"
SEQUENCE_OF_SEQUENCES = "sequence of sequences"
"""`args`."""
TUPLE = "tuple"
FUNCTION = "function"

_SEQUENCES = frozenset({"range", "enumerate", "zip", "reversed", "sorted", "bytes"})
_UNKNOWN = frozenset({"min", "max", "reduce", "next"})


def is_sequence(sort: str | None) -> bool:
    return sort in {SEQUENCE, SEQUENCE_OF_SEQUENCES}


def signature_sorts(signature: Signature) -> dict[str, str]:
    """The sorts of a function's parameters."""
    return {p.name: SEQUENCE if p.buffer else INTEGER for p in signature.parameters}


def definition_sorts(where: Mapping[str, Definition], variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """The sorts of the definitions' values; `variables` has the contract's parameters."""
    found: dict[str, str | None] = {}
    for name, definition in where.items():
        hidden = dict.fromkeys(definition.parameters or ())
        found[name] = sort_of(definition.body, {**variables, **hidden}, found)
    return found


def sort_of(node: Expression, variables: Mapping[str, str | None],
            definitions: Mapping[str, str | None]) -> str | None:
    """One of the sorts above, or None when only the evaluation can tell. Both mappings are from names to sorts."""
    if isinstance(node, (Integer, Unary, Compare, CallIntent)):
        return INTEGER
    if isinstance(node, Binary):
        if node.op != "+":
            return INTEGER
        left = sort_of(node.left, variables, definitions)
        return left if left is not None else sort_of(node.right, variables, definitions)
    if isinstance(node, (Bytes, List, Slice, Comprehension, Formatted)):
        return SEQUENCE
    if isinstance(node, Tuple):
        return TUPLE
    if isinstance(node, (Lambda, FunctionReference)):
        return FUNCTION
    if isinstance(node, Conditional):
        return _common(sort_of(node.then, variables, definitions), sort_of(node.otherwise, variables, definitions))
    if isinstance(node, Logical):
        sorts = [sort_of(operand, variables, definitions) for operand in node.operands]
        return sorts[0] if all(s == sorts[0] for s in sorts) else None
    if isinstance(node, Index):
        base = sort_of(node.sequence, variables, definitions)
        return SEQUENCE if base == SEQUENCE_OF_SEQUENCES else None
    if isinstance(node, Call):
        if node.function in _SEQUENCES:
            return SEQUENCE
        if node.function == "divmod":
            return TUPLE
        if node.function in {"min", "max"} and len(node.arguments) > 1:
            return sort_of(node.arguments[0], variables, definitions)
        return None if node.function in _UNKNOWN else INTEGER
    if isinstance(node, CallDefinition):
        return definitions.get(node.name)
    return variables.get(node.name)


def _common(left: str | None, right: str | None) -> str | None:
    return left if left == right else None
