"""Terms with parts of them replaced, and built anew so that they become as simple as they can."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.language.terms import Loop, Term, Terms


class Substitution:
    """Replaces terms by their bare ids. Recursive: run it where the stack is deep."""

    def __init__(self, terms: Terms, replacements: Mapping[int, Term]) -> None:
        self.terms, self.replacements = terms, replacements
        self.done: dict[int, Term] = {}
        self.bodies: dict[int, Loop] = {}

    def __call__(self, term: Term) -> Term:
        known = self.done.get(term.id)
        if known is None:
            known = self.done[term.id] = self.replaced(term)
        return known

    def replaced(self, term: Term) -> Term:
        found = self.replacements.get(term.bare.id)
        if found is not None:
            return found
        if not term.args:
            return term
        args = tuple(self(a) for a in term.args)
        data = self.body(term.data) if isinstance(term.data, Loop) else term.data
        if data is term.data and all(a is b for a, b in zip(args, term.args, strict=True)):
            return term
        if term.op == "state":
            whole = args[0]
            initial = whole.args[1:]
            kept = absorbing(self.terms, whole.data)
            if any(initial[k].op == "const" and initial[k].data == value for k, value in kept):
                # It is where it stays, whatever comes.
                number: int = term.data
                return initial[number]
        return self.terms.remake(term, args, data)

    def body(self, loop: Loop) -> Loop:
        if id(loop) not in self.bodies:
            following = tuple(self(n) for n in loop.next)
            same = all(a is b for a, b in zip(following, loop.next, strict=True))
            self.bodies[id(loop)] = loop if same else Loop(loop.index, loop.states, following, loop.span)
        return self.bodies[id(loop)]


def absorbing(terms: Terms, loop: Loop) -> list[tuple[int, int]]:
    """The states that are conditions, each with a value that it never leaves once it has it, nor does any other state
    change from then on: whoever sees it has seen the end of the fold."""
    found = []
    for k, state in enumerate(loop.states):
        if (state.lo, state.hi) != (0, 1):
            continue
        for value in (1, 0):
            replace = Substitution(terms, {state.id: terms.const(value)})
            if all(replace(n).bare is (terms.const(value) if j == k else loop.states[j])
                   for j, n in enumerate(loop.next)):
                found.append((k, value))
    return found
