"""What a fold's loop has to carry from round to round, and when it may end before its last one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from intent_tool.language.diagnostics import Span
from intent_tool.language.terms import Loop, Term, Terms, walk
from intent_tool.propose.substitute import Substitution, absorbing

Site = tuple[Span, int, int]
"""Where the contract has the fold, which of its states is meant, and the id of the fold's index."""


@dataclass(frozen=True)
class Exit:
    """The loop is left as soon as `test`, a condition, is `value`; `results` are all states' values then."""

    test: Term
    value: int
    results: tuple[Term, ...]


@dataclass(frozen=True)
class Plan:
    index: Term
    states: tuple[Term, ...]
    initial: tuple[Term, ...]
    sites: tuple[Site, ...]
    next: tuple[Term, ...]
    """Of each state, in a round that does not leave the loop."""
    constant: int | None = None
    """The number of the state that decides whether to leave: it is the opposite of `exit.value` as long as not."""
    exit: Exit | None = None

    def carried(self) -> list[int]:
        """The numbers of states that change from round to round."""
        return [k for k, (state, after) in enumerate(zip(self.states, self.next, strict=True))
                if k != self.constant and after.bare is not state]

    def record(self, terms: Terms) -> Term | None:
        """The condition without which a round changes nothing, where that is a record: it compares a state with what
        the state then becomes. Among elements in no particular order it holds the more rarely the more there were."""
        condition: Term | None = None
        is_record = False
        for k in self.carried():
            state, after = self.states[k], self.next[k].bare
            if after.op != "ite":
                return None
            test, then, otherwise = after.args
            if then.bare is state:
                test, then, otherwise = terms.negate(test), otherwise, then
            if otherwise.bare is not state or condition not in (None, test.bare):
                return None
            condition = test.bare
            is_record |= condition.op in ("lt", "le") and {a.bare for a in condition.args} == {state, then.bare}
        return condition if is_record else None


def plan_fold(terms: Terms, loop: Loop, initial: tuple[Term, ...], free: Callable[[Term], frozenset[int]],
              may_leave: bool) -> Plan:
    sites = tuple((loop.span, k, loop.index.id) for k in range(len(loop.states)))
    plan = with_running_folds(terms, Plan(loop.index, loop.states, initial, sites, loop.next), free)
    for number, value in absorbing(terms, Loop(plan.index, plan.states, plan.next, loop.span)) if may_leave else ():
        so_far = Substitution(terms, {plan.states[number].id: terms.const(1 - value)})
        following = [so_far(n) for n in plan.next]
        test = following[number]
        if test.op == "const" or test.lo < 0 or test.hi > 1:
            continue
        opposite = terms.negate(test.bare)
        leaving = Substitution(terms, {opposite.id: terms.const(1 - value), test.bare.id: terms.const(value)})
        staying = Substitution(terms, {opposite.id: terms.const(value), test.bare.id: terms.const(1 - value)})
        return Plan(plan.index, plan.states, plan.initial, plan.sites, tuple(staying(n) for n in following), number,
                    Exit(test, value, tuple(leaving(n) for n in following)))
    return plan


def with_running_folds(terms: Terms, plan: Plan, free: Callable[[Term], frozenset[int]]) -> Plan:
    """A fold over the elements up to the one of this round goes on from round to round: its states become the loop's.

    So sums of all prefixes take one addition each."""
    bound = {plan.index.id, *(s.id for s in plan.states)}
    more = terms.binary("add", plan.index, terms.const(1))
    replacements: dict[int, Term] = {}
    states, initial, sites, after = list(plan.states), list(plan.initial), list(plan.sites), list(plan.next)
    known: dict[tuple[object, ...], tuple[Term, ...]] = {}
    for t in walk(plan.next):
        if t.op != "state":
            continue
        whole = t.args[0]
        body: Loop = whole.data
        count, *starts = whole.args
        inside = frozenset().union(*(free(n) for n in body.next)) - {body.index.id} - {s.id for s in body.states}
        outside = frozenset().union(*(free(s) for s in starts))
        if count.bare not in (plan.index, more) or (inside | outside) & bound:
            continue
        key = (id(body), count.bare.id, *(s.bare.id for s in starts))
        if key not in known:
            own = tuple(s if s not in states else terms.var(s.lo, s.hi) for s in body.states)
            step = Substitution(terms, {body.index.id: plan.index,
                                        **{s.id: o for s, o in zip(body.states, own, strict=True)}})
            following = tuple(step(n) for n in body.next)
            states += own
            initial += starts
            sites += [(body.span, k, body.index.id) for k in range(len(own))]
            after += following
            known[key] = following if count.bare is more else own
        replacements[t.bare.id] = known[key][t.data]
    if not replacements:
        return plan
    replace = Substitution(terms, replacements)
    return Plan(plan.index, tuple(states), tuple(initial), tuple(sites), tuple(map(replace, after)))
