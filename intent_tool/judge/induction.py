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
from typing import TypeAlias

from intent_tool.judge.assume import abstracted, literals, replaced
from intent_tool.judge.bitvector import Graph, Term, topological, variables
from intent_tool.judge.budget import Budget
from intent_tool.judge.execute import Outcome, State, Undecided
from intent_tool.judge.gathered import settled
from intent_tool.judge.layout import Placed
from intent_tool.judge.loop_cut import LoopCut, Loops, element_bits
from intent_tool.judge.loop_guess import Notes, guess_notes
from intent_tool.judge.loop_notes import BadNote, read_note
from intent_tool.judge.meaning import Meaning
from intent_tool.judge.meaning_unbounded import Fold
from intent_tool.judge.meaning_values import NotUnderstood, Number
from intent_tool.judge.memory import INDEX_BITS, TooMany, Wild
from intent_tool.judge.memory_unbounded import LongRegion, Untold, settles
from intent_tool.judge.portfolio import PROVED, REFUTED, UNKNOWN, Answer, Question, decide, refutes
from intent_tool.judge.prove import Claim, Gone, Proof, Prover, merged_claims
from intent_tool.judge.renamed import distinct
from intent_tool.judge.semantics import Semantics
from intent_tool.judge.solve_bits import Model
from intent_tool.judge.symbolic_call import SymbolicCall, symbolic_call
from intent_tool.judge.symbolic_inputs import SymbolicInputs
from intent_tool.judge.symbolic_lengths import LongMeaning, long_meaning
from intent_tool.language.contract import Contract
from intent_tool.machine.target import Target

Finals: TypeAlias = dict[Term, tuple[Number, Number]]
"""Final states of folds by their terms, and the same as states after some number of rounds."""

