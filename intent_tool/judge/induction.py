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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from intent_tool.judge.assume import replaced
from intent_tool.judge.bitvector import Graph, Term, signed, topological
from intent_tool.judge.budget import Budget
from intent_tool.judge.execute import Executor, Outcome, State, Undecided
from intent_tool.judge.layout import Placed
from intent_tool.judge.loop_notes import BadNote, Holds, Known, LoopNote, Place, read_note, value_of
from intent_tool.judge.meaning import Meaning
from intent_tool.judge.meaning_unbounded import INDEX_BITS, Fold
from intent_tool.judge.meaning_values import NotUnderstood, Number
from intent_tool.judge.memory import Region, TooMany, Wild
from intent_tool.judge.memory_unbounded import LongRegion, Settled, Untold, settles
from intent_tool.judge.portfolio import PROVED, REFUTED, Question, decide
from intent_tool.judge.prove import Claim, Gone, Proof, Prover, merged_claims, same
from intent_tool.judge.semantics import Semantics
from intent_tool.judge.symbolic_call import SymbolicCall, symbolic_call
from intent_tool.judge.symbolic_inputs import SymbolicInputs
from intent_tool.judge.symbolic_lengths import LESS_THAN, LongMeaning, long_meaning
from intent_tool.language.contract import Contract
from intent_tool.language.walk import fold_sites
from intent_tool.machine.target import Target

MOST_WAYS = 12
MOST_TRIALS = 12
"""Rounds that are gone to find out what a loop changes."""


def prove_every_length(contract: Contract, target: Target, placed: Placed, budget: Budget) -> Proof:
    """``proved``, or ``unknown`` with the reason."""
    prover = Induction(contract, target, placed, budget)
    try:
        return prover.every_length()
    except (Undecided, Untold, Wild) as problem:
        return Proof("unknown", (str(problem) or "an address that is not followed",))
    except TooMany:
        return Proof("unknown", ("an access through an index may fall on too many places",))
    except BadNote as problem:
        return Proof("unknown", (f"a loop's note is not understood: {problem}",))
    except NotUnderstood as problem:
        return Proof("unknown", (f"the contract holds {problem.construct}",))
    except Gone as gone:
        return Proof("unknown", gone.proof.problems)


