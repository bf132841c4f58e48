"""Whether a formula only repeats the examples, one by one: then it says nothing that they do not say."""

from __future__ import annotations

from intent_tool.language.contract import Contract
from intent_tool.language.fold import constant, constant_definitions
from intent_tool.language.oracle import Argument, Oracle
from intent_tool.language.samples import example_inputs
from intent_tool.language.tree import (
    Bytes,
    Call,
    CallDefinition,
    Compare,
    Conditional,
    Expression,
    List,
    Logical,
    Name,
    Tuple,
)
from intent_tool.language.vocabulary import CASTS

Point = dict[str, Argument]
"""Values of parameters by name."""


def restates_examples(contract: Contract) -> bool:
    """Whether `returns` is ``constant if x == constant else …`` with the arguments of the examples, and no more.

    A predicate may single out its few inputs (``1 if c == 10 or c == 13 else 0``), unless it goes through every
    example; so may a rule with one exception."""
    assert contract.signature is not None
    if contract.returns is None:
        return False
    values = constant_definitions(contract.where)
    points: list[Point] = []
    results: set[int | None] = set()
    node = _bare(contract.returns, contract)
    while isinstance(node, Conditional):
        found, then = _points(node.test, contract, values), _bare(node.then, contract)
        result = constant(then, values)
        if found is None or (result is None and not isinstance(then, Name)):
            return False
        points += found
        results.add(result)
        node = _bare(node.otherwise, contract)
    rest = constant(node, values)
    if not points or (rest is None and not isinstance(node, Name)):
        return False
    names = [p.name for p in contract.signature.parameters]
    needed = {p.name for p in contract.signature.parameters if p.buffer is None} or set(names)
    inputs = [dict(zip(names, given, strict=True)) for given in example_inputs(contract, Oracle(contract))]
    if not all(needed <= point.keys() and any(_agree(point, given) for given in inputs) for point in points):
        return False
    covers_all = all(any(_agree(point, given) for point in points) for given in inputs)
    is_predicate = rest in {0, 1} and results <= {0, 1}
    if rest is None or is_predicate:
        return len(points) > 1 and (covers_all or not is_predicate)
    return len(points) > 1 or covers_all


def _agree(point: Point, given: Point) -> bool:
    return all(given[name] == value for name, value in point.items())


def _points(node: Expression, contract: Contract, values: dict[str, int]) -> list[Point] | None:
    """The inputs that a test singles out; None for a test of another kind."""
    node = _bare(node, contract)
    if isinstance(node, Logical):
        parts = [_points(operand, contract, values) for operand in node.operands]
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        if node.op == "or":
            return [point for part in known for point in part]
        merged: Point = {}
        for part in known:
            if len(part) != 1:
                return None
            merged |= part[0]
        return [merged]
    if not isinstance(node, Compare) or len(node.rest) != 1 or node.rest[0][0] != "==":
        return None
    left, right = _bare(node.first, contract), _bare(node.rest[0][1], contract)
    if isinstance(right, Name) or (isinstance(right, Tuple) and any(isinstance(n, Name) for n in right.items)):
        left, right = right, left
    pairs = (zip(left.items, right.items, strict=False) if isinstance(left, Tuple) and isinstance(right, Tuple)
             else [(left, right)])
    point: Point = {}
    for name, literal in pairs:
        value = _literal(literal, values)
        if not isinstance(name, Name) or value is None:
            return None
        point[name.name] = value
    return [point]


def _literal(node: Expression, values: dict[str, int]) -> Argument | None:
    if isinstance(node, Bytes):
        return tuple(node.value)
    if isinstance(node, List):
        items = [constant(item, values) for item in node.items]
        return tuple(i for i in items if i is not None) if None not in items else None
    return constant(node, values)


def _bare(node: Expression, contract: Contract) -> Expression:
    """Without casts around it, and what a plain name of `where` stands for."""
    while True:
        if isinstance(node, CallDefinition) and node.arguments is None:
            node = contract.where[node.name].body
        elif isinstance(node, Call) and node.function in CASTS:
            node = node.arguments[0]
        else:
            return node
