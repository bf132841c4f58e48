"""A loop head in a proof by induction: what is said of it, checked where the loop is entered and after a round."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from intent_tool.judge.bitvector import Graph, Term, signed
from intent_tool.judge.execute import Executor, State, Undecided
from intent_tool.judge.gathered import MASKS, equal, gathered
from intent_tool.judge.loop_notes import BadNote, Gathers, Holds, Known, LoopNote, Place, value_of
from intent_tool.judge.meaning_unbounded import Fold, Numbers
from intent_tool.judge.meaning_values import Number
from intent_tool.judge.memory import Region
from intent_tool.judge.memory_unbounded import LongRegion, Range, Settled, settles
from intent_tool.judge.prove import same
from intent_tool.judge.symbolic_call import SymbolicCall
from intent_tool.judge.symbolic_lengths import LESS_THAN, LongMeaning
from intent_tool.language.contract import Contract
from intent_tool.language.walk import fold_sites
from intent_tool.machine.target import Target

MOST_TRIALS = 12
"""Rounds that are gone to find out what a loop changes."""


def element_bits(graph: Graph, final: Callable[[Term], Number], width: int) -> Callable[[Term], Term]:
    """The bits of an element that is given as a number."""
    return lambda index: final(index).at(graph, width)


@dataclass
class Loops:
    """What the loops of one function share."""

    contract: Contract
    target: Target
    graph: Graph
    wanted: LongMeaning
    call: SymbolicCall
    names: dict[str, Term] = field(default_factory=dict)
    sites: list[tuple[str, int, int]] = field(default_factory=list)
    serial: int = 0

    def __post_init__(self) -> None:
        assert self.contract.signature is not None
        for p in self.contract.signature.parameters:
            value = self.wanted.inputs[p.name]
            self.names[p.name] = value.at(self.graph, 64) if isinstance(value, Number) else (
                self.call.buffers[p.name].base)
        self.sites = [(s.source.path, s.line, s.column) for s in fold_sites(self.contract)]

    def fold(self, name: str) -> Fold:
        """By its name in notes."""
        number, _, which = name.partition(".")
        if int(number) >= len(self.sites):
            raise BadNote(f"fold({name}): there is no such fold in the contract")
        site = self.sites[int(number)]
        found = [f for f in self.wanted.folds if any((s.source.path, s.line, s.column) == site for s in f.spans)]
        # Uses that were not thought to be the same may be one fold.
        if len(found) > 1 and int(which or 0) < len(found):
            return found[int(which or 0)]
        if len(found) != 1:
            raise BadNote(f"fold({name}): {len(found)} folds of unbounded length are meant by it")
        return found[0]


@dataclass
class LoopCut:
    """A loop head and what is said of it. Entered once for each way in which control comes to the loop."""

    loops: Loops
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
    spread: set[str] = field(default_factory=set)
    """Registers whose lanes together are a state."""
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
        self.steps, self.noted, self.slots = {}, {}, {}
        self.spread, self.lost, self.lost_bytes = set(), set(), set()
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
        for known in self.note.known:
            self._pin(known)
        head = self._head(state, plain, prefix)
        within = self._spread(head, prefix, self.rounds)
        head.path = (*state.path, *(c for c in (graph.ule(self.rounds, self.most), *within) if c is not graph.true))
        self.head = head.copy(head.path)
        return head

    def _assign(self, state: State) -> None:
        for holds in self.note.holds:
            fold = self.loops.fold(holds.fold)
            if holds.state >= len(fold.bounds):
                raise BadNote(f"fold({holds.fold})[{holds.state}]: it has {len(fold.bounds)} states")
            full, _ = self._register(holds.place)
            if holds.place.slot is None:
                self._demand_register(full, state)
                self.noted[full] = holds.place, fold, holds
            else:
                self.slots[self._frame_offset(state, full, holds.place.slot)] = holds.place, fold, holds

        for gathers in self.note.gathers:
            fold = self.loops.fold(gathers.fold)
            if gathers.state >= len(fold.bounds) or len(set(gathers.registers)) < len(gathers.registers):
                raise BadNote(f"fold({gathers.fold})[{gathers.state}] in lanes")
            for name in gathers.registers:
                full, width = self._vector(name)
                self._demand_register(full, state)
                if full in self.noted or full in self.spread or width % gathers.width:
                    raise BadNote(f"%{name}, of which two things are said")
                self.spread.add(full)

    def _demand_register(self, full: str, state: State) -> None:
        if full not in state.registers:
            raise BadNote(f"%{full}, which is no register")

    def _vector(self, name: str) -> tuple[str, int]:
        """A register's full name, and how many bits of it are lanes."""
        if self.loops.target.isa == "x86_64" and name.startswith(("xmm", "ymm")):
            return "y" + name[1:], 128 if name[0] == "x" else 256
        if self.loops.target.isa == "arm64" and name.startswith("v"):
            return name, 128
        full, width = self._register(Place(name, None, False))
        return full, width

    def _lanes(self, gathers: Gathers, registers: Mapping[str, Term]) -> list[Term]:
        graph, lanes = self.loops.graph, []
        for name in gathers.registers:
            full, width = self._vector(name)
            # Of a general register there is one lane.
            count = width // gathers.width if registers[full].width > 64 else 1
            lanes += [graph.extract(registers[full], (k + 1) * gathers.width - 1, k * gathers.width)
                      for k in range(count)]
        return lanes

    def _gathered(self, gathers: Gathers, registers: Mapping[str, Term]) -> Term:
        return gathered(self.loops.graph, gathers.operator, self._lanes(gathers, registers))

    def _spread(self, head: State, prefix: str, rounds: Term) -> list[Term]:
        """Registers that together are a state: lanes that may hold anything, and what the state then is. Returns that
        it is one that the fold may have."""
        graph, evaluator = self.loops.graph, self.loops.wanted.evaluator
        within: list[Term] = []
        for gathers in self.note.gathers:
            fold, width = self.loops.fold(gathers.fold), gathers.width
            for name in gathers.registers:
                full, bits = self._vector(name)
                before = head.registers[full]
                count = bits // width if before.width > 64 else 1
                lanes = [self._any_lane(gathers, f"{prefix}.{full}[{k}]") for k in range(count)]
                value = lanes[0]
                for lane in lanes[1:]:
                    value = graph.concat(lane, value)
                if value.width < before.width:
                    value = graph.concat(graph.extract(before, before.width - 1, value.width), value)
                head.registers[full] = value
            if gathers.operator in ("sum", "xor"):
                # One lane is what the others leave of the state.
                state = fold.after(rounds)[gathers.state].at(graph, width)
                rest = self._lanes(gathers, head.registers)[1:]
                others = gathered(graph, gathers.operator, rest) if rest else graph.const(0, width)
                lane = graph.sub(state, others) if gathers.operator == "sum" else graph.xor(state, others)
                full, _ = self._vector(gathers.registers[0])
                whole = head.registers[full]
                head.registers[full] = lane if whole.width == width else graph.concat(
                    graph.extract(whole, whole.width - 1, width), lane)
                continue
            total = self._gathered(gathers, head.registers)
            half = 1 << (total.width - 1)
            is_signed = fold.bounds[gathers.state][0] < 0
            number = Number(total, -half, half - 1) if is_signed else Number(total, 0, 2 * half - 1)
            lo, hi = fold.bounds[gathers.state]
            if lo < number.lo or hi > number.hi:
                raise BadNote(f"fold({gathers.fold})[{gathers.state}] in lanes that are too narrow for it")
            within += [graph.not_(evaluator.less(number, evaluator.const(lo))),
                       graph.not_(evaluator.less(evaluator.const(hi), number))]
            states = list(fold.after(rounds))
            states[gathers.state] = evaluator.make(number.term, number.lo, number.hi)
            fold.values[rounds] = tuple(states)
        return within

    def _any_lane(self, gathers: Gathers, name: str) -> Term:
        graph, is_mask = self.loops.graph, gathers.operator in MASKS
        return graph.sext(graph.var(name, 1), gathers.width) if is_mask else graph.var(name, gathers.width)

    def _frame_offset(self, state: State, register: str, slot: int) -> int:
        distance = self.loops.graph.sub(state.registers[register], self.loops.call.stack)
        if not distance.is_const:
            raise Undecided(f"a slot at a place of the frame that is not known, at offset {self.offset:#x}")
        return signed(distance.data, 64) + slot

    def _register(self, place: Place) -> tuple[str, int]:
        """A register's full name, and the width that is meant."""
        name, isa = place.register, self.loops.target.isa
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
            if now is before or name in self.noted or name in self.spread or name in self.lost:
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
        for name in (*self.lost, *self.spread, *self.noted):
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
        for name in self._written():
            region, final = self._buffer(name)
            head.histories[region] = Settled(region, self._ranges(name, state, rounds), final)
        return head

    def _written(self) -> list[str]:
        """The buffers of which the note says what is written."""
        return list(dict.fromkeys(w.buffer for w in self.note.written))

    def _ranges(self, buffer: str, state: State, rounds: Term) -> tuple[Range, ...]:
        return tuple((self._value(w.low, state, rounds), self._value(w.high, state, rounds))
                     for w in self.note.written if w.buffer == buffer)

    def _buffer(self, name: str) -> tuple[LongRegion, Callable[[Term], Term]]:
        region = self.loops.call.buffers.get(name)
        final = self.loops.wanted.writes.get(name)
        if not isinstance(region, LongRegion) or final is None or isinstance(final, tuple):
            raise BadNote(f"{name}, which is no buffer of unbounded length that the contract writes")
        return region, element_bits(self.loops.graph, final, 8 * region.element)

    def _held(self, place: Place, fold: Fold, holds: Holds, rounds: Term, unknown: Term) -> Term:
        graph, width = self.loops.graph, self._register(place)[1]
        whole = self._states(fold, rounds)[holds.state].at(graph, holds.shift + width)
        value = graph.extract(whole, holds.shift + width - 1, holds.shift)
        if width == 64:
            return value
        if self.loops.target.abi.narrow_values == "sign-extended":
            return graph.sext(value, 64)
        return graph.concat(graph.extract(unknown, 63, width), value)

    def _pin(self, known: Known) -> None:
        """The state has that value at the head."""
        fold = self.loops.fold(known.fold)
        if known.state >= len(fold.bounds):
            raise BadNote(f"fold({known.fold})[{known.state}]: it has {len(fold.bounds)} states")
        states = list(self._states(fold, self.rounds))
        states[known.state] = self.loops.wanted.evaluator.const(known.value)
        fold.values[self.rounds] = tuple(states)

    def _states(self, fold: Fold, rounds: Term) -> Numbers:
        """The states after so many rounds. Where the note says, which is demanded, that nothing was found so far, the
        others are as they were."""
        states = fold.after(rounds)
        if fold.is_idle and fold.absorbing is not None:
            number, value = fold.absorbing
            if any(known.state == number and known.value == 1 - value and self.loops.fold(known.fold) is fold
                   for known in self.note.known):
                return (*fold.initial[:number], states[number], *fold.initial[number + 1:])
        return states

    def _value(self, node: ast.expr, state: State, rounds: Term | None = None) -> Term:
        names = self.loops.names if rounds is None else {**self.loops.names, "round": rounds}
        return value_of(self.loops.graph, node, names, state.registers)

    def _folds(self) -> Iterator[Fold]:
        for _, fold, _ in (*self.noted.values(), *self.slots.values()):
            yield fold
        for gathers in self.note.gathers:
            yield self.loops.fold(gathers.fold)
        for known in self.note.known:
            yield self.loops.fold(known.fold)

    # What is demanded.

    def again(self, executor: Executor, state: State) -> None:
        graph = executor.graph
        for name, before in self.head.registers.items():
            if name in self.noted or name in self.spread or name in self.lost:
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
        noted = {self._buffer(name)[0] for name in self._written()}
        for region in {**state.histories, **self.head.histories}:
            if region not in noted and state.history(region) is not self.head.history(region):
                raise Undecided(f"the loop at offset {self.offset:#x} writes to {region.name}, "
                                "and nobody says how far")
        self._demand_all(executor, state, graph.add(self.rounds, graph.const(self.grows, 64)), "after a round")

    def _demand_all(self, executor: Executor, state: State, rounds: Term, when: str) -> None:
        graph = executor.graph
        self._demand(executor, state, graph.ule(rounds, self.most), f"the rounds {when}")
        written: list[tuple[str, Term]] = []
        for buffer in self._written():
            region, final = self._buffer(buffer)
            # The folds that elements are made of: the next one, and those that were written.
            final(rounds)
            written += [(buffer, graph.or_(graph.not_(claim.guard), claim.holds)) for claim in settles(
                graph, state.history(region), self._ranges(buffer, self.entry, rounds), final)]
        for fold in {id(f): f for f in self._folds()}.values():
            self._demand(executor, state, fold.covers(rounds, self.loops.wanted.last),
                         f"how far the contract is {when}")
            if rounds not in fold.milestones:
                fold.milestones.append(rounds)
        for name, (place, fold, holds) in self.noted.items():
            held = self._held(place, fold, holds, rounds, state.registers[name])
            self._demand(executor, state, equal(graph, state.registers[name], held), f"%{place.register} {when}")
        frame = next(r for r in self.loops.call.layout.regions if r.is_frame)
        for at, (place, fold, holds) in self.slots.items():
            word = executor.layout.byte(state.contents, frame, at)
            for j in range(1, 8):
                word = graph.concat(executor.layout.byte(state.contents, frame, at + j), word)
            held = self._held(place, fold, holds, rounds, word)
            self._demand(executor, state, graph.eq(word, held), f"a slot of the frame {when}")
        for gathers in self.note.gathers:
            total = self._gathered(gathers, state.registers)
            wanted = self.loops.fold(gathers.fold).after(rounds)[gathers.state].at(graph, total.width)
            if gathers.operator in MASKS:
                for lane in self._lanes(gathers, state.registers):
                    mask = graph.sext(graph.extract(lane, 0, 0), gathers.width)
                    self._demand(executor, state, graph.eq(lane, mask), f"lanes that are masks {when}")
            self._demand(executor, state, equal(graph, total, wanted),
                         f"the {gathers.operator} of lanes {when}")
        for known in self.note.known:
            value = self.loops.wanted.evaluator.const(known.value)
            state_ = self._states(self.loops.fold(known.fold), rounds)[known.state]
            self._demand(executor, state, same(graph, state_, value), f"what is known {when}")
        for buffer, claimed in written:
            self._demand(executor, state, claimed, f"{buffer} {when}")

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