@dataclass
class Induction(Prover):
    def every_length(self) -> Proof:
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
        loops = _Loops(self, graph, wanted, call)
        cuts = {offset: _LoopCut(loops, offset, read_note(text)) for offset, text in self.placed.image.notes}
        outcome = self.execute(graph, semantics, call, requires, cuts)
        if outcome.state is None:
            raise Undecided("it does not return")
        claims = [*self.demand_claims(requires, outcome)]
        # A run that returns does so on one of the paths, with as many rounds as the loops then have gone.
        path = self.all_of(graph, (requires, *outcome.state.path))
        claims += self.abi_claims(graph, call, (path,), outcome, outcome.state)
        short = {name: content for name, content in wanted.writes.items() if isinstance(content, tuple)}
        for way in self.ways(graph, outcome.state.path):
            returning = self.all_of(graph, (requires, *way))
            meaning = Meaning(returning, wanted.result, short, ())
            found = [*self.result_claims(graph, call, meaning, outcome.state),
                     *self.memory_claims(graph, call, meaning, outcome.state),
                     *self.long_claims(graph, call, wanted, returning, outcome.state)]
            finals = self.finals(graph, wanted, returning) if found else {}
            known = tuple(f for f in replaced(graph, wanted.grown(), finals) if f is not graph.true)
            for claim in found:
                goal = replaced(graph, [claim.question.goal], finals)[0]
                claims.append(replace(claim, question=Question((*claim.question.assumptions, *known), goal)))
        self.check_stack(outcome)
        self.check_long_secrets(outcome, wanted)
        return self.told(graph, wanted, claims, outcome)

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

    def finals(self, graph: Graph, wanted: LongMeaning, returning: Term) -> dict[Term, Term]:
        """The final states of folds, as states after as many rounds as the loops have gone on this way."""
        found: dict[Term, Term] = {}
        for fold in wanted.folds:
            for count in fold.counts:
                end = count.at(graph, INDEX_BITS)
                for rounds, states in list(fold.values.items()):
                    if rounds is end or not self.holds(graph, returning, graph.eq(rounds, end)):
                        continue
                    for state, now in zip(fold.after(end), states, strict=True):
                        if state.term.op == "var":
                            found[state.term] = now.at(graph, state.term.width)
                    break
        return found

    def holds(self, graph: Graph, assumption: Term, goal: Term) -> bool:
        share = Budget(min(0.5, self.budget.left()))
        answer = decide(graph, [Question((assumption,), goal)], share)[0]
        self.budget.used += share.used
        return answer.status == PROVED

    def long_claims(self, graph: Graph, call: SymbolicCall, wanted: LongMeaning, requires: Term,
                    state: State) -> Iterator[Claim]:
        """Written buffers hold what the contract says."""
        for name, final in wanted.writes.items():
            if isinstance(final, tuple):
                continue
            region = call.buffers[name]
            assert isinstance(region, LongRegion)
            count = wanted.lengths[name].at(graph, INDEX_BITS)
            for claim in settles(graph, state.history(region), graph.const(0, INDEX_BITS), count,
                                 _bits(graph, final, 8 * region.element)):
                yield Claim(Question((requires, claim.guard), claim.holds), f"leaves {name} as the contract says",
                            "result", False)
        written = {call.buffers[name] for name in wanted.writes}
        for region in state.histories:
            if region not in written:
                raise Undecided(f"it writes to {region.name}, of which the contract says nothing")

    def told(self, graph: Graph, wanted: LongMeaning, claims: list[Claim], outcome: Outcome) -> Proof:
        facts = wanted.facts()
        own = {fact: frozenset(_variables([fact])) for fact in facts}
        finals = {t.data for fold in wanted.folds for count in fold.counts
                  for n in fold.after(count.at(graph, INDEX_BITS)) for t in topological([n.term]) if t.op == "var"}
        merged = list(merged_claims(graph, iter(claims)))
        questions = []
        for claim in merged:
            about = _variables([*claim.question.assumptions, claim.question.goal]) & finals
            helpful = tuple(f for f in facts if own[f] & about) if about else ()
            questions.append(replace(claim.question, assumptions=(*claim.question.assumptions, *helpful)))
        answers = decide(graph, questions, self.budget)
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


def _bits(graph: Graph, final, width: int):  # type: ignore[no-untyped-def]
    return lambda index: final(index).at(graph, width)


@dataclass
class _Loops:
    """What the loops of one function share."""

    prover: Induction
    graph: Graph
    wanted: LongMeaning
    call: SymbolicCall
    names: dict[str, Term] = field(default_factory=dict)
    sites: list[tuple[str, int, int]] = field(default_factory=list)
    serial: int = 0

    def __post_init__(self) -> None:
        assert self.prover.contract.signature is not None
        for p in self.prover.contract.signature.parameters:
            value = self.wanted.inputs[p.name]
            self.names[p.name] = value.at(self.graph, 64) if isinstance(value, Number) else (
                self.call.buffers[p.name].base)
        self.sites = [(s.source.path, s.line, s.column) for s in fold_sites(self.prover.contract)]

    def fold(self, number: int) -> Fold:
        if number >= len(self.sites):
            raise BadNote(f"fold({number}): there is no such fold in the contract")
        site = self.sites[number]
        found = [f for f in self.wanted.folds if any((s.source.path, s.line, s.column) == site for s in f.spans)]
        if len(found) != 1:
            raise BadNote(f"fold({number}): {len(found)} folds of unbounded length are meant by it")
        return found[0]


