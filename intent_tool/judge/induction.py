"""The proof for buffers of every length: each loop by induction on its rounds.

A proposer's note says how far the contract's folds are whenever control is at a loop's head, and which of their
states are held where. It is checked, not believed: that it holds where the loop is entered, and that one round, begun
in any state of which it holds, ends in one of which it holds again, with more of the contract done and no more than
there is. Everything else about the code is asked of that one round as it is of straight code: accesses inside of
their buffers, the ABI, the result. What changes by the same amount in each round, or not at all, is found here.

Formulas here know less than what is the case (an element's value at two places is two variables), so a question
that is refuted proves nothing against the code: then the lengths up to a bound are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from intent_tool.judge.assume import literals, replaced
from intent_tool.judge.bitvector import Graph, Term, topological
from intent_tool.judge.budget import Budget
from intent_tool.judge.execute import Outcome, State, Undecided
from intent_tool.judge.gathered import settled
from intent_tool.judge.layout import Placed
from intent_tool.judge.loop_cut import LoopCut, Loops, element_bits
from intent_tool.judge.loop_guess import Notes, guess_notes
from intent_tool.judge.loop_notes import BadNote, read_note
from intent_tool.judge.meaning import Meaning
from intent_tool.judge.meaning_unbounded import Fold
from intent_tool.judge.meaning_values import NotUnderstood
from intent_tool.judge.memory import INDEX_BITS, TooMany, Wild
from intent_tool.judge.memory_unbounded import LongRegion, Untold, settles
from intent_tool.judge.portfolio import PROVED, REFUTED, Question, decide
from intent_tool.judge.prove import Claim, Gone, Proof, Prover, merged_claims
from intent_tool.judge.renamed import distinct
from intent_tool.judge.semantics import Semantics
from intent_tool.judge.symbolic_call import SymbolicCall, symbolic_call
from intent_tool.judge.symbolic_inputs import SymbolicInputs
from intent_tool.judge.symbolic_lengths import LongMeaning, long_meaning
from intent_tool.language.contract import Contract
from intent_tool.machine.target import Target

MOST_ROUNDS = 70
"""Of loops of which nothing is said: what is gone round a fixed number of times."""
FEW_SAMPLES = 3
"""What a sample refutes is no more than open here."""
MOST_WAYS = 12
"""Paths to the end that are told apart."""


def prove_every_length(contract: Contract, target: Target, placed: Placed, budget: Budget) -> Proof:
    """``proved``, or ``unknown`` with the reason. Goes by the notes that come with the code; where there are none, by
    guesses."""
    notes = placed.image.notes or guess_notes(contract, target, placed, budget)
    prover = Induction(contract, target, placed, budget)
    try:
        return prover.every_length(notes)
    except (Undecided, Untold, Wild) as problem:
        return Proof("unknown", (str(problem) or "an address that is not followed",))
    except TooMany:
        return Proof("unknown", ("an access through an index may fall on too many places",))
    except BadNote as problem:
        return Proof("unknown", (f"a loop's note is not understood: {problem}",))
    except RecursionError:
        return Proof("unknown", ("a loop's note, or the contract, is nested too deeply",))
    except NotUnderstood as problem:
        return Proof("unknown", (f"the contract holds {problem.construct}",))
    except Gone as gone:
        return Proof("unknown", gone.proof.problems)


@dataclass
class Induction(Prover):
    def every_length(self, notes: Notes) -> Proof:
        graph = Graph()
        semantics = Semantics(self.target, graph)
        wanted = long_meaning(self.contract, graph)
        if self.contract.ensures:
            raise Undecided("`ensures` over buffers of any length")
        given = SymbolicInputs(wanted.inputs, wanted.short, {  # type: ignore[arg-type]
            p.name: wanted.lengths[p.name].hi for memory in wanted.short for p in memory.parameters})
        call = symbolic_call(self.contract, self.target, graph, semantics, self.placed, given, wanted.memories)
        requires = wanted.requires
        for region in call.layout.regions:
            if isinstance(region, LongRegion):
                # A buffer does not wrap around the address space.
                requires = graph.and_(requires, graph.ule(region.base, graph.not_(region.extent)))
        loops = Loops(self.contract, self.target, graph, wanted, call)
        cuts = {offset: LoopCut(loops, offset, read_note(text)) for offset, text in notes}
        outcome = self.execute(graph, semantics, call, requires, cuts, most_rounds=MOST_ROUNDS)
        if outcome.state is None:
            raise Undecided("it does not return")
        claims = [*self.demand_claims(requires, outcome)]
        # A run that returns does so on one of the paths, with as many rounds as the loops then have gone.
        path = self.all_of(graph, (requires, *outcome.state.path))
        claims += self.abi_claims(graph, call, (path,), outcome, outcome.state)
        short = {name: content for name, content in wanted.writes.items() if isinstance(content, tuple)}
        long = list(self.long_claims(graph, call, wanted, outcome.state))
        for way in self.ways(graph, outcome.state.path):
            returning = self.all_of(graph, (requires, *way))
            meaning = Meaning(returning, wanted.result, short, ())
            found = [*self.result_claims(graph, call, meaning, outcome.state),
                     *self.memory_claims(graph, call, meaning, outcome.state),
                     *(replace(c, question=Question((returning, *c.question.assumptions), c.question.goal))
                       for c in long if graph.and_(returning, *c.question.assumptions) is not graph.false)]
            finals, known = self.finals(graph, wanted, returning) if found else ({}, ())
            known = (*known, *(f for f in replaced(graph, wanted.grown(), finals) if f is not graph.true))
            for claim in found:
                goal = replaced(graph, [claim.question.goal], finals)[0]
                taken = {t: graph.true if holds else graph.false
                         for t, holds in literals(claim.question.assumptions) if t.op != "const"}
                goal = settled(graph, replaced(graph, [goal], taken)[0])
                claims.append(replace(claim, question=Question((*claim.question.assumptions, *known), goal)))
        self.check_stack(outcome)
        self.check_long_secrets(outcome, wanted)
        return self.told(graph, wanted, requires, claims, outcome)

    def all_of(self, graph: Graph, conditions: Sequence[Term]) -> Term:
        total = graph.true
        for condition in conditions:
            total = graph.and_(total, condition)
        return total

    def ways(self, graph: Graph, path: tuple[Term, ...]) -> Iterator[tuple[Term, ...]]:
        """The paths that were merged on the way to the end, as far as they are few."""
        for k, condition in enumerate(path):
            if condition.op == "or" and len(path) < MOST_WAYS:
                for arm in condition.args:
                    yield from self.ways(graph, (*path[:k], arm, *path[k + 1:], graph.true))
                return
        yield path

    def finals(self, graph: Graph, wanted: LongMeaning, returning: Term) -> tuple[dict[Term, Term], tuple[Term, ...]]:
        """The final states of folds, as states after as many rounds as the loops have gone on this way; and that
        those, too, are within the intervals of all states."""
        found: dict[Term, Term] = {}
        known: list[Term] = []
        evaluator = wanted.evaluator
        # Only what is said of lengths and turns has a part in that.
        about = [graph.not_(t) if not holds else t for t, holds in literals([returning])]
        about = [t for t in about if not any("[" in name or name.startswith("fold ") for name in _variables([t]))]
        for fold in wanted.folds:
            for count in fold.counts:
                end = count.at(graph, INDEX_BITS)
                for rounds in fold.milestones:
                    if rounds is end or not self.holds(graph, about, graph.eq(rounds, end)):
                        continue
                    states = fold.after(rounds)
                    for state, now, (lo, hi) in zip(fold.after(end), states, fold.bounds, strict=True):
                        if state.term.op == "var":
                            found[state.term] = now.at(graph, state.term.width)
                            known += [graph.not_(evaluator.less(now, evaluator.const(lo))),
                                      graph.not_(evaluator.less(evaluator.const(hi), now))]
                    break
        return found, tuple(k for k in known if k is not graph.true)

    def holds(self, graph: Graph, assumptions: Sequence[Term], goal: Term) -> bool:
        share = Budget(min(0.5, self.budget.left()))
        answer = decide(graph, [Question(tuple(assumptions), goal)], share, samples=FEW_SAMPLES)[0]
        self.budget.used += share.used
        return answer.status == PROVED

    def long_claims(self, graph: Graph, call: SymbolicCall, wanted: LongMeaning, state: State) -> Iterator[Claim]:
        """Written buffers hold what the contract says, on each way to the end by itself."""
        for name, final in wanted.writes.items():
            if isinstance(final, tuple):
                continue
            region = call.buffers[name]
            assert isinstance(region, LongRegion)
            count = wanted.lengths[name].at(graph, INDEX_BITS)
            for claim in settles(graph, state.history(region), ((graph.const(0, INDEX_BITS), count),),
                                 element_bits(graph, final, 8 * region.element)):
                yield Claim(Question((claim.guard,), claim.holds), f"leaves {name} as the contract says",
                            "result", False)
        written = {call.buffers[name] for name in wanted.writes}
        for region in state.histories:
            if region not in written:
                raise Undecided(f"it writes to {region.name}, of which the contract says nothing")

    def told(self, graph: Graph, wanted: LongMeaning, requires: Term, claims: list[Claim], outcome: Outcome) -> Proof:
        facts = wanted.facts()
        own = {fact: frozenset(_variables([fact])) for fact in facts}
        finals = {t.data for fold in wanted.folds for count in fold.counts
                  for n in fold.after(count.at(graph, INDEX_BITS)) for t in topological([n.term])
                  if t.op == "var" and t.data.startswith("fold ")}
        merged = list(merged_claims(graph, distinct(claims, "fold ")))
        questions = []
        for claim in merged:
            about = _variables([*claim.question.assumptions, claim.question.goal]) & finals
            helpful = tuple(f for f in facts if own[f] & about) if about else ()
            # All is asked for inputs that keep this; claims that were merged say so each by itself.
            assumptions = (requires, *(a for a in claim.question.assumptions if a is not requires))
            questions.append(replace(claim.question, assumptions=(*assumptions, *helpful)))
        answers = decide(graph, questions, self.budget, samples=FEW_SAMPLES)
        solvers = tuple(sorted({a.by for a in answers if a.by}))
        # What is refuted tells more than what is only left open because of it.
        for claim, answer in sorted(zip(merged, answers, strict=True), key=lambda pair: pair[1].status != REFUTED):
            if answer.status != PROVED:
                how = "no solver could tell in time" if answer.status == "unknown" else "it does not follow"
                what = claim.what or "is what the contract says"
                return Proof("unknown", (f"{how} that it always {what}" if claim.kind == "result" else
                                         f"{how} that it never {what}",), solvers=solvers)
        return Proof(PROVED, solvers=solvers, followed=True, depth=outcome.depth)

    def check_long_secrets(self, outcome: Outcome, wanted: LongMeaning) -> None:
        """As `check_secrets`. What is not known where a loop begins may come from a secret."""
        secret = self.contract.secret
        if not secret:
            return
        buffers = {m.name for m in wanted.memories if any(p.name in secret for p in m.parameters)}
        tainted = {f"fold {f.number}." for f in wanted.folds if self._is_secret(f, buffers, wanted)}
        for influence in outcome.influences:
            for name in _variables([influence.term]):
                if name.split("[")[0] in {*secret, *buffers} or name.startswith(("loop ", *tainted)):
                    raise Undecided(f"at offset {influence.offset:#x}, {influence.what} may depend on what is secret")

    def _is_secret(self, fold: Fold, buffers: set[str], wanted: LongMeaning) -> bool:
        for source in fold.sources:
            if source.split("[")[0] in buffers or source.split("[")[0] in self.contract.secret:
                return True
            if source.startswith("fold "):
                other = wanted.folds[int(source.split()[1].split(".")[0])]
                if self._is_secret(other, buffers, wanted):
                    return True
        return False


def _variables(terms: Sequence[Term]) -> set[str]:
    return {t.data for t in topological(terms) if t.op == "var"}
