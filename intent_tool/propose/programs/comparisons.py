"""Comparisons of sequences as comparisons of their elements: parts have sequences of any length, and compare
integers only."""

from __future__ import annotations

from dataclasses import replace

from intent_tool.language import tree
from intent_tool.language.diagnostics import error
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.resolve import fresh, rebuilt

MOST_WRITTEN_OUT = 64
"""Constant elements that are compared one by one."""


def elementwise(node: Expression) -> Expression:
    """`node` without comparisons of sequences. Raises IntentError for those that are not of equality."""
    match node:
        case tree.Formatted():
            return replace(node, parts=tuple(
                p if isinstance(p, bytes) else replace(p, value=elementwise(p.value)) for p in node.parts))
        case tree.Comprehension():
            clauses = tuple(replace(c, sequence=elementwise(c.sequence), conditions=tuple(
                map(elementwise, c.conditions))) for c in node.clauses)
            return replace(node, clauses=clauses, element=elementwise(node.element))
        case tree.Lambda():
            return replace(node, body=elementwise(node.body))
        case tree.Compare():
            return _compared(rebuilt(node, elementwise))  # type: ignore[arg-type]
    return rebuilt(node, elementwise)


def _compared(node: tree.Compare) -> Expression:
    operands = [node.first, *(other for _, other in node.rest)]
    if not any(_is_sequence(o) for o in operands) or (
            len(node.rest) == 1 and node.rest[0][0] in ("in", "not in") and not _is_sequence(node.first)):
        return node
    links = [_link(node, left, op, right) for left, (op, right) in zip(operands, node.rest, strict=False)]
    return links[0] if len(links) == 1 else tree.Logical(node.span, "and", tuple(links))


def _link(node: tree.Compare, left: Expression, op: str, right: Expression) -> Expression:
    if op in ("in", "not in"):
        found = _contains(node, left, right)
    elif op in ("==", "!="):
        found = _equal(node, left, right)
    elif _is_sequence(left) or _is_sequence(right):
        raise error("E714", f"cannot generate yet: `{op}` of sequences", node.span)
    else:
        return tree.Compare(node.span, left, ((op, right),))
    return found if op in ("in", "==") else tree.Unary(node.span, "not", found)


def _is_sequence(node: Expression) -> bool:
    return kinds.kind(node) == kinds.SEQUENCE


def _contains(node: tree.Compare, left: Expression, right: Expression) -> Expression:
    if not _is_sequence(left):
        return tree.Compare(node.span, left, (("in", right),))
    if isinstance(right, tree.List | tree.Tuple):
        found = tuple(_equal(node, left, item) for item in right.items)
        return found[0] if len(found) == 1 else tree.Logical(node.span, "or", found)
    # One sequence inside of another.
    place = tree.Name(node.span, fresh("i"))
    size = tree.Call(node.span, "len", (left,))
    part = tree.Slice(node.span, right, place, kinds.binary("+", place, size))
    last = kinds.binary("+", kinds.binary("-", tree.Call(node.span, "len", (right,)), size), kinds.number(node, 1))
    places = tree.Call(node.span, "range", (last,))
    clause = tree.Clause(node.span, tree.Pattern(node.span, place.name, ()), places, ())
    return tree.Call(node.span, "any", (tree.Comprehension(node.span, _equal(node, part, left), (clause,)),))


def _equal(node: tree.Compare, left: Expression, right: Expression) -> Expression:
    if isinstance(left, tree.Bytes | tree.List):
        left, right = right, left
    if not (_is_sequence(left) and _is_sequence(right)):
        return kinds.compare(left, "==", right)
    size = tree.Call(node.span, "len", (left,))
    if isinstance(right, tree.Bytes | tree.List):
        items = list(right.items) if isinstance(right, tree.List) else [kinds.number(right, b) for b in right.value]
        if len(items) <= MOST_WRITTEN_OUT:
            same = kinds.compare(size, "==", kinds.number(node, len(items)))
            each = [kinds.compare(tree.Index(node.span, left, kinds.number(node, k)), "==", item)
                    for k, item in enumerate(items)]
            return tree.Logical(node.span, "and", (same, *each)) if each else same
    x, y = (tree.Name(node.span, fresh(name)) for name in "xy")
    pair = tree.Pattern(node.span, None, tuple(tree.Pattern(node.span, n.name, ()) for n in (x, y)))
    both = tree.Clause(node.span, pair, tree.Call(node.span, "zip", (left, right)), ())
    return tree.Logical(node.span, "and", (
        kinds.compare(size, "==", tree.Call(node.span, "len", (right,))),
        tree.Call(node.span, "all", (tree.Comprehension(node.span, kinds.compare(x, "==", y), (both,)),))))