@dataclass
class _LoopCut:
    """A loop head and what is said of it. Entered once for each way in which control comes to the loop."""

    loops: _Loops
    offset: int
    note: LoopNote
    entry: State = field(init=False)
    head: State = field(init=False)
    rounds: Term = field(init=False)
    """How far the contract is at the head."""
    grows: int = 0
    """By how much it is further after a round."""
    most: Term = field(init=False)
    steps: dict[str, int] = field(default_factory=dict)
    """Registers that change by an amount in each round."""
    noted: dict[str, tuple[Place, Fold, Holds]] = field(default_factory=dict)
    """Registers that hold a state, by their full names."""
    lost: set[str] = field(default_factory=set)
    """Registers of which nothing is known at the head."""
    slots: dict[int, tuple[Place, Fold, Holds]] = field(default_factory=dict)
    """The same for slots of the frame: by offset from the stack pointer on entry, eight bytes each."""
    lost_bytes: set[tuple[Region, int]] = field(default_factory=set)

    # Entering.

    def enter(self, executor: Executor, state: State) -> State:
        graph, loops = executor.graph, self.loops
        loops.serial += 1
        self.entry = state
        self.steps, self.noted, self.lost, self.slots, self.lost_bytes = {}, {}, set(), {}, set()
        prefix = f"loop {loops.serial}"
        half = 1 << 63
        turn = graph.bounded_var(f"turns of {prefix}", 64, 0, LESS_THAN - 1, -half, half - 1)
        self._assign(state)
        self._learn_what_changes(executor, state, prefix, turn)
        begin = self._value(self.note.round, state)
        self.most = self._value(self.note.most, state)
        plain = self._plain(state, prefix, turn)
        self.rounds = self._value(self.note.round, plain)
        grown = graph.sub(self.rounds, begin)
        per_round = grown.data[0][0] if grown.op == "sum" and grown.args == (turn,) and not grown.data[1] else (
            1 if grown is turn else 0)
        if not 1 <= per_round <= 1 << 16:
            raise Undecided(f"the rounds of the loop at offset {self.offset:#x} do not grow by a constant")
        self.grows = per_round
        self._demand_all(executor, state, begin, "where it is entered")
        self._demand(executor, state, graph.ule(self.most, graph.const(LESS_THAN - 1, 64)), "a limit")
        for fold in {id(f): f for f in self._folds()}.values():
            # What is concluded for any index of a written buffer and does not depend on it holds for each of them.
            asked = fold.guard if fold.sources & {t.data for t in loops.wanted.last} else replaced(
                graph, [fold.guard], loops.wanted.last)[0]
            self._demand(executor, state, asked, "a fold that the contract asks for there")
        for known in self.note.known:
            self._pin(known)
        head = self._head(state, plain, prefix)
        head.path = (*state.path, *(c for c in (graph.ule(self.rounds, self.most),) if c is not graph.true))
        self.head = head.copy(head.path)
        return head

    def _assign(self, state: State) -> None:
        for holds in self.note.holds:
            fold = self.loops.fold(holds.fold)
            if holds.state >= len(fold.bounds):
                raise BadNote(f"fold({holds.fold})[{holds.state}]: it has {len(fold.bounds)} states")
            full, _ = self._register(holds.place)
            if holds.place.slot is None:
                self.noted[full] = holds.place, fold, holds
            else:
                self.slots[self._frame_offset(state, full, holds.place.slot)] = holds.place, fold, holds

    def _frame_offset(self, state: State, register: str, slot: int) -> int:
        distance = self.loops.graph.sub(state.registers[register], self.loops.call.stack)
        if not distance.is_const:
            raise Undecided(f"a slot at a place of the frame that is not known, at offset {self.offset:#x}")
        return signed(distance.data, 64) + slot

    def _register(self, place: Place) -> tuple[str, int]:
        """A register's full name, and the width that is meant."""
        name, isa = place.register, self.loops.prover.target.isa
        if place.is_word or place.slot is not None or isa == "riscv64":
            return name, 32 if place.is_word else 64
        if isa == "arm64" and name.startswith("w"):
            return "x" + name[1:], 32
        if isa == "x86_64" and name.startswith("e"):
            return "r" + name[1:], 32
        if isa == "x86_64" and name.startswith("r") and name.endswith("d"):
            return name[:-1], 32
        return name, 64

    def _learn_what_changes(self, executor: Executor, state: State, prefix: str, turn: Term) -> None:
        """Goes round until nothing changes but what is known to."""
        for _ in range(MOST_TRIALS):
            trial = self._head(state, self._plain(state, prefix, turn), prefix)
            arrivals = _Arrivals()
            executor.rounds(self.offset, trial, arrivals)
            if not any([self._changed(executor, trial, after) for after in arrivals.states]):
                return
        raise Undecided(f"what the loop at offset {self.offset:#x} changes is not found out")

    def _changed(self, executor: Executor, trial: State, after: State) -> bool:
        graph, grown = executor.graph, False
        for name, before in trial.registers.items():
            now = after.registers[name]
            if now is before or name in self.noted or name in self.lost:
                continue
            difference = graph.sub(now, before) if before.width == 64 else None
            step = signed(difference.data, 64) if difference is not None and difference.is_const else None
            if step is not None and name not in self.steps:
                self.steps[name] = step
            elif step is None or self.steps[name] != step:
                self.steps.pop(name, None)
                self.lost.add(name)
            else:
                continue
            grown = True
        held = {at + j for at in self.slots for j in range(8)}
        for key in after.contents:
            region, at = key
            old, new = (executor.layout.byte(s.contents, region, at) for s in (trial, after))
            if old is not new and key not in self.lost_bytes and not (region.is_frame and at in held):
                self.lost_bytes.add(key)
                grown = True
        return grown

    def _plain(self, state: State, prefix: str, turn: Term) -> State:
        """The state in any round, without what notes say."""
        graph = self.loops.graph
        result = state.copy(state.path)
        for name, step in self.steps.items():
            result.registers[name] = graph.linear([(1, state.registers[name]), (step, turn)], 0, 64)
        for name in (*self.lost, *self.noted):
            result.registers[name] = graph.var(f"{prefix}.{name}", state.registers[name].width)
        for region, at in self.lost_bytes:
            result.contents[region, at] = graph.var(f"{prefix}.{region.name}[{at}]", 8)
        return result

    def _head(self, state: State, plain: State, prefix: str) -> State:
        """The state in any round, with what the note says where `rounds` is known."""
        graph = self.loops.graph
        head = plain.copy(plain.path)
        rounds = self._value(self.note.round, plain)
        for name, (place, fold, holds) in self.noted.items():
            head.registers[name] = self._held(place, fold, holds, rounds, plain.registers[name])
        frame = next(r for r in self.loops.call.layout.regions if r.is_frame)
        for at, (place, fold, holds) in self.slots.items():
            word = self._held(place, fold, holds, rounds, graph.var(f"{prefix}.slot[{at}]", 64))
            for j in range(8):
                head.contents[frame, at + j] = graph.extract(word, 8 * j + 7, 8 * j)
        for written in self.note.written:
            region, final = self._buffer(written.buffer)
            low, high = (self._value(e, state, rounds) for e in (written.low, written.high))
            head.histories[region] = Settled(region, low, high, final)
        return head

    def _buffer(self, name: str):  # type: ignore[no-untyped-def]
        region = self.loops.call.buffers.get(name)
        final = self.loops.wanted.writes.get(name)
        if not isinstance(region, LongRegion) or final is None or isinstance(final, tuple):
            raise BadNote(f"{name}, which is no buffer of unbounded length that the contract writes")
        return region, _bits(self.loops.graph, final, 8 * region.element)

    def _held(self, place: Place, fold: Fold, holds: Holds, rounds: Term, unknown: Term) -> Term:
        graph, width = self.loops.graph, self._register(place)[1]
        whole = fold.after(rounds)[holds.state].at(graph, holds.shift + width)
        value = graph.extract(whole, holds.shift + width - 1, holds.shift)
        if width == 64:
            return value
        if self.loops.prover.target.abi.narrow_values == "sign-extended":
            return graph.sext(value, 64)
        return graph.concat(graph.extract(unknown, 63, width), value)

    def _pin(self, known: Known) -> None:
        """The state has that value at the head."""
        fold = self.loops.fold(known.fold)
        if known.state >= len(fold.bounds):
            raise BadNote(f"fold({known.fold})[{known.state}]: it has {len(fold.bounds)} states")
        evaluator = self.loops.wanted.evaluator
        states = list(fold.after(self.rounds))
        if fold.is_idle and fold.absorbing is not None and fold.absorbing[0] == known.state \
                and known.value == 1 - fold.absorbing[1]:
            # Nothing was found so far: the rest is as it was.
            states = list(fold.initial)
        states[known.state] = evaluator.const(known.value)
        fold.values[self.rounds] = tuple(states)

    def _value(self, node, state: State, rounds: Term | None = None) -> Term:  # type: ignore[no-untyped-def]
        names = self.loops.names if rounds is None else {**self.loops.names, "round": rounds}
        return value_of(self.loops.graph, node, names, state.registers)

    def _folds(self) -> Iterator[Fold]:
        for _, fold, _ in (*self.noted.values(), *self.slots.values()):
            yield fold
        for known in self.note.known:
            yield self.loops.fold(known.fold)

    # What is demanded.

    def again(self, executor: Executor, state: State) -> None:
        graph = executor.graph
        for name, before in self.head.registers.items():
            if name in self.noted or name in self.lost:
                continue
            expected = graph.add(before, graph.const(self.steps[name], 64)) if name in self.steps else before
            if state.registers[name] is not expected:
                raise Undecided(f"the loop at offset {self.offset:#x} changes {name} in some other way")
        held = {at + j for at in self.slots for j in range(8)}
        for key in {**state.contents, **self.head.contents}:
            region, at = key
            old, new = (executor.layout.byte(s.contents, region, at) for s in (self.head, state))
            if old is not new and key not in self.lost_bytes and not (region.is_frame and at in held):
                raise Undecided(f"the loop at offset {self.offset:#x} changes {region.name} in some other way")
        noted = {self._buffer(w.buffer)[0] for w in self.note.written}
        for region in {**state.histories, **self.head.histories}:
            if region not in noted and state.history(region) is not self.head.history(region):
                raise Undecided(f"the loop at offset {self.offset:#x} writes to {region.name}, and nobody says how far")
        self._demand_all(executor, state, graph.add(self.rounds, graph.const(self.grows, 64)), "after a round")

    def _demand_all(self, executor: Executor, state: State, rounds: Term, when: str) -> None:
        graph = executor.graph
        self._demand(executor, state, graph.ule(rounds, self.most), f"the rounds {when}")
        for _, final in [self._buffer(w.buffer) for w in self.note.written]:
            # The folds that an element is made of.
            final(rounds)
        for fold in {id(f): f for f in self._folds()}.values():
            self._demand(executor, state, fold.covers(rounds), f"how far the contract is {when}")
        for name, (place, fold, holds) in self.noted.items():
            held = self._held(place, fold, holds, rounds, state.registers[name])
            self._demand(executor, state, graph.eq(state.registers[name], held), f"%{name} {when}")
        frame = next(r for r in self.loops.call.layout.regions if r.is_frame)
        for at, (place, fold, holds) in self.slots.items():
            word = executor.layout.byte(state.contents, frame, at)
            for j in range(1, 8):
                word = graph.concat(executor.layout.byte(state.contents, frame, at + j), word)
            held = self._held(place, fold, holds, rounds, word)
            self._demand(executor, state, graph.eq(word, held), f"a slot of the frame {when}")
        for known in self.note.known:
            value = self.loops.wanted.evaluator.const(known.value)
            state_ = self.loops.fold(known.fold).after(rounds)[known.state]
            self._demand(executor, state, same(graph, state_, value), f"what is known {when}")
        for written in self.note.written:
            region, final = self._buffer(written.buffer)
            low, high = (self._value(e, self.entry, rounds) for e in (written.low, written.high))
            for claim in settles(graph, state.history(region), low, high, final):
                self._demand(executor, state, graph.or_(graph.not_(claim.guard), claim.holds),
                             f"{written.buffer} {when}")

    def _demand(self, executor: Executor, state: State, holds: Term, what: str) -> None:
        executor.demand(f"breaks what its loop at offset {self.offset:#x} is said to keep: {what}", None,
                        executor.conjunction(state.path), holds, noticeable=False)


@dataclass
class _Arrivals:
    """Collects the states in which a round ends."""

    states: list[State] = field(default_factory=list)

    def enter(self, executor: Executor, state: State) -> State:
        raise AssertionError("a round that begins inside of itself")

    def again(self, executor: Executor, state: State) -> None:
        self.states.append(state)
