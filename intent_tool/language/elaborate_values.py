"""Values during elaboration: terms, and what has no term of its own — sequences, tuples, functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

from intent_tool.language import tree
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span
from intent_tool.language.facts import Facts
from intent_tool.language.terms import Term, Terms


class CannotElaborate(Exception):
    """A construct that has no finite graph of terms (yet); `span` says where, `construct` what."""

    def __init__(self, span: Span, construct: str, help: str | None = None) -> None:
        super().__init__(construct)
        self.span, self.construct, self.help = span, construct, help


@dataclass(frozen=True, slots=True)
class Obligation:
    """A condition that the intervals could not decide. `kind`: fits, divisor, index, shift, domain, requires."""

    kind: str
    span: Span
    message: str


@dataclass(frozen=True)
class Items:
    """A sequence of known length."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class Mapped:
    """A sequence given by a function of the position; `length` may be unknown."""

    length: Term
    at: Callable[[Term, Facts], Value]


@dataclass(frozen=True)
class Filtered:
    """A comprehension with conditions or several `for`: can be folded, not indexed."""

    node: tree.Comprehension
    env: Mapping[str, Value]


@dataclass(frozen=True)
class Group:
    """A tuple."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class Function:
    """A function value: arguments and the facts at the call give the result."""

    call: Callable[[Sequence[Value], Facts], Value]


Value = Union[Term, Items, Mapped, Filtered, Group, Function]
Env = Mapping[str, Value]


@dataclass
class Values:
    """The state of one elaboration, and what every part of it does with values."""

    contract: Contract
    unroll: int
    terms: Terms = field(default_factory=Terms)
    open: list[Obligation] = field(default_factory=list)
    steps: int = 0

    def eval(self, node: tree.Expression, env: Env, facts: Facts) -> Value:
        raise NotImplementedError

    def obligation(self, kind: str, span: Span, message: str) -> None:
        self.open.append(Obligation(kind, span, message))

    def integer(self, node: tree.Expression, env: Env, facts: Facts) -> Term:
        return self.number(self.eval(node, env, facts), node.span)

    def number(self, value: Value, span: Span) -> Term:
        if not isinstance(value, Term):
            raise CannotElaborate(span, "a sequence, tuple or function where an integer is needed")
        return value

    def same(self, a: Term, b: Term, facts: Facts) -> bool:
        return a.bare is b.bare or (facts.less_equal(a, b) and facts.less_equal(b, a))

    def choose(self, condition: Term, then: Value, otherwise: Value, span: Span) -> Value:
        if isinstance(then, Term) and isinstance(otherwise, Term):
            return self.terms.ite(condition, then, otherwise)
        if condition.op == "const":
            return then if condition.data else otherwise
        if isinstance(then, Group) and isinstance(otherwise, Group) and len(then.items) == len(otherwise.items):
            return Group(tuple(self.choose(condition, a, b, span)
                               for a, b in zip(then.items, otherwise.items, strict=True)))
        if isinstance(then, Items) and isinstance(otherwise, Items) and len(then.items) == len(otherwise.items):
            return Items(tuple(self.choose(condition, a, b, span)
                               for a, b in zip(then.items, otherwise.items, strict=True)))
        if isinstance(then, Items | Mapped) and isinstance(otherwise, Items | Mapped):
            a, b = then, otherwise
            length = self.terms.ite(condition, self.length(a), self.length(b))
            return Mapped(length, lambda i, facts: self.choose(
                condition, self.at(a, i, facts.learn(condition), span),
                self.at(b, i, facts.learn(condition, False), span), span))
        raise CannotElaborate(span, "a choice between values of different shapes")

    # Sequences

    def sequence(self, value: Value, span: Span) -> Items | Mapped | Filtered:
        if isinstance(value, Group):
            return Items(value.items)
        if isinstance(value, Items | Mapped | Filtered):
            return value
        raise CannotElaborate(span, "a number or function where a sequence is needed")

    def length(self, sequence: Items | Mapped) -> Term:
        return self.terms.const(len(sequence.items)) if isinstance(sequence, Items) else sequence.length

    def at(self, sequence: Items | Mapped, i: Term, facts: Facts, span: Span) -> Value:
        """Element `i`, which is known to be inside."""
        if isinstance(sequence, Mapped):
            return sequence.at(i, facts)
        items = sequence.items
        if i.op == "const":
            return items[i.data] if i.data < len(items) else self.terms.const(0)
        numbers = [item for item in items if isinstance(item, Term) and item.op == "const"]
        if len(numbers) == len(items):
            return self.terms.table(tuple(n.data for n in numbers), i)
        if len(items) > 64:
            raise CannotElaborate(span, "an index that is not a constant into a list of more than 64 expressions")
        last = min(len(items) - 1, i.hi)
        value = items[last]
        for k in range(last - 1, max(i.lo, 0) - 1, -1):
            value = self.choose(self.terms.binary("eq", i, self.terms.const(k)), items[k], value, span)
        return value

    def listed(self, sequence: Items | Mapped | Filtered, facts: Facts, span: Span) -> Items:
        """A sequence of known length, element by element."""
        if isinstance(sequence, Items):
            return sequence
        if isinstance(sequence, Mapped):
            if sequence.length.op != "const":
                raise CannotElaborate(span, "a sequence whose length is known only at run time, in this place")
            if sequence.length.data > 1 << 14:
                raise CannotElaborate(span, "a sequence of more than 16384 elements, in this place")
            return Items(tuple(sequence.at(self.terms.const(k), facts) for k in range(sequence.length.data)))
        found: list[Value] = []

        def expand(clauses: tuple[tree.Clause, ...], env: Env) -> None:
            if not clauses:
                assert isinstance(sequence, Filtered)
                found.append(self.eval(sequence.node.element, env, facts))
                return
            inner = self.sequence(self.eval(clauses[0].sequence, env, facts), clauses[0].span)
            for element in self.listed(inner, facts, clauses[0].span).items:
                bound = self.bind(clauses[0].target, element, env)
                kept = True
                for condition in clauses[0].conditions:
                    test = self.terms.truth(self.integer(condition, bound, facts))
                    if test.op != "const":
                        raise CannotElaborate(condition.span, "a list whose length depends on the inputs")
                    kept = kept and bool(test.data)
                if kept:
                    expand(clauses[1:], bound)
        expand(sequence.node.clauses, sequence.env)
        return Items(tuple(found))

    def indexable(self, value: Value, span: Span, facts: Facts) -> Items | Mapped:
        sequence = self.sequence(value, span)
        return self.listed(sequence, facts, span) if isinstance(sequence, Filtered) else sequence

    def bind(self, pattern: tree.Pattern, value: Value, env: Env) -> Env:
        if pattern.name is not None:
            return {**env, pattern.name: value}
        if not isinstance(value, Group | Items) or len(value.items) != len(pattern.items):
            raise CannotElaborate(pattern.span, "unpacking of a value that is not a tuple of this length")
        for part, item in zip(pattern.items, value.items, strict=True):
            env = self.bind(part, item, env)
        return env


def flatten(value: Value, span: Span) -> list[Term]:
    if isinstance(value, Term):
        return [value]
    if isinstance(value, Group | Items):
        return [t for item in value.items for t in flatten(item, span)]
    raise CannotElaborate(span, "a state that is not made of integers")


def unflatten(shape: Value, terms: tuple[Term, ...]) -> tuple[Value, tuple[Term, ...]]:
    """`terms` arranged like `shape`, and what is left of them."""
    if not isinstance(shape, Group | Items):
        return terms[0], terms[1:]
    items: list[Value] = []
    for item in shape.items:
        value, terms = unflatten(item, terms)
        items.append(value)
    return type(shape)(tuple(items)), terms
