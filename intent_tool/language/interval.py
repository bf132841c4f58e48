"""Least and greatest values of expressions, from their form alone: what the oracle may compute without a guard.

No conditions are looked at; the checks of a contract refine much more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from intent_tool.language.contract import Contract
from intent_tool.language.tree import (
    Binary,
    Call,
    CallDefinition,
    CallIntent,
    Compare,
    Conditional,
    Expression,
    Index,
    Integer,
    Logical,
    Name,
    Unary,
)
from intent_tool.language.vocabulary import CASTS

Interval: TypeAlias = tuple[int, int] | None
"""Both ends inclusive; None when unknown."""

MAX_BITS = 8192


def parameter_intervals(contract: Contract) -> dict[str, tuple[int, int]]:
    """The ranges of scalar parameters and of buffers' elements, and of `result`."""
    if contract.signature is None:
        return {"stdin": (0, 255)}
    found = {p.name: (p.type.minimum, p.type.maximum) for p in contract.signature.parameters}
    if contract.signature.result is not None:
        found["result"] = (contract.signature.result.minimum, contract.signature.result.maximum)
    return found


def interval(node: Expression, variables: Mapping[str, Interval], contract: Contract) -> Interval:
    """Where the integer value of `node` lies. `variables` has scalars, and buffers by their elements."""
    if isinstance(node, Integer):
        return node.value, node.value
    if isinstance(node, Name):
        return variables.get(node.name)
    if isinstance(node, Index):
        return variables.get(node.sequence.name) if isinstance(node.sequence, Name) else None
    if isinstance(node, Compare) or (isinstance(node, Unary) and node.op == "not"):
        return 0, 1
    if isinstance(node, CallIntent):
        signature = contract.uses[node.name].signature if node.name in contract.uses else contract.signature
        result = signature.result if signature is not None else None
        return (result.minimum, result.maximum) if result is not None else None
    if isinstance(node, Unary):
        value = interval(node.operand, variables, contract)
        if value is None or node.op == "+":
            return value
        return (-value[1], -value[0]) if node.op == "-" else (-1 - value[1], -1 - value[0])
    if isinstance(node, Conditional):
        return _hull(interval(node.then, variables, contract), interval(node.otherwise, variables, contract))
    if isinstance(node, Logical):
        return _hull(*(interval(operand, variables, contract) for operand in node.operands))
    if isinstance(node, Binary):
        left, right = interval(node.left, variables, contract), interval(node.right, variables, contract)
        found = _binary(node.op, left, right)
        return found if found is not None and max(abs(found[0]), found[1]).bit_length() <= MAX_BITS else None
    if isinstance(node, Call):
        return _call(node, variables, contract)
    if isinstance(node, CallDefinition) and node.arguments is None:
        body = contract.where[node.name].body
        # A definition does not see the local variables of its use; deeper chains are not worth the time.
        return None if isinstance(body, CallDefinition) else interval(body, parameter_intervals(contract), contract) \
            if _is_flat(body) else None
    return None


def _is_flat(node: Expression) -> bool:
    """Whether looking into a definition takes little time: no further definitions below."""
    stack: list[Expression] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Binary):
            stack += [current.left, current.right]
        elif isinstance(current, Unary):
            stack.append(current.operand)
        elif isinstance(current, Conditional):
            stack += [current.then, current.otherwise]
        elif not isinstance(current, (Integer, Name, Index, Compare)):
            return False
    return True


def _hull(*parts: Interval) -> Interval:
    known = [p for p in parts if p is not None]
    return (min(p[0] for p in known), max(p[1] for p in known)) if len(known) == len(parts) else None


def _binary(op: str, left: Interval, right: Interval) -> Interval:
    if op == "&":
        # What is not negative bounds the result, whatever the other side is.
        bounds = [side[1] for side in (left, right) if side is not None and side[0] >= 0]
        if bounds:
            return 0, min(bounds)
    if op == "%" and right is not None and right[0] > 0:
        return 0, right[1] - 1
    if left is None or right is None:
        return None
    if op == "+":
        return left[0] + right[0], left[1] + right[1]
    if op == "-":
        return left[0] - right[1], left[1] - right[0]
    if op == "*":
        corners = [a * b for a in left for b in right]
        return min(corners), max(corners)
    if op == "<<" and right[0] >= 0 and right[1] <= MAX_BITS:
        corners = [a << b for a in left for b in right]
        return min(corners), max(corners)
    if op == ">>" and right[0] >= 0:
        corners = [a >> min(b, MAX_BITS) for a in left for b in right]
        return min(corners), max(corners)
    if op == "//" and right[0] > 0:
        corners = [a // b for a in left for b in right]
        return min(corners), max(corners)
    if op == "**" and right[0] >= 0 and max(abs(left[0]), abs(left[1])).bit_length() * right[1] <= MAX_BITS:
        top = max(abs(left[0]), abs(left[1]), 1) ** right[1]
        return (0 if left[0] >= 0 else -top), top
    if op in {"&", "|", "^"}:
        width = max(v.bit_length() for v in (*left, *right))
        return (0 if min(left[0], right[0]) >= 0 else -(1 << width)), (1 << width) - 1
    return None


def _call(node: Call, variables: Mapping[str, Interval], contract: Contract) -> Interval:
    name = node.function
    if name in CASTS:
        width, signed = CASTS[name]
        return (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    if name in {"popcount", "clz", "ctz"}:
        return 0, 1 << 17
    if name in {"parity", "any", "all"}:
        return 0, 1
    if name in {"bswap", "bitrev", "rotl", "rotr"}:
        last = node.arguments[-1]
        bits = last.value * (8 if name == "bswap" else 1) if isinstance(last, Integer) else 64
        return 0, (1 << bits) - 1
    if name in {"min", "max"} and len(node.arguments) > 1:
        return _hull(*(interval(a, variables, contract) for a in node.arguments))
    if name == "abs":
        value = interval(node.arguments[0], variables, contract)
        return None if value is None else (0, max(abs(value[0]), abs(value[1])))
    return (0, 1 << 48) if name == "len" else None
