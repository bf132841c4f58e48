"""Walks over the expression tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intent_tool.language.contract import Contract, Definition
from intent_tool.language.diagnostics import Span
from intent_tool.language.tree import (
    Call,
    CallDefinition,
    CallIntent,
    Clause,
    Compare,
    Comprehension,
    Expression,
    FunctionReference,
    Lambda,
    Name,
    Node,
    Pattern,
)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order in which they are written in the class."""
    for slot in type(node).__slots__:
        yield from _nodes(getattr(node, slot))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def descendants(node: Node) -> Iterator[Node]:
    """`node` and everything below it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(children(current))


def pattern_names(pattern: Pattern) -> tuple[str, ...]:
    """The variables that a pattern binds."""
    if pattern.name is not None:
        return (pattern.name,)
    return tuple(name for item in pattern.items for name in pattern_names(item))


def definition_reads(where: Mapping[str, Definition]) -> dict[str, frozenset[str]]:
    """The contract's parameters that each definition depends on, also through the definitions that it uses."""
    reads: dict[str, frozenset[str]] = {}
    for name, definition in where.items():
        reads[name] = free_names(definition.body, reads, frozenset(definition.parameters or ()))
    return reads


def free_names(node: Node, reads: Mapping[str, frozenset[str]],
               bound: frozenset[str] = frozenset()) -> frozenset[str]:
    """The parameters (and `result`, `stdin`, `args`) that the value depends on; `reads` has those of definitions."""
    if isinstance(node, Name):
        return frozenset() if node.name in bound else frozenset({node.name})
    found: frozenset[str] = frozenset()
    if isinstance(node, Lambda):
        return free_names(node.body, reads, bound | frozenset(node.parameters))
    if isinstance(node, Comprehension):
        inner = bound
        for clause in node.clauses:
            found |= free_names(clause.sequence, reads, inner)
            inner |= frozenset(pattern_names(clause.target))
            for condition in clause.conditions:
                found |= free_names(condition, reads, inner)
        return found | free_names(node.element, reads, inner)
    if isinstance(node, CallDefinition) or (isinstance(node, FunctionReference) and node.kind == "definition"):
        found = reads[node.name]
    for child in children(node):
        found |= free_names(child, reads, bound)
    return found


@dataclass(frozen=True, slots=True)
class Size:
    """Of a tree with its definitions put in place: the longest path, and the number of nodes."""

    depth: int
    nodes: int


def unfolded_size(node: Node, called: Mapping[str, Size]) -> Size:
    """`called` has the sizes of definitions and used functions by name."""
    depth = nodes = 0
    for child in children(node):
        below = unfolded_size(child, called)
        depth, nodes = max(depth, below.depth), nodes + below.nodes
    if isinstance(node, (CallDefinition, CallIntent, FunctionReference)) and node.name in called:
        depth, nodes = depth + called[node.name].depth, nodes + called[node.name].nodes
    return Size(depth + 1, nodes + 1)


FOLDS = frozenset({"reduce", "sum", "any", "all", "min", "max", "next", "len"})


def fold_sites(contract: Contract) -> tuple[Span, ...]:
    """Where the contract may have folds: calls of FOLDS, clauses of comprehensions, and comparisons with ``in``.

    A fold's number is the first place of its span here: by expression (`where`, `requires`, `returns`, `writes`, then
    the same of each used intent), and by line and column inside of one."""
    expressions: list[Expression] = [d.body for d in contract.where.values()]
    expressions += contract.requires
    expressions += [contract.returns] if contract.returns is not None else []
    expressions += contract.writes.values()
    sites: list[Span] = []
    for expression in expressions:
        found = [node.span for node in _preorder(expression) if _may_fold(node)]
        sites += sorted(found, key=lambda span: (span.line, span.column))
    for used in contract.uses.values():
        sites += fold_sites(used)
    return tuple(sites)


def _preorder(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed([*children(current)]))


def _may_fold(node: Node) -> bool:
    if isinstance(node, Compare):
        return any(op in ("in", "not in") for op, _ in node.rest)
    return isinstance(node, Clause) or (isinstance(node, Call) and node.function in FOLDS)