MOST_ROUNDS = 70
"""Of loops of which nothing is said: what is gone round a fixed number of times."""
FEW_SAMPLES = 3
"""What a sample refutes is no more than open here."""
ATTEMPTS = 2
"""At questions, where others leave them time."""
FEW_VARIABLES = 12
"""Of goals that are first tried without what is known of elements."""
MOST_WAYS = 12
"""Paths to the end that are told apart."""
MOST_FORKS = 5
"""Conditions that a path is told apart by, once more."""


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
    values: frozenset[str] = frozenset()
    """See `values_of`."""

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
        by_way: list[Claim] = []
        # A run that returns does so on one of the paths, with as many rounds as the loops then have gone.
        path = self.all_of(graph, (requires, *outcome.state.path))
        claims += self.abi_claims(graph, call, (path,), outcome, outcome.state)
        short = {name: content for name, content in wanted.writes.items() if isinstance(content, tuple)}
        long = list(self.long_claims(graph, call, wanted, outcome.state))
        self.values = self.values_of(graph, wanted)
        result = outcome.state.registers[self.target.abi.result]
        for way in self.ways(graph, outcome.state.path, result):
            returning = self.all_of(graph, (requires, *way))
            meaning = Meaning(returning, wanted.result, short, ())
            found = [*self.result_claims(graph, call, meaning, outcome.state),
                     *self.memory_claims(graph, call, meaning, outcome.state),
                     *(replace(c, question=Question((returning, *c.question.assumptions), c.question.goal))
                       for c in long if graph.and_(returning, *c.question.assumptions) is not graph.false)]
            finals, known = self.finals(graph, wanted, returning) if found else ({}, ())
            grown = [_put(graph, fact, finals) for fact in wanted.grown()]
            known = (*known, *(f for f in grown if f is not graph.true))
            for claim in found:
                goal = _put(graph, claim.question.goal, finals)
                goal = settled(graph, replaced(graph, [goal], _taken(graph, claim.question.assumptions))[0])
                by_way.append(replace(claim, question=Question((*claim.question.assumptions, *known), goal)))
        self.check_stack(outcome)
        self.check_long_secrets(outcome, wanted)
        claims, by_way = list(distinct(claims, "fold ")), list(distinct(by_way, "fold "))
        # Each way has its own number of rounds: together they are much harder to see.
        apart = [claim for way in by_way for claim in merged_claims(graph, iter([way]))]
        return self.told(graph, wanted, requires, [*merged_claims(graph, iter(claims)), *apart], outcome)

    def all_of(self, graph: Graph, conditions: Sequence[Term]) -> Term:
        total = graph.true
        for condition in conditions:
            total = graph.and_(total, condition)
        return total

    def ways(self, graph: Graph, path: tuple[Term, ...], result: Term) -> Iterator[tuple[Term, ...]]:
        """The paths that were merged on the way to the end, as far as they are few."""
        for k, condition in enumerate(path):
            if condition.op == "or" and len(path) < MOST_WAYS:
                for arm in condition.args:
                    yield from self.ways(graph, (*path[:k], arm, *path[k + 1:], graph.true), result)
                return
        yield from self.forks(graph, path, result, MOST_FORKS)

    def forks(self, graph: Graph, path: tuple[Term, ...], result: Term, most: int) -> Iterator[tuple[Term, ...]]:
        """The path, told apart by what `result` chooses by: after paths met that had gone round loops, or past them,
        the path itself may say nothing any more of how many rounds were gone."""
        result = replaced(graph, [result], _taken(graph, path))[0]
        tests = (t.args[0] for t in reversed(topological([result])) if t.op == "ite" and self.is_of_turns(t.args[0]))
        test = next(tests, None)
        if test is None or not most:
            yield path
            return
        for arm in (test, graph.not_(test)):
            yield from self.forks(graph, (*path, arm), result, most - 1)

    def finals(self, graph: Graph, wanted: LongMeaning, returning: Term) -> tuple[Finals, tuple[Term, ...]]:
        """The final states of folds, as states after as many rounds as the loops have gone on this way; and that
        those, too, are within the intervals of all states."""
        found: Finals = {}
        known: list[Term] = []
        evaluator = wanted.evaluator
        asked = {(rounds, end): graph.eq(rounds, end) for fold in wanted.folds for end in self.ends(graph, fold)
                 for rounds in fold.milestones if rounds is not end}
        # Only what is said of lengths and turns has a part in that.
        about, *goals = abstracted(graph, [returning, *asked.values()], self.is_turn)
        questions = {key: Question((about,), goal) for key, goal in zip(asked, goals, strict=True)}
        models: list[Model] = []
        for fold in wanted.folds:
            for end in self.ends(graph, fold):
                for rounds in fold.milestones:
                    if rounds is end or not self.holds(graph, questions[rounds, end], models):
                        continue
                    states = fold.after(rounds)
                    for state, now, (lo, hi) in zip(fold.after(end), states, fold.bounds, strict=True):
                        if state.term.op == "var":
                            found[state.term] = state, now
                            known += [graph.not_(evaluator.less(now, evaluator.const(lo))),
                                      graph.not_(evaluator.less(evaluator.const(hi), now))]
                    break
        return found, tuple(k for k in known if k is not graph.true)

    def values_of(self, graph: Graph, wanted: LongMeaning) -> frozenset[str]:
        """The variables of parameters on which no length and no number of rounds depends."""
        given = [v.term for v in wanted.inputs.values() if isinstance(v, Number)]
        lengths = [number.at(graph, INDEX_BITS) for number in wanted.lengths.values()]
        return frozenset(_variables(given) - _variables(
            [*lengths, *(end for fold in wanted.folds for end in self.ends(graph, fold))]))

    def is_of_turns(self, condition: Term) -> bool:
        """Whether it speaks only of lengths and of how often loops are gone round."""
        return all(map(self.is_turn, _variables([condition])))

    def is_turn(self, name: str) -> bool:
        """Whether the variable is no element, state or value, nor stands for a comparison with one."""
        return "[" not in name and not name.startswith(("fold ", "comparison ")) and name not in self.values

    def ends(self, graph: Graph, fold: Fold) -> list[Term]:
        return [count.at(graph, INDEX_BITS) for count in fold.counts]

    def holds(self, graph: Graph, question: Question, models: list[Model]) -> bool:
        """`models` are those that refuted others on the same path: mostly they refute this one, too."""
        if any(refutes(question, model) for model in models):
            return False
        share = Budget(min(0.5, self.budget.left()))
        answer = decide(graph, [question], share, samples=FEW_SAMPLES)[0]
        self.budget.used += share.used
        if answer.status == REFUTED:
            models.append(answer.model)
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
        questions = []
        for claim in claims:
            about = _variables([*claim.question.assumptions, claim.question.goal]) & finals
            helpful = tuple(f for f in facts if own[f] & about) if about else ()
            # All is asked for inputs that keep this; claims that were merged say so each by itself.
            assumptions = (requires, *(a for a in claim.question.assumptions if a is not requires))
            questions.append(replace(claim.question, assumptions=(*assumptions, *helpful)))
        answers = self.answers(graph, questions)
        solvers = tuple(sorted({a.by for a in answers if a.by}))
        # What is refuted tells more than what is only left open because of it.
        for claim, answer in sorted(zip(claims, answers, strict=True), key=lambda pair: pair[1].status != REFUTED):
            if answer.status != PROVED:
                how = "no solver could tell in time" if answer.status == "unknown" else "it does not follow"
                what = claim.what or "is what the contract says"
                return Proof("unknown", (f"{how} that it always {what}" if claim.kind == "result" else
                                         f"{how} that it never {what}",), solvers=solvers)
        return Proof(PROVED, solvers=solvers, followed=True, depth=outcome.depth)

    def answers(self, graph: Graph, questions: Sequence[Question]) -> list[Answer]:
        """Those that ask only how far loops go are first tried without what is known of elements and states."""
        terms = iter(abstracted(graph, [t for q in questions for t in (*q.assumptions, q.goal)], self.is_turn))
        simpler = [Question(tuple(next(terms) for _ in q.assumptions), next(terms)) for q in questions]
        answers: dict[int, Answer] = {}
        left = [k for k, question in enumerate(simpler) if self.is_of_turns(question.goal)
                and len(variables([question.goal])) <= FEW_VARIABLES]
        while left:
            tried = decide(graph, [simpler[k] for k in left], self.budget, samples=FEW_SAMPLES)
            answers |= {k: a for k, a in zip(left, tried, strict=True) if a.status == PROVED}
            # One that is refuted may stop the others.
            is_over = all(a.status != REFUTED for a in tried)
            left = [k for k, a in zip(left, tried, strict=True) if a.status == UNKNOWN and not is_over]
        others = [k for k in range(len(questions)) if k not in answers]
        for _ in range(ATTEMPTS):
            # Once more, those that were given too small a share of the time.
            answers |= zip(others, decide(graph, [questions[k] for k in others], self.budget, samples=FEW_SAMPLES),
                           strict=True)
            others = [k for k in others if answers[k].status == UNKNOWN]
            if any(a.status == REFUTED for a in answers.values()):
                break
        return [answers[k] for k in range(len(questions))]

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


def _put(graph: Graph, root: Term, finals: Finals) -> Term:
    """The formula with final states replaced, in the width that they are extended to: there a sum is a sum."""
    by: dict[Term, Term] = {}
    for t in topological([root]):
        if t in finals:
            by[t] = finals[t][1].at(graph, t.width)
        elif t.op in ("zext", "sext") and t.args[0] in finals:
            state, now = finals[t.args[0]]
            if t.op == ("sext" if state.lo < 0 else "zext"):
                by[t] = now.at(graph, t.width)
    return replaced(graph, [root], by)[0]


def _taken(graph: Graph, assumptions: Sequence[Term]) -> dict[Term, Term]:
    """Conditions that are known where the assumptions hold, and their values."""
    return {t: graph.true if holds else graph.false for t, holds in literals(assumptions) if t.op != "const"}


def _variables(terms: Sequence[Term]) -> set[str]:
    return {*variables(terms)}
