"""What a contract's text tells about inputs worth trying: its constants, and where `requires` leaves room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from intent_tool.language.contract import Contract
from intent_tool.language.fold import constant, constant_definitions
from intent_tool.language.oracle import Oracle
from intent_tool.language.tree import Bytes, CallDefinition, Compare, Expression, Integer, Logical, Name
from intent_tool.language.walk import descendants, free_names

MAX_CONSTANTS = 64

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``x == expression`` somewhere in `requires`: a value for parameter number `index` from all arguments."""

    index: int
    value: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Hints:
    constants: tuple[int, ...]
    """Integers in the contract, in order of appearance."""
    ranges: dict[str, tuple[int, int]]
    """Scalar parameters' types, narrowed by comparisons with constants."""
    suggestions: tuple[Suggestion, ...]
    texts: tuple[bytes, ...]
    """Byte strings in the contract."""


def hints_of(contract: Contract, oracle: Oracle) -> Hints:
    signature = oracle.signature
    scalars = {p.name: i for i, p in enumerate(signature.parameters) if p.buffer is None}
    values = constant_definitions(contract.where)
    ranges = {n: (signature.parameters[i].type.minimum, signature.parameters[i].type.maximum)
              for n, i in scalars.items()}
    suggestions: list[Suggestion] = []
    reads = oracle.generator.reads
    names = [p.name for p in signature.parameters]
    for condition in contract.requires:
        for comparison in _conjuncts(condition, contract):
            for left, op, right in _pairs(comparison):
                _narrow(ranges, left, op, constant(right, values))
        for left, right in _equalities(condition):
            if isinstance(left, Name) and left.name in scalars and left.name not in free_names(right, reads):
                suggestions.append(Suggestion(scalars[left.name], oracle.evaluator(right, names)))
    return Hints(_constants(contract, values), ranges, tuple(suggestions[:MAX_CONSTANTS]), _texts(contract))


def _conjuncts(node: Expression, contract: Contract) -> Iterator[Compare]:
    """The comparisons that must all hold."""
    if isinstance(node, Compare):
        yield node
    elif isinstance(node, Logical) and node.op == "and":
        for operand in node.operands:
            yield from _conjuncts(operand, contract)
    elif isinstance(node, CallDefinition) and node.arguments is None:
        yield from _conjuncts(contract.where[node.name].body, contract)


def _pairs(node: Compare) -> Iterator[tuple[Expression, str, Expression]]:
    """Each comparison of a chain, and its mirror image."""
    left = node.first
    for op, right in node.rest:
        if op in _MIRRORED:
            yield left, op, right
            yield right, _MIRRORED[op], left
        left = right


def _equalities(node: Expression) -> Iterator[tuple[Expression, Expression]]:
    for part in descendants(node):
        if isinstance(part, Compare):
            yield from ((a, b) for a, op, b in _pairs(part) if op == "==")


def _narrow(ranges: dict[str, tuple[int, int]], left: Expression, op: str, bound: int | None) -> None:
    if not isinstance(left, Name) or left.name not in ranges or bound is None:
        return
    low, high = ranges[left.name]
    if op in {"<", "<=", "=="}:
        high = min(high, bound - (op == "<"))
    if op in {">", ">=", "=="}:
        low = max(low, bound + (op == ">"))
    # A contradiction is not for the sampler to find: it keeps the last range that was not empty.
    if low <= high:
        ranges[left.name] = (low, high)


def _constants(contract: Contract, values: dict[str, int]) -> tuple[int, ...]:
    literals = dict.fromkeys(values.values())
    for root in _roots(contract):
        for node in descendants(root):
            if isinstance(node, Integer):
                literals.setdefault(node.value)
    return tuple(sorted(literals, key=abs))[-MAX_CONSTANTS:]


def _texts(contract: Contract) -> tuple[bytes, ...]:
    found = dict.fromkeys(node.value for root in _roots(contract) for node in descendants(root)
                          if isinstance(node, Bytes) and node.value)
    return tuple(found)[:MAX_CONSTANTS]


def _roots(contract: Contract) -> list[Expression]:
    return [d.body for d in contract.where.values()] + list(contract.requires) + list(contract.ensures) + list(
        contract.writes.values()) + ([contract.returns] if contract.returns is not None else [])
