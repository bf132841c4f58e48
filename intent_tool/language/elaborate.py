"""From the expression tree to terms: names resolved, definitions inlined, folds unrolled or made loops.

On the way every partial operation (a divisor, an index, a shift count, a value that must fit a type) is checked
against the intervals known at its place; what they cannot decide is recorded as open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

from intent_tool.language import tree
from intent_tool.language.contract import Contract, Parameter, ScalarType
from intent_tool.language.diagnostics import Span
from intent_tool.language.facts import Facts
from intent_tool.language.terms import Loop, Term, Terms

UNROLL_TERMS = {"speed": 128, "size": 48}
"""A fold over a known number of elements becomes straight-line terms up to this many, and a loop beyond."""
MOST_TERMS = 60_000
MOST_STEPS = 400_000
PRECISE_STEPS = 20_000
"""After so many steps a definition without parameters is elaborated once and for all, not once per guard."""
WIDEST = 1 << 512

CASTS = {"u8": (8, False), "u16": (16, False), "u32": (32, False), "u64": (64, False),
         "i8": (8, True), "i16": (16, True), "i32": (32, True), "i64": (64, True)}


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


@dataclass(frozen=True, slots=True)
class Each:
    """A written buffer whose element number `index` is `value`, for each index below `count`."""

    index: Term
    value: Term
    count: Term
    span: Span


@dataclass(frozen=True, slots=True)
class Elaborated:
    """The graph of a function's contract."""

    terms: Terms
    requires: tuple[Term, ...]
    result: Term | None
    writes: Mapping[str, tuple[Term, ...] | Each]
    open: tuple[Obligation, ...]
    infeasible: bool
    """The intervals alone show that `requires` cannot hold."""


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
Step = Callable[[Value, tuple[Term, ...], Facts], tuple[Term, ...]]


def elaborate(contract: Contract, unroll: int | None = None) -> Elaborated:
    """The graph of a function's contract; raises CannotElaborate. `unroll` overrides UNROLL_TERMS."""
    return _Elaborator(contract, UNROLL_TERMS[contract.optimize] if unroll is None else unroll).run()


