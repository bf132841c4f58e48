"""From the expression tree to terms: names resolved, definitions inlined, folds unrolled or made loops.

On the way every partial operation (a divisor, an index, a shift count, a value that must fit a type) is checked
against the intervals known at its place; what they cannot decide is recorded as open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from intent_tool.language import tree
from intent_tool.language.contract import Contract, Parameter, ScalarType
from intent_tool.language.deep import with_deep_stack
from intent_tool.language.diagnostics import Span
from intent_tool.language.elaborate_calls import Calls
from intent_tool.language.elaborate_values import (
    CannotElaborate,
    Env,
    Filtered,
    Function,
    Group,
    Items,
    Mapped,
    Obligation,
    Value,
)
from intent_tool.language.facts import Facts
from intent_tool.language.terms import Term, Terms

__all__ = ["CannotElaborate", "Each", "Elaborated", "Obligation", "elaborate"]

UNROLL_TERMS = {"speed": 128, "size": 48}
"""A fold over a known number of elements becomes straight-line terms up to this many, and a loop beyond."""
MOST_TERMS = 60_000
MOST_STEPS = 400_000
PRECISE_STEPS = 20_000
"""After so many steps a definition without parameters is elaborated once and for all, not once per guard."""


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
    lengths: Mapping[str, Term] = field(default_factory=dict)
    """The element count of each buffer."""


def elaborate(contract: Contract, unroll: int | None = None) -> Elaborated:
    """The graph of a function's contract; raises CannotElaborate. `unroll` overrides UNROLL_TERMS."""
    size = UNROLL_TERMS[contract.optimize] if unroll is None else unroll
    return with_deep_stack(_Elaborator(contract, size).run)


@dataclass
class _Elaborator(Calls):
    root: Facts = field(default_factory=Facts)
    memo: dict[tuple[object, ...], Value] = field(default_factory=dict)
    keep: list[object] = field(default_factory=list)
    """Objects whose identity is part of a memo key, kept alive."""
    scope: Env = field(default_factory=dict)
    """What definitions see: the parameters."""

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
        return Elaborated(terms, tuple(requires), result, writes, tuple(self.open), infeasible,
                          {name: value.length for name, value in env.items() if isinstance(value, Mapped)})

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
                growth = (self.terms.count - before) // (k + 1) * length.data
                if k and isinstance(sequence, Mapped) and growth > 4 * self.unroll:
                    break
            else:
                return tuple(elements)
        index = self.terms.var(0, max(length.hi - 1, 0))
        inside = facts.learn(self.terms.binary("lt", index, length))
        value = self.number(self.at(sequence, index, inside, node.span), node.span)
        return Each(index, self.fits(value, p.type, node.span, what), length, node.span)

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
