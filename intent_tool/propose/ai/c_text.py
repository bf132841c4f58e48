"""A contract of one formula as a function in C, for models, which have read more C than anything else.

It is a hint, not a translation: C's integers have widths, and what wraps in between is left to whoever reads it."""

from __future__ import annotations

from intent_tool.language.contract import Contract, ScalarType
from intent_tool.language.tree import (
    Binary,
    Call,
    Compare,
    Conditional,
    Expression,
    Integer,
    Logical,
    Name,
    Unary,
)

_OPERATORS = {"//": "/", "and": "&&", "or": "||", "not": "!"}
_CASTS = {f"{sign}{bits}": f"{name}{bits}_t"
          for sign, name in (("u", "uint"), ("i", "int")) for bits in (8, 16, 32, 64)}


class _NoC(Exception):
    """An operation that C has no short word for."""


def c_text(contract: Contract) -> str | None:
    """The function, or None where the contract is no formula over scalars."""
    signature, returns = contract.signature, contract.returns
    if signature is None or signature.result is None or returns is None \
            or any(p.buffer is not None for p in signature.parameters):
        return None
    try:
        value = _text(_without_cast(returns, signature.result))
    except _NoC:
        return None
    return f"{' '.join(signature.text.split()).rstrip('; ')}\n{{\n    return {value};\n}}"


def _without_cast(returns: Expression, result: ScalarType) -> Expression:
    """The cast to the result's type happens by itself."""
    if isinstance(returns, Call) and _CASTS.get(returns.function) == result.name:
        return returns.arguments[0]
    return returns


def _text(e: Expression) -> str:
    if isinstance(e, Integer):
        return str(e.value)
    if isinstance(e, Name):
        return e.name
    if isinstance(e, Unary):
        return _OPERATORS.get(e.op, e.op) + _part(e.operand)
    if isinstance(e, Binary) and e.op != "**":
        return f"{_part(e.left)} {_OPERATORS.get(e.op, e.op)} {_part(e.right)}"
    if isinstance(e, Compare) and all(op not in ("in", "not in") for op, _ in e.rest):
        sides = [e.first, *(right for _, right in e.rest)]
        pairs = [f"{_part(left)} {op} {_part(right)}" for left, (op, right) in zip(sides, e.rest, strict=False)]
        return " && ".join(pairs)
    if isinstance(e, Logical):
        return f" {_OPERATORS[e.op]} ".join(_part(operand) for operand in e.operands)
    if isinstance(e, Conditional):
        return f"{_part(e.test)} ? {_part(e.then)} : {_part(e.otherwise)}"
    if isinstance(e, Call):
        return _call(e.function, e.arguments)
    raise _NoC


def _call(function: str, arguments: tuple[Expression, ...]) -> str:
    if function in _CASTS and len(arguments) == 1:
        return f"({_CASTS[function]}){_part(arguments[0])}"
    if function in ("min", "max") and len(arguments) == 2:
        a, b = map(_part, arguments)
        return f"{a} {'<' if function == 'min' else '>'} {b} ? {a} : {b}"
    if function == "abs" and len(arguments) == 1:
        a = _part(arguments[0])
        return f"{a} < 0 ? -{a} : {a}"
    if function in ("popcount", "parity") and len(arguments) == 1:
        return f"__builtin_{function}ll({_text(arguments[0])})"
    raise _NoC


def _part(e: Expression) -> str:
    text = _text(e)
    return text if isinstance(e, (Name, Integer)) else f"({text})"
