"""Values of constant expressions, for exponents, widths and ranges."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.language.contract import Definition
from intent_tool.language.tree import Binary, CallDefinition, Conditional, Expression, Integer, Unary

MAX_BITS = 4096
"""The widest integer that a constant may have."""


def constant_definitions(where: Mapping[str, Definition]) -> dict[str, int]:
    """The values of the definitions that are constants, in the order they were written."""
    values: dict[str, int] = {}
    for name, definition in where.items():
        value = constant(definition.body, values) if definition.parameters is None else None
        if value is not None:
            values[name] = value
    return values


def constant(node: Expression, definitions: Mapping[str, int]) -> int | None:
    """The value of `node` when it is made of literals and of constant `definitions`; else None.

    Also None for what Python would refuse to compute (division by zero), and beyond `MAX_BITS`."""
    value = _fold(node, definitions)
    return value if value is None or value.bit_length() <= MAX_BITS else None


def _fold(node: Expression, definitions: Mapping[str, int]) -> int | None:
    if isinstance(node, Integer):
        return node.value
    if isinstance(node, CallDefinition):
        return definitions.get(node.name) if node.arguments is None else None
    if isinstance(node, Unary):
        value = constant(node.operand, definitions)
        return None if value is None else {"-": -value, "+": value, "~": ~value, "not": int(not value)}[node.op]
    if isinstance(node, Binary):
        left, right = constant(node.left, definitions), constant(node.right, definitions)
        return None if left is None or right is None else _binary(node.op, left, right)
    if isinstance(node, Conditional):
        test = constant(node.test, definitions)
        return None if test is None else constant(node.then if test else node.otherwise, definitions)
    return None


def _binary(op: str, left: int, right: int) -> int | None:
    if op in {"//", "%"}:
        return None if right == 0 else left // right if op == "//" else left % right
    if op in {"<<", ">>"}:
        if right < 0 or (op == "<<" and right > MAX_BITS):
            return None
        return left << right if op == "<<" else left >> right
    if op == "**":
        if right < 0 or left.bit_length() * right > 2 * MAX_BITS:
            return None
        return int(left**right)
    return {"+": left + right, "-": left - right, "*": left * right, "&": left & right, "|": left | right,
            "^": left ^ right}[op]