@dataclass
class _Elaborator:
    contract: Contract
    unroll: int
    terms: Terms = field(default_factory=Terms)
    open: list[Obligation] = field(default_factory=list)
    steps: int = 0
    root: Facts = field(default_factory=Facts)
    memo: dict[tuple[object, ...], Value] = field(default_factory=dict)
    keep: list[object] = field(default_factory=list)
    """Objects whose identity is part of a memo key, kept alive."""
    scope: Env = field(default_factory=dict)
    """What definitions see: the parameters."""

    # The whole contract

    def run(self) -> Elaborated:
        contract, terms = self.contract, self.terms
        assert contract.signature is not None
        env, facts = self.parameters({})
        requires, facts = self.learn_requires(env, facts)
        infeasible = any(r.op == "const" and r.data == 0 for r in requires)
        # What `requires` says of a parameter alone holds everywhere: it becomes the parameter's own interval.
        known = list(self.open)
        env, narrowed = self.parameters({name: facts.refine(terms, value) for name, value in env.items()
                                         if isinstance(value, Term)})
        _, facts = self.learn_requires(env, narrowed)
        self.open[:] = known
        result = None
        if contract.returns is not None:
            type = contract.signature.result
            assert type is not None
            result = self.fits(self.integer(contract.returns, env, facts), type, contract.returns.span, "the result")
        writes = {name: self.written(contract.signature.parameter(name), node, env, facts)
                  for name, node in contract.writes.items()}
        return Elaborated(terms, tuple(requires), result, writes, tuple(self.open), infeasible)

    def parameters(self, narrowed: Mapping[str, Term]) -> tuple[dict[str, Value], Facts]:
        """The parameters as values, scalars with the intervals of `narrowed`, and what is known of their lengths."""
        assert self.contract.signature is not None
        terms, facts = self.terms, Facts()
        env: dict[str, Value] = {}
        for p in self.contract.signature.parameters:
            if p.buffer is None:
                lo, hi = (narrowed[p.name].lo, narrowed[p.name].hi) if p.name in narrowed else (
                    p.type.minimum, p.type.maximum)
                env[p.name] = terms.const(lo) if lo == hi else terms.param(p.name, lo, hi)
        scalars = dict(env)
        for p in self.contract.signature.parameters:
            if p.buffer is not None:
                length = self.integer(p.buffer.length, scalars, facts)
                # language.md, "Types": a buffer takes less than 2**48 bytes.
                facts = facts.learn(terms.binary("lt", length, terms.const(-(-(1 << 48) // p.type.bytes))))
                env[p.name] = self.buffer(p, length)
        return env, facts

    def learn_requires(self, env: Env, facts: Facts) -> tuple[tuple[Term, ...], Facts]:
        self.scope, self.root = env, facts
        conditions: list[Term] = []
        for predicate in self.contract.requires:
            condition = self.terms.truth(self.integer(predicate, env, self.root))
            conditions.append(condition)
            self.root = self.root.learn(condition)
        return tuple(conditions), self.root

    def buffer(self, p: Parameter, length: Term) -> Mapped:
        return Mapped(length, lambda i, facts: facts.refine(
            self.terms, self.terms.load(p.name, i, p.type.minimum, p.type.maximum)))

    def fits(self, term: Term, type: ScalarType, span: Span, what: str) -> Term:
        if term.lo < type.minimum or term.hi > type.maximum:
            self.obligation("fits", span, f"{what} fits {type.name}")
        return term

    def written(self, p: Parameter, node: tree.Expression, env: Env, facts: Facts) -> tuple[Term, ...] | Each:
        assert p.buffer is not None
        sequence = self.sequence(self.eval(node, env, facts), node.span)
        target = env[p.name]
        assert isinstance(target, Mapped)
        what = f"every element of {p.name}"
        length = target.length
        if isinstance(sequence, Filtered):
            sequence = self.listed(sequence, facts, node.span)
        count = self.length(sequence)
        if not (count.is_const and count is length) and not self.same(count, length, facts):
            self.obligation("fits", node.span, f"the content of {p.name} has as many elements as the buffer")
        if length.op == "const" and count is length:
            before = self.terms.count
            elements: list[Term] = []
            for k in range(length.data):
                value = self.at(sequence, self.terms.const(k), facts, node.span)
                elements.append(self.fits(self.number(value, node.span), p.type, node.span, what))
                if k and isinstance(sequence, Mapped) and (self.terms.count - before) // k * length.data > 4 * self.unroll:
                    break
            else:
                return tuple(elements)
        index = self.terms.var(0, max(length.hi - 1, 0))
        inside = facts.learn(self.terms.binary("lt", index, length))
        value = self.number(self.at(sequence, index, inside, node.span), node.span)
        return Each(index, self.fits(value, p.type, node.span, what), length, node.span)

    def same(self, a: Term, b: Term, facts: Facts) -> bool:
        return a.bare is b.bare or (facts.less_equal(a, b) and facts.less_equal(b, a))

    def obligation(self, kind: str, span: Span, message: str) -> None:
        self.open.append(Obligation(kind, span, message))

    # Expressions

    def integer(self, node: tree.Expression, env: Env, facts: Facts) -> Term:
        return self.number(self.eval(node, env, facts), node.span)

    def number(self, value: Value, span: Span) -> Term:
        if not isinstance(value, Term):
            raise CannotElaborate(span, "a sequence, tuple or function where an integer is needed")
        return value

    def eval(self, node: tree.Expression, env: Env, facts: Facts) -> Value:
        self.steps += 1
        if self.steps > MOST_STEPS or self.terms.count > MOST_TERMS:
            raise CannotElaborate(node.span, "a contract of this size, once its definitions and folds are expanded",
                                  "use a fold over a range or a buffer, which becomes a loop")
        value = self.eval_node(node, env, facts)
        return facts.refine(self.terms, value) if isinstance(value, Term) else value

    def eval_node(self, node: tree.Expression, env: Env, facts: Facts) -> Value:
        terms = self.terms
        match node:
            case tree.Integer():
                return terms.const(node.value)
            case tree.Bytes():
                return Items(tuple(terms.const(b) for b in node.value))
            case tree.Name():
                if node.name not in env:
                    raise CannotElaborate(node.span, f"`{node.name}` here")
                return env[node.name]
            case tree.Unary():
                return self.unary(node, env, facts)
            case tree.Binary():
                return self.binary(node, env, facts)
            case tree.Compare():
                return self.compare(node, env, facts)
            case tree.Logical():
                return self.logical(node, env, facts)
            case tree.Conditional():
                condition = terms.truth(self.integer(node.test, env, facts))
                if condition.op == "const":
                    return self.eval(node.then if condition.data else node.otherwise, env, facts)
                return self.choose(condition, self.eval(node.then, env, facts.learn(condition)),
                                   self.eval(node.otherwise, env, facts.learn(condition, False)), node.span)
            case tree.Tuple():
                return Group(tuple(self.eval(item, env, facts) for item in node.items))
            case tree.List():
                return Items(tuple(self.eval(item, env, facts) for item in node.items))
            case tree.Index():
                return self.index(node, env, facts)
            case tree.Slice():
                return self.slice(node, env, facts)
            case tree.Call():
                return self.call(node, env, facts)
            case tree.CallDefinition():
                arguments = None if node.arguments is None else [self.eval(a, env, facts) for a in node.arguments]
                return self.definition(node.name, arguments, facts)
            case tree.CallIntent():
                return self.used(node, [self.eval(a, env, facts) for a in node.arguments], facts)
            case tree.Lambda():
                return Function(lambda arguments, there: self.eval(
                    node.body, {**env, **dict(zip(node.parameters, arguments, strict=True))}, there))
            case tree.FunctionReference():
                return self.reference(node)
            case tree.Comprehension():
                return self.comprehension(node, env, facts)
            case _:
                raise CannotElaborate(node.span, "formatted text")

    def unary(self, node: tree.Unary, env: Env, facts: Facts) -> Term:
        value = self.integer(node.operand, env, facts)
        if node.op == "-":
            return self.terms.binary("sub", self.terms.const(0), value)
        if node.op == "~":
            return self.terms.inv(value)
        if node.op == "not":
            return self.terms.negate(self.terms.truth(value))
        return value

    def binary(self, node: tree.Binary, env: Env, facts: Facts) -> Value:
        left, right = self.eval(node.left, env, facts), self.eval(node.right, env, facts)
        if not isinstance(left, Term) or not isinstance(right, Term):
            return self.sequence_operator(node, left, right, facts)
        return self.arithmetic(node.op, left, right, node.right.span, facts)

    def arithmetic(self, op: str, left: Term, right: Term, span: Span, facts: Facts) -> Term:
        terms = self.terms
        if op in ("//", "%"):
            if right.lo <= 0 <= right.hi:
                self.obligation("divisor", span, "the divisor is not zero")
                right = terms.assume(right, *((1, right.hi) if right.lo == 0 else (right.lo, -1) if right.hi == 0
                                              else (right.lo, right.hi)))
                if right.op == "const" and right.data == 0:
                    return terms.const(0)
            return terms.binary("floordiv" if op == "//" else "mod", left, right)
        if op in ("<<", ">>"):
            if right.lo < 0:
                self.obligation("shift", span, "the shift count is not negative")
                right = terms.assume(right, 0, max(right.hi, 0))
            return terms.binary("shl" if op == "<<" else "shr", left, right)
        if op == "**":
            return self.power(left, right, span)
        return terms.binary({"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}[op], left, right)

    def power(self, base: Term, exponent: Term, span: Span) -> Term:
        if exponent.lo < 0:
            self.obligation("shift", span, "the exponent is not negative")
        if exponent.op != "const":
            if base.op == "const" and base.data > 0 and base.data & (base.data - 1) == 0:
                step = self.terms.const(base.data.bit_length() - 1)
                return self.terms.binary("shl", self.terms.const(1), self.terms.binary("mul", exponent, step))
            raise CannotElaborate(span, "an exponent that is not a constant")
        result, square, rest = self.terms.const(1), base, exponent.data
        if rest > 4096:
            raise CannotElaborate(span, "an exponent above 4096")
        while rest > 0:
            if rest & 1:
                result = self.terms.binary("mul", result, square)
            square, rest = self.terms.binary("mul", square, square), rest >> 1
        return result

    def sequence_operator(self, node: tree.Binary, left: Value, right: Value, facts: Facts) -> Value:
        if node.op == "+":
            parts = [self.listed(self.sequence(v, node.span), facts, node.span) for v in (left, right)]
            return Items(parts[0].items + parts[1].items)
        if node.op == "*":
            if isinstance(left, Term):
                left, right = right, left
            if isinstance(right, Term) and right.op == "const" and not isinstance(left, Term):
                part = self.listed(self.sequence(left, node.span), facts, node.span).items
                if len(part) * max(right.data, 0) <= 1 << 16:
                    return Items(part * max(right.data, 0))
        raise CannotElaborate(node.span, f"`{node.op}` of these sequences")

    def compare(self, node: tree.Compare, env: Env, facts: Facts) -> Term:
        left = self.eval(node.first, env, facts)
        # Python evaluates a chain from the left and stops at the first link that fails.
        result: Term = self.terms.const(1)
        conditions: list[Term] = []
        here = facts
        for op, right_node in node.rest:
            right = self.eval(right_node, env, here)
            condition = self.link(op, left, right, node.span, here)
            conditions.append(condition)
            here = here.learn(condition)
            left = right
        for condition in reversed(conditions):
            result = self.terms.ite(condition, result, self.terms.const(0))
        return result

    def link(self, op: str, left: Value, right: Value, span: Span, facts: Facts) -> Term:
        terms = self.terms
        if op in ("in", "not in"):
            found = self.contains(left, self.sequence(right, span), facts, span)
            return found if op == "in" else terms.negate(found)
        if isinstance(left, Term) and isinstance(right, Term):
            if op in (">", ">="):
                left, right, op = right, left, {">": "<", ">=": "<="}[op]
            return terms.binary({"<": "lt", "<=": "le", "==": "eq", "!=": "ne"}[op], left, right)
        if op in ("==", "!="):
            equal = self.equal(left, right, span, facts)
            return equal if op == "==" else terms.negate(equal)
        if isinstance(left, Group) and isinstance(right, Group):
            if op in (">", ">="):
                left, right, op = right, left, {">": "<", ">=": "<="}[op]
            return self.lexicographic(left.items, right.items, op == "<=", span)
        raise CannotElaborate(span, f"`{op}` of sequences")

    def equal(self, left: Value, right: Value, span: Span, facts: Facts) -> Term:
        if isinstance(left, Term) and isinstance(right, Term):
            return self.terms.binary("eq", left, right)
        if isinstance(left, Term) or isinstance(right, Term):
            raise CannotElaborate(span, "a comparison of a sequence with a number")
        a, b = (v.items if isinstance(v, Group) else self.listed(self.sequence(v, span), facts, span).items
                for v in (left, right))
        result = self.terms.const(1 if len(a) == len(b) else 0)
        for x, y in zip(a, b, strict=False):
            result = self.terms.ite(self.equal(x, y, span, facts), result, self.terms.const(0))
        return result

    def lexicographic(self, a: Sequence[Value], b: Sequence[Value], or_equal: bool, span: Span) -> Term:
        if not a or not b:
            return self.terms.const(1 if len(a) < len(b) or (or_equal and len(a) == len(b)) else 0)
        x, y = self.number(a[0], span), self.number(b[0], span)
        return self.terms.ite(self.terms.binary("lt", x, y), self.terms.const(1), self.terms.ite(
            self.terms.binary("eq", x, y), self.lexicographic(a[1:], b[1:], or_equal, span), self.terms.const(0)))

    def contains(self, item: Value, sequence: Items | Mapped | Filtered, facts: Facts, span: Span) -> Term:
        def step(element: Value, states: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            return (self.terms.ite(states[0], self.terms.const(1), self.equal(item, element, span, here)),)
        return self.fold(sequence, (self.terms.const(0),), step, facts, span)[0]

    def logical(self, node: tree.Logical, env: Env, facts: Facts) -> Term:
        value = self.integer(node.operands[0], env, facts)
        if len(node.operands) == 1:
            return value
        condition = self.terms.truth(value)
        rest = tree.Logical(node.span, node.op, node.operands[1:])
        if condition.op == "const":
            return self.logical(rest, env, facts) if bool(condition.data) == (node.op == "and") else value
        other = self.logical(rest, env, facts.learn(condition, node.op == "and"))
        if node.op == "and":
            return self.terms.ite(condition, other, self.terms.const(0))
        return self.terms.ite(condition, value, other)

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

    def bind(self, pattern: tree.Pattern, value: Value, env: Env) -> Env:
        if pattern.name is not None:
            return {**env, pattern.name: value}
        if not isinstance(value, Group | Items) or len(value.items) != len(pattern.items):
            raise CannotElaborate(pattern.span, "unpacking of a value that is not a tuple of this length")
        for part, item in zip(pattern.items, value.items, strict=True):
            env = self.bind(part, item, env)
        return env

    def comprehension(self, node: tree.Comprehension, env: Env, facts: Facts) -> Value:
        clause = node.clauses[0]
        if len(node.clauses) > 1 or clause.conditions:
            return Filtered(node, env)
        source = self.sequence(self.eval(clause.sequence, env, facts), clause.span)
        if isinstance(source, Filtered):
            source = self.listed(source, facts, clause.span)
        inner = source
        return Mapped(self.length(inner), lambda i, there: self.eval(
            node.element, self.bind(clause.target, self.at(inner, i, there, clause.span), env), there))

    def index(self, node: tree.Index, env: Env, facts: Facts) -> Value:
        value, i = self.eval(node.sequence, env, facts), self.integer(node.index, env, facts)
        sequence = self.sequence(value, node.span)
        if isinstance(sequence, Filtered):
            sequence = self.listed(sequence, facts, node.span)
        n, terms = self.length(sequence), self.terms
        if isinstance(value, Group) and i.op != "const":
            raise CannotElaborate(node.index.span, "an index of a tuple that is not a constant")
        if i.lo < 0:
            if not facts.less_equal(terms.binary("sub", terms.const(0), n), i):
                self.obligation("index", node.index.span, "the index is inside the sequence")
            from_end = facts.refine(terms, terms.binary("add", i, n))
            if i.hi < 0:
                i = from_end
            else:
                i = terms.ite(terms.binary("lt", i, terms.const(0)), from_end, terms.assume(i, 0, i.hi))
        elif not facts.less(i, n):
            self.obligation("index", node.index.span, "the index is inside the sequence")
        if n.hi == 0:
            return terms.const(0)
        i = terms.assume(i, 0, n.hi - 1)
        if i.op == "const" and not 0 <= i.data < n.hi:
            return terms.const(0)
        return self.at(sequence, i, facts, node.span)

    def slice(self, node: tree.Slice, env: Env, facts: Facts) -> Value:
        sequence = self.sequence(self.eval(node.sequence, env, facts), node.span)
        if isinstance(sequence, Filtered):
            sequence = self.listed(sequence, facts, node.span)
        n, terms = self.length(sequence), self.terms

        def bound(part: tree.Expression | None, default: Term) -> Term:
            if part is None:
                return default
            value = self.integer(part, env, facts)
            if value.lo < 0:
                moved = terms.binary("max", terms.binary("add", value, n), terms.const(0))
                value = terms.ite(terms.binary("lt", value, terms.const(0)), moved, terms.assume(value, 0, value.hi))
            return value if facts.less_equal(value, n) else terms.binary("min", value, n)
        start, stop = bound(node.start, terms.const(0)), bound(node.stop, n)
        if isinstance(sequence, Items) and start.op == "const" and stop.op == "const":
            return Items(sequence.items[start.data:stop.data])
        length = facts.refine(terms, terms.binary("sub", stop, start))
        if length.lo < 0:
            length = terms.binary("max", length, terms.const(0))
        return Mapped(length, lambda i, there: self.at(sequence, terms.binary("add", i, start), there, node.span))

    # Folds

    def fold(self, sequence: Items | Mapped | Filtered, states: tuple[Term, ...], step: Step, facts: Facts,
             span: Span) -> tuple[Term, ...]:
        """Fold from the left. Unrolled where that stays small, else a `loop`."""
        if isinstance(sequence, Filtered):
            return self.fold_clauses(sequence, sequence.node.clauses, sequence.env, states, step, facts)
        count = self.length(sequence)
        if count.hi <= 0:
            return states
        loopable = isinstance(sequence, Mapped) or all(isinstance(v, Term) and v.op == "const" for v in sequence.items)
        if count.op != "const":
            return self.loop(sequence, states, step, facts, span)
        start, before = states, self.terms.count
        mark = len(self.open)
        for k in range(count.data):
            states = step(self.at(sequence, self.terms.const(k), facts, span), states, facts)
            if loopable and k >= 1 and (self.terms.count - before) // (k + 1) * count.data > self.unroll:
                saved = self.open[mark:]
                del self.open[mark:]
                try:
                    return self.loop(sequence, start, step, facts, span)
                except CannotElaborate:
                    # The intervals grew without end, or a part needs a constant index: stay with the unrolled form.
                    del self.open[mark:]
                    self.open += saved
                    loopable = False
        return states

    def fold_clauses(self, sequence: Filtered, clauses: tuple[tree.Clause, ...], env: Env, states: tuple[Term, ...],
                     step: Step, facts: Facts) -> tuple[Term, ...]:
        if not clauses:
            return step(self.eval(sequence.node.element, env, facts), states, facts)
        clause = clauses[0]
        source = self.sequence(self.eval(clause.sequence, env, facts), clause.span)

        def inner(element: Value, current: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            bound = self.bind(clause.target, element, env)
            kept: Term = self.terms.const(1)
            for condition in clause.conditions:
                test = self.terms.truth(self.integer(condition, bound, here))
                kept = self.terms.ite(kept, test, self.terms.const(0))
                here = here.learn(test)
            if kept.op == "const" and kept.data == 0:
                return current
            following = self.fold_clauses(sequence, clauses[1:], bound, current, step, here)
            return tuple(self.terms.ite(kept, a, b) for a, b in zip(following, current, strict=True))
        return self.fold(source, states, inner, facts, clause.span)

    def loop(self, sequence: Items | Mapped, initial: tuple[Term, ...], step: Step, facts: Facts,
             span: Span) -> tuple[Term, ...]:
        """A `loop` term; intervals of the states by widening until one more round stays inside them."""
        terms, count = self.terms, self.length(sequence)
        bounds = [(s.lo, s.hi) for s in initial]
        mark = len(self.open)
        for attempt in range(14):
            del self.open[mark:]
            index = terms.var(0, max(count.hi - 1, 0))
            states = tuple(terms.var(lo, hi) for lo, hi in bounds)
            inside = facts.learn(terms.binary("lt", index, count))
            following = step(self.at(sequence, index, inside, span), states, inside)
            reached = [_reach(start, state, after, count.hi)
                       for start, state, after in zip(initial, states, following, strict=True)]
            if all(b[0] <= r[0] and r[1] <= b[1] for b, r in zip(bounds, reached, strict=True)):
                body = Loop(index, states, following, span)
                return tuple(facts.refine(terms, t) for t in terms.loop(count, initial, body, bounds))
            bounds = [_widen((min(b[0], r[0]), max(b[1], r[1])), attempt)
                      for b, r in zip(bounds, reached, strict=True)]
            if any(hi > WIDEST or lo < -WIDEST for lo, hi in bounds):
                break
        raise CannotElaborate(span, "a fold whose values grow without a bound that the intervals can find",
                              "wrap the state into a type, such as u32(...), or bound it with min()")

    # Calls

    def definition(self, name: str, arguments: Sequence[Value] | None, facts: Facts) -> Value:
        if self.steps > PRECISE_STEPS and arguments is None:
            facts = self.root
        key = ("definition", name, id(facts), None if arguments is None else tuple(map(id, arguments)))
        if key not in self.memo:
            self.keep += [facts, arguments]
            definition = self.contract.where[name]
            bound = dict(zip(definition.parameters or (), arguments or (), strict=True))
            self.memo[key] = self.eval(definition.body, {**self.scope, **bound}, facts)
        value = self.memo[key]
        return facts.refine(self.terms, value) if isinstance(value, Term) else value

    def used(self, node: tree.CallIntent, arguments: Sequence[Value], facts: Facts) -> Value:
        """A call of a used intent's function: its formula, with its `requires` as obligations of the caller."""
        callee = self.contract.uses.get(node.name)
        if callee is None or callee.signature is None:
            raise CannotElaborate(node.span, f"a call of `{node.name}` here")
        if callee.returns is None:
            raise CannotElaborate(node.span, f"a call of `{node.name}`, whose contract has no formula")
        inner = _Elaborator(callee, self.unroll, self.terms, self.open, self.steps)
        env: dict[str, Value] = {}
        for p, argument, written in zip(callee.signature.parameters, arguments, node.arguments, strict=True):
            if p.buffer is None:
                value = self.number(argument, written.span)
                self.fits(value, p.type, written.span, f"the argument `{p.name}` of {node.name}")
                env[p.name] = self.terms.assume(value, p.type.minimum, p.type.maximum)
            else:
                env[p.name] = self.sequence(argument, written.span)
        inner.scope, inner.root = env, facts
        for predicate in callee.requires:
            condition = self.terms.truth(inner.integer(predicate, env, facts))
            if condition.op != "const" or condition.data == 0:
                self.obligation("requires", node.span, f"what {node.name} requires of its arguments holds")
        result = inner.eval(callee.returns, env, facts)
        self.steps = inner.steps
        return result

    def reference(self, node: tree.FunctionReference) -> Function:
        def call(arguments: Sequence[Value], facts: Facts) -> Value:
            if node.kind == "definition":
                return self.definition(node.name, arguments, facts)
            names = tuple(f" {k}" for k in range(len(arguments)))
            nodes = tuple(tree.Name(node.span, name) for name in names)
            env = dict(zip(names, arguments, strict=True))
            kind = tree.CallIntent if node.kind == "intent" else tree.Call
            return self.eval(kind(node.span, node.name, nodes), env, facts)
        return Function(call)

    def call(self, node: tree.Call, env: Env, facts: Facts) -> Value:
        arguments = [self.eval(a, env, facts) for a in node.arguments]
        return getattr(self, "call_" + node.function, self.call_bits)(node, arguments, facts)  # type: ignore[no-any-return]

    def call_bits(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        """Casts and the bit vocabulary."""
        terms, name = self.terms, node.function
        numbers = [self.number(v, n.span) for v, n in zip(arguments, node.arguments, strict=True)]
        x = numbers[0]
        if name in CASTS:
            return terms.wrap(x, *CASTS[name])
        if name == "bits":
            high, low = numbers[1:]
            if low.lo < 0 or not facts.less_equal(low, high):
                self.obligation("domain", node.span, "bits(x, high, low) needs high >= low >= 0")
                low = terms.assume(low, 0, low.hi)
            if high.op != "const" or low.op != "const":
                size = terms.binary("add", terms.binary("sub", high, low), terms.const(1))
                size = terms.assume(size, 0, size.hi)
                mask = terms.binary("add", terms.binary("shl", terms.const(1), size), terms.const(-1))
            else:
                mask = terms.const((1 << max(high.data - low.data + 1, 0)) - 1)
            return terms.binary("and", terms.binary("shr", x, low), mask)
        if name not in ("popcount", "parity", "clz", "ctz", "bitrev", "bswap", "rotl", "rotr"):
            raise CannotElaborate(node.span, f"`{name}(...)`")
        width = 0
        if name not in ("popcount", "parity"):
            if numbers[-1].op != "const":
                raise CannotElaborate(node.span, f"a width of `{name}` that is not a constant")
            width = numbers[-1].data * (8 if name == "bswap" else 1)
        if x.lo < 0 or (width and x.hi >= 1 << width):
            fits = f"fits {width} bits" if width else "is not negative"
            self.obligation("domain", node.arguments[0].span, f"the argument of {name} {fits}")
            x = terms.assume(x, 0, (1 << width) - 1 if width else x.hi)
            if x.lo < 0 or (width and x.hi >= 1 << width):
                # The interval lies wholly outside: the place cannot be reached with a right input.
                return terms.const(0)
        if not width and x.hi >= 1 << 64:
            raise CannotElaborate(node.span, f"`{name}` of a number above 64 bits")
        return terms.bits(name, width, x, *numbers[1:-1]) if width else terms.bits(name, 0, x)

    def call_abs(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.terms.abs(self.number(arguments[0], node.span))

    def call_min(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        op = node.function
        if len(arguments) > 1:
            result = self.number(arguments[0], node.span)
            for value in arguments[1:]:
                result = self.terms.binary(op, result, self.number(value, node.span))
            return result
        sequence = self.sequence(arguments[0], node.span)
        if isinstance(sequence, Filtered):
            # The first element that passes starts the fold; until then there is none.
            found, best = self.fold(sequence, (self.terms.const(0), self.terms.const(0)), lambda v, s, f: (
                self.terms.const(1), self.terms.ite(s[0], self.terms.binary(op, s[1], self.number(v, node.span)),
                                                    self.number(v, node.span))), facts, node.span)
            if found.op != "const":
                self.obligation("domain", node.span, f"{op}() has at least one element")
            return best
        count = self.length(sequence)
        if count.lo < 1 and not facts.less(self.terms.const(0), count):
            self.obligation("domain", node.span, f"{op}() has at least one element")
            if count.hi < 1:
                return self.terms.const(0)
        first = self.number(self.at(sequence, self.terms.const(0), facts, node.span), node.span)
        rest = Items(sequence.items[1:]) if isinstance(sequence, Items) else Mapped(
            self.terms.binary("max", self.terms.binary("add", count, self.terms.const(-1)), self.terms.const(0)),
            lambda i, there: self.at(sequence, self.terms.binary("add", i, self.terms.const(1)), there, node.span))
        return self.fold(rest, (first,), lambda v, s, f: (
            self.terms.binary(op, s[0], self.number(v, node.span)),), facts, node.span)[0]

    call_max = call_min

    def call_sum(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        start = self.number(arguments[1], node.span) if len(arguments) > 1 else self.terms.const(0)
        return self.fold(self.sequence(arguments[0], node.span), (start,), lambda v, s, f: (
            self.terms.binary("add", s[0], self.number(v, node.span)),), facts, node.span)[0]

    def call_any(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.fold(self.sequence(arguments[0], node.span), (self.terms.const(0),), lambda v, s, f: (
            self.terms.ite(s[0], self.terms.const(1), self.terms.truth(self.number(v, node.span))),),
            facts, node.span)[0]

    def call_all(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.fold(self.sequence(arguments[0], node.span), (self.terms.const(1),), lambda v, s, f: (
            self.terms.ite(s[0], self.terms.truth(self.number(v, node.span)), self.terms.const(0)),),
            facts, node.span)[0]

    def call_len(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        sequence = self.sequence(arguments[0], node.span)
        if isinstance(sequence, Filtered):
            return self.fold(sequence, (self.terms.const(0),), lambda v, s, f: (
                self.terms.binary("add", s[0], self.terms.const(1)),), facts, node.span)[0]
        return self.length(sequence)

    def call_range(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        terms = self.terms
        numbers = [self.number(v, node.span) for v in arguments]
        start, stop = (terms.const(0), numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
        step = numbers[2] if len(numbers) > 2 else terms.const(1)
        if step.op != "const":
            raise CannotElaborate(node.span, "a step of `range` that is not a constant")
        if step.data == 0:
            self.obligation("domain", node.span, "the step of range() is not zero")
            return Items(())
        distance = terms.binary("sub", stop, start) if step.data > 0 else terms.binary("sub", start, stop)
        distance = facts.refine(terms, distance)
        rounds = terms.binary("floordiv", terms.binary("add", distance, terms.const(abs(step.data) - 1)),
                              terms.const(abs(step.data)))
        length = rounds if rounds.lo >= 0 else terms.binary("max", rounds, terms.const(0))

        def at(i: Term, there: Facts) -> Term:
            value = terms.binary("add", start, terms.binary("mul", i, step))
            # Every element lies between the two ends.
            lo, hi = (start.lo, stop.hi - 1) if step.data > 0 else (stop.lo + 1, start.hi)
            return there.refine(terms, terms.assume(value, lo, hi))
        return Mapped(length, at)

    def call_enumerate(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        sequence = self.indexable(arguments[0], node.span, facts)
        start = self.number(arguments[1], node.span) if len(arguments) > 1 else self.terms.const(0)
        return Mapped(self.length(sequence), lambda i, there: Group(
            (self.terms.binary("add", i, start), self.at(sequence, i, there, node.span))))

    def call_zip(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        parts = [self.indexable(v, node.span, facts) for v in arguments]
        length = self.length(parts[0])
        for part in parts[1:]:
            other = self.length(part)
            length = length if self.same(length, other, facts) else self.terms.binary("min", length, other)
        return Mapped(length, lambda i, there: Group(tuple(self.at(p, i, there, node.span) for p in parts)))

    def call_reversed(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        sequence = self.indexable(arguments[0], node.span, facts)
        last = self.terms.binary("add", self.length(sequence), self.terms.const(-1))
        return Mapped(self.length(sequence), lambda i, there: self.at(
            sequence, there.refine(self.terms, self.terms.assume(
                self.terms.binary("sub", last, i), 0, max(last.hi, 0))), there, node.span))

    def call_sorted(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        items = [self.number(v, node.span) for v in
                 self.listed(self.sequence(arguments[0], node.span), facts, node.span).items]
        for low, high in _sorting_network(len(items)):
            a, b = items[low], items[high]
            items[low], items[high] = self.terms.binary("min", a, b), self.terms.binary("max", a, b)
        return Items(tuple(items))

    def call_divmod(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        a, b = (self.number(v, node.span) for v in arguments)
        span = node.arguments[1].span
        quotient = self.arithmetic("//", a, b, span, facts)
        mark = len(self.open)
        remainder = self.arithmetic("%", a, b, span, facts)
        del self.open[mark:]
        return Group((quotient, remainder))

    def call_pow(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        numbers = [self.number(v, node.span) for v in arguments]
        if len(numbers) == 2:
            return self.power(numbers[0], numbers[1], node.span)
        base, exponent, modulus = numbers
        if exponent.lo < 0:
            self.obligation("shift", node.arguments[1].span, "the exponent of pow(a, b, m) is not negative")
            exponent = self.terms.assume(exponent, 0, max(exponent.hi, 0))
        span, terms = node.arguments[2].span, self.terms
        base = self.arithmetic("%", base, modulus, span, facts)
        result = self.arithmetic("%", terms.const(1), modulus, span, facts)
        modulus = terms.assume(modulus, 1, modulus.hi) if modulus.lo == 0 else modulus
        bits = max(exponent.hi, 0).bit_length()
        if bits > 64:
            raise CannotElaborate(node.span, "an exponent above 64 bits")

        def step(k: Value, states: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            bit = terms.binary("and", terms.binary("shr", exponent, self.number(k, span)), terms.const(1))
            square = terms.binary("mod", terms.binary("mul", states[0], states[0]), modulus)
            times = terms.binary("mod", terms.binary("mul", square, base), modulus)
            return (terms.ite(bit, times, square),)
        down = Mapped(terms.const(bits), lambda i, there: terms.binary("sub", terms.const(bits - 1), i))
        return self.fold(down, (result,), step, facts, node.span)[0]

    def call_reduce(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        function, sequence = arguments[0], self.sequence(arguments[1], node.span)
        if not isinstance(function, Function):
            raise CannotElaborate(node.span, "`reduce` with something that is not a function")
        if len(arguments) > 2:
            initial = arguments[2]
        else:
            items = self.indexable(sequence, node.span, facts)
            count = self.length(items)
            if count.lo < 1 and not facts.less(self.terms.const(0), count):
                self.obligation("domain", node.span, "reduce() without a start has at least one element")
                if count.hi < 1:
                    return self.terms.const(0)
            initial = self.at(items, self.terms.const(0), facts, node.span)
            shorter = self.terms.binary("max", self.terms.binary("add", count, self.terms.const(-1)),
                                        self.terms.const(0))
            sequence = Mapped(shorter, lambda i, there: self.at(
                items, self.terms.binary("add", i, self.terms.const(1)), there, node.span))
        states = tuple(_flatten(initial, node.span))

        def step(element: Value, current: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            value, rest = _unflatten(initial, current)
            assert not rest
            following = tuple(_flatten(function.call((value, element), here), node.span))
            if len(following) != len(current):
                raise CannotElaborate(node.span, "`reduce` with a state that changes its shape")
            return following
        return _unflatten(initial, self.fold(sequence, states, step, facts, node.span))[0]

    def call_next(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        default = arguments[1]
        states = (self.terms.const(0), *_flatten(default, node.span))

        def step(element: Value, current: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            values = _flatten(element, node.span)
            return (self.terms.const(1), *(self.terms.ite(current[0], old, new)
                                           for old, new in zip(current[1:], values, strict=True)))
        final = self.fold(self.sequence(arguments[0], node.span), states, step, facts, node.span)
        return _unflatten(default, final[1:])[0]

    def call_bytes(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.sequence(arguments[0], node.span)

    def indexable(self, value: Value, span: Span, facts: Facts) -> Items | Mapped:
        sequence = self.sequence(value, span)
        return self.listed(sequence, facts, span) if isinstance(sequence, Filtered) else sequence


def _flatten(value: Value, span: Span) -> list[Term]:
    if isinstance(value, Term):
        return [value]
    if isinstance(value, Group | Items):
        return [t for item in value.items for t in _flatten(item, span)]
    raise CannotElaborate(span, "a state that is not made of integers")


def _unflatten(shape: Value, terms: tuple[Term, ...]) -> tuple[Value, tuple[Term, ...]]:
    """`terms` arranged like `shape`, and what is left of them."""
    if not isinstance(shape, Group | Items):
        return terms[0], terms[1:]
    items: list[Value] = []
    for item in shape.items:
        value, terms = _unflatten(item, terms)
        items.append(value)
    return type(shape)(tuple(items)), terms


def _sorting_network(n: int) -> list[tuple[int, int]]:
    """Compare-exchanges of Batcher's odd-even merge sort (Knuth, TAOCP 3, 5.2.2, algorithm M)."""
    pairs: list[tuple[int, int]] = []
    top = 1 << max(n - 1, 0).bit_length() >> 1
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while d > 0:
            pairs += [(i, i + d) for i in range(n - d) if i & p == r]
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return pairs


def _reach(start: Term, state: Term, after: Term, rounds: int) -> tuple[int, int]:
    """What a state can be, given the interval of `state` that `after` was computed with.

    Where a round adds an amount (a running sum, a counter) the sum over all rounds bounds it."""
    step = _increment(after, state)
    if step is not None:
        return start.lo + rounds * min(0, step[0]), start.hi + rounds * max(0, step[1])
    return min(start.lo, after.lo), max(start.hi, after.hi)


def _increment(after: Term, state: Term) -> tuple[int, int] | None:
    """The interval of `after` - `state`, where `after` is `state` with amounts added to it."""
    known: dict[int, tuple[int, int] | None] = {}
    for t in _upward(after):
        found: tuple[int, int] | None = None
        inner = [known[a.id] for a in t.args]
        if t is state:
            found = 0, 0
        elif t.op == "assume":
            found = inner[0]
        elif t.op == "add":
            for this, other in ((inner[0], t.args[1]), (inner[1], t.args[0])):
                if this is not None:
                    found = this[0] + other.lo, this[1] + other.hi
        elif t.op == "sub" and inner[0] is not None:
            found = inner[0][0] - t.args[1].hi, inner[0][1] - t.args[1].lo
        elif t.op == "ite" and inner[1] is not None and inner[2] is not None:
            found = min(inner[1][0], inner[2][0]), max(inner[1][1], inner[2][1])
        known[t.id] = found
    return known[after.id]


def _upward(root: Term) -> Iterator[Term]:
    """Every term below `root`, each once, operands first."""
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        term, done = stack.pop()
        if done:
            yield term
        elif term.id not in seen:
            seen.add(term.id)
            stack.append((term, True))
            stack.extend((a, False) for a in term.args)


def _widen(bounds: tuple[int, int], attempt: int) -> tuple[int, int]:
    lo, hi = bounds
    if attempt >= 2:
        sizes = (1, 7, 8, 15, 16, 31, 32, 63, 64, 96, 128, 192, 256, 513)
        hi = hi if hi <= 0 else next(((1 << s) - 1 for s in sizes if hi < 1 << s), 1 << 600)
        lo = lo if lo >= 0 else next((-(1 << s) for s in sizes if lo >= -(1 << s)), -(1 << 600))
        # A lower bound that keeps sinking below a start above zero settles at zero first.
        lo = 0 if lo > 0 else lo
    return lo, hi
