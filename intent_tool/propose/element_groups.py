"""Written elements that are made by turns: an even one in this way, an odd one in that.

Where a buffer has K times n elements and the remainder and quotient of an element's number by K say what it is made
of, one round writes K elements, each with a term of its own in which neither is left."""

from __future__ import annotations

from dataclasses import dataclass

from intent_tool.language.elaborate import Each
from intent_tool.language.terms import Term, Terms, walk
from intent_tool.propose.linear import linear
from intent_tool.propose.substitute import Substitution

MOST = 8
PARTS = ("shr", "and", "floordiv", "mod")


@dataclass(frozen=True)
class Group:
    """Elements ``size * index + j`` have `values[j]`, for each index below `count`."""

    size: int
    index: Term
    count: Term
    values: tuple[Term, ...]


def grouped(terms: Terms, each: Each) -> Group | None:
    count = each.count.bare
    if count.op != "mul" or count.args[1].op != "const" or not 2 <= count.args[1].data <= MOST \
            or not _takes_apart(each.value, each.index):
        return None
    many, size = count.args[0], count.args[1].data
    index = terms.var(0, max(each.index.hi // size, 0))
    first = terms.binary("mul", index, terms.const(size))
    values = tuple(_Turn(terms, each.index, index, terms.binary("add", first, terms.const(j)))(each.value)
                   for j in range(size))
    if any(_takes_apart(value, index) for value in values):
        return None
    return Group(size, index, many, values)


def _takes_apart(value: Term, index: Term) -> bool:
    return any(t.op in PARTS and index in linear(t.args[0]) for t in walk([value]))


class _Turn(Substitution):
    """Puts `number` in the place of `index`, and what is a multiple of `base` and a constant out of it."""

    def __init__(self, terms: Terms, index: Term, base: Term, number: Term) -> None:
        super().__init__(terms, {index.id: number})
        self.base = base

    def replaced(self, term: Term) -> Term:
        found = super().replaced(term)
        if found.op not in PARTS or found.args[1].op != "const":
            return found
        total, by = linear(found.args[0]), found.args[1].data
        if not total.keys() <= {None, self.base}:
            return found
        factor, constant = total.get(self.base, 0), total.get(None, 0)
        if found.op == "shr":
            by = 1 << by
        elif found.op == "and":
            by += 1
        if by <= 0 or (by & by - 1 and found.op == "and") or factor % by:
            return found
        if found.op in ("and", "mod"):
            return self.terms.const(constant % by)
        quotient = self.terms.binary("mul", self.base, self.terms.const(factor // by))
        return self.terms.binary("add", quotient, self.terms.const(constant // by))
