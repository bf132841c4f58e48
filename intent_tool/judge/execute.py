"""Symbolic execution of one function, all paths at once.

Paths that meet are merged, so straight code with branches takes one visit an instruction. Blocks are visited in a
weak topological order (Bourdoncle, "Efficient chaotic iteration strategies with widenings", 1993): a loop is gone
round until no path stays in it, then what comes after it is done once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from intent_tool.judge.bitvector import Graph, Term, signed
from intent_tool.judge.budget import Budget
from intent_tool.judge.decode import BRANCH, JUMP, RETURN, Decoded
from intent_tool.judge.memory import Contents, Layout, Place, Wild
from intent_tool.judge.memory_unbounded import Either, History, LongRegion, Stored, Untold, Untouched, read
from intent_tool.judge.semantics import Instruction, Semantics

MOST_STEPS = 60_000
"""Instructions executed, all paths together."""
MOST_TERMS = 400_000
MOST_ROUNDS = 1_100
"""Visits of one block, where nothing else is said."""
ASK_FROM = 8
"""From this many visits of a block on it is asked now and then whether the path can be taken at all."""


class Undecided(Exception):
    """The function is beyond what is followed; says why. `doubt` is what it must keep to get there, if it does."""

    def __init__(self, why: str, doubt: Demand | None = None) -> None:
        super().__init__(why)
        self.doubt = doubt


@dataclass(frozen=True, slots=True)
class Demand:
    """Something that the code must keep whatever the inputs are."""

    what: str
    """What it does where it does not, as in ``reads past the end of data``."""
    offset: int | None
    """Of the instruction, from the start of the function."""
    guard: Term
    """When control gets there."""
    holds: Term
    noticeable: bool = True
    """An emulator would stop there, with the layouts that it is given."""


@dataclass(frozen=True, slots=True)
class Influence:
    """Something that decides how long the code takes."""

    what: str
    """``a branch``, ``an address``, ``a division``."""
    offset: int
    term: Term


@dataclass(slots=True)
class State:
    """Where paths are that stand at one instruction."""

    path: tuple[Term, ...]
    """Conditions that hold together."""
    registers: dict[str, Term]
    contents: Contents
    histories: dict[LongRegion, History] = field(default_factory=dict)
    """Of buffers of any length that were written to, or that a loop writes to."""

    def history(self, region: LongRegion) -> History:
        return self.histories.get(region) or Untouched(region)

    def copy(self, path: tuple[Term, ...]) -> State:
        return State(path, dict(self.registers), dict(self.contents), dict(self.histories))


class Cut(Protocol):
    """What holds at a loop head, however often control has come there."""

    def enter(self, executor: Executor, state: State) -> State:
        """Where the loop is entered in `state`: the state of any round."""

    def again(self, executor: Executor, state: State) -> None:
        """Where a round has ended in `state`: demands that it is one that `enter` gave."""


@dataclass(slots=True)
class Outcome:
    """What the function does."""

    state: State | None
    """On return; None when no path gets there."""
    target: Term
    """Where it returns to."""
    demands: list[Demand]
    influences: list[Influence]
    depth: int
    """Bytes of stack used below the stack pointer on entry."""
    steps: int
    loops: Mapping[int, frozenset[int]]
    """The blocks of each loop, by its head."""


@dataclass
class Executor:
    """One run over one function."""

    graph: Graph
    semantics: Semantics
    layout: Layout
    entry: int
    """Address of the first instruction."""
    lifted: Mapping[int, Instruction]
    decoded: Mapping[int, Decoded]
    """By offset."""
    stack: Term
    """The stack pointer on entry."""
    stack_register: str
    red_zone: int
    """Bytes below the stack pointer that are the function's own."""
    stack_arguments: range
    """Offsets from the stack pointer on entry that hold what the caller passed."""
    first_argument: int
    """Where arguments start in them; what is below (the return address) may only be read."""
    possible: Callable[[Term], bool]
    """Whether a condition may hold; True when that is not known."""
    budget: Budget
    cuts: Mapping[int, Cut] = field(default_factory=dict)
    """By the offset of the loop head. What is entered there is gone round once, for all rounds."""
    seen: Callable[[int, State], None] | None = None
    """Is told of every visit of a loop head."""
    most_rounds: int = MOST_ROUNDS
    """Visits of one block."""
    demands: list[Demand] = field(default_factory=list)
    influences: list[Influence] = field(default_factory=list)
    depth: int = 0
    steps: int = 0
    returned: list[tuple[State, Term]] = field(default_factory=list)
    loops: dict[int, frozenset[int]] = field(default_factory=dict)
    successors: dict[int, list[int]] = field(default_factory=dict)
    rank: dict[int, int] = field(default_factory=dict)
    """The place of each block in the order in which they are visited."""

    def run(self, registers: dict[str, Term]) -> Outcome:
        """Raises `Undecided`, and what `Semantics.execute` raises."""
        self.successors = self._blocks()
        order = _weak_topological_order(self.successors, 0)
        self.rank = {start: i for i, start in enumerate(order)}
        self._explore({0: State((), registers, {})}, None)
        loops = {head: self.loop(head) for head in self.rank
                 if len(self.loop(head)) > 1 or head in self.successors[head]}
        if not self.returned:
            return Outcome(None, self.graph.const(0, 64), self.demands, self.influences, self.depth, self.steps,
                           loops)
        state, target = self.returned[0]
        for other, other_target in self.returned[1:]:
            state.registers["return target"], other.registers["return target"] = target, other_target
            state = self._merged(state, other)
            target = state.registers["return target"]
        return Outcome(state, target, self.demands, self.influences, self.depth, self.steps,
                           loops)

    def _explore(self, pending: dict[int, State], head: int | None) -> None:
        """Follows all paths; with `head` only those of a round of that loop, which is begun already."""
        visits: dict[int, int] = {}
        loop = self.loop(head) if head is not None else None
        begun = head is not None
        while pending:
            if self.budget.left() <= 0:
                raise Undecided("the time was up while its paths were followed")
            start = min(pending, key=self.rank.__getitem__)
            state = pending.pop(start)
            visits[start] = count = visits.get(start, 0) + 1
            if count >= ASK_FROM and (count & (count - 1) == 0 or count % 64 == 1) and state.path \
                    and not self.possible(self.conjunction(state.path)):
                continue
            if count > self.most_rounds:
                raise Undecided(f"the loop at offset {start:#x} may go round more than {self.most_rounds} times")
            if start in self.cuts and not (begun and start == head):
                state = self.cuts[start].enter(self, state)
            begun = False
            if self.seen is not None and (len(self.loop(start)) > 1 or start in self.successors[start]):
                self.seen(start, state)
            for offset, successor in self._block(start, state):
                if loop is not None and offset not in loop:
                    continue
                if offset in self.cuts and self.rank[offset] <= self.rank[start] and start in self.loop(offset):
                    self.cuts[offset].again(self, successor)
                    continue
                known = pending.get(offset)
                pending[offset] = successor if known is None else self._merged(known, successor)

    def loop(self, head: int) -> frozenset[int]:
        """The blocks from which control may come back to a loop head without leaving the loop: what it dominates
        and what reaches it, as far as the order of the blocks tells."""
        known = self.loops.get(head)
        if known is None:
            before: dict[int, list[int]] = {}
            for block in self.rank:
                for successor in self.successors[block]:
                    before.setdefault(successor, []).append(block)
            found, waiting = {head}, [b for b in before.get(head, ()) if self.rank[b] >= self.rank[head]]
            while waiting:
                block = waiting.pop()
                if block not in found:
                    found.add(block)
                    waiting += [b for b in before.get(block, ()) if self.rank[b] > self.rank[head]]
            known = self.loops[head] = frozenset(found)
        return known

    def rounds(self, head: int, state: State, cut: Cut) -> None:
        """Goes one round of a loop from `state` at its head, without demanding anything of it; `cut` is told of
        the states that come back."""
        saved = self.demands, self.influences, self.returned, self.cuts, self.depth
        self.demands, self.influences, self.returned = [], [], []
        self.cuts = {**self.cuts, head: cut}
        try:
            self._explore({head: state.copy(state.path)}, head)
        finally:
            self.demands, self.influences, self.returned, self.cuts, self.depth = saved

    def conjunction(self, path: tuple[Term, ...]) -> Term:
        total = self.graph.true
        for condition in path:
            total = self.graph.and_(total, condition)
        return total

    # Blocks.

    def _blocks(self) -> dict[int, list[int]]:
        """Every basic block by its first offset, with its successors."""
        ends = {}
        leaders = {0}
        for offset, i in self.decoded.items():
            if i.flow in (JUMP, BRANCH, RETURN):
                ends[offset] = i
                leaders.add(offset + i.size)
                if i.destination is not None:
                    leaders.add(i.destination)
        self.leaders = leaders & self.decoded.keys()
        blocks: dict[int, list[int]] = {}
        for leader in self.leaders:
            offset = leader
            while offset not in ends and offset + self.decoded[offset].size in self.decoded \
                    and offset + self.decoded[offset].size not in self.leaders:
                offset += self.decoded[offset].size
            last = self.decoded[offset]
            successors = []
            if last.flow in (JUMP, BRANCH) and last.destination is not None:
                successors.append(last.destination)
            if last.flow not in (JUMP, RETURN):
                successors.append(offset + last.size)
            blocks[leader] = successors
        return blocks

    def _block(self, start: int, state: State) -> list[tuple[int, State]]:
        """Executes from `start` to the end of its block."""
        graph = self.graph
        offset = start
        guard = self.conjunction(state.path)
        port = _Port(self, state, guard)
        while True:
            instruction = self.lifted[self.entry + offset]
            self.steps += 1
            if self.steps > MOST_STEPS or len(graph) > MOST_TERMS:
                raise Undecided(f"it is too large to follow: {self.steps} steps, {len(graph)} terms")
            port.offset = offset
            before = state.registers[self.stack_register]
            try:
                step = self.semantics.execute(instruction, state.registers, port)
                port.settle(before)
            except _Outside:
                # Nothing that follows on this path means anything; that it is never taken is demanded.
                return []
            self._stack_moved(before, state.registers[self.stack_register])
            for condition, what in step.traps:
                self.demand(what, offset, guard, graph.not_(condition))
            self.influences += [Influence("a division", offset, t) for t in step.timing if not t.is_const]
            if step.target is not None:
                self.returned.append((state, step.target))
                return []
            following = offset + instruction.size
            if step.destination is not None:
                target = step.destination - self.entry
                if step.condition is None or step.condition is graph.true:
                    return [(target, state)]
                if step.condition is not graph.false:
                    return self._fork(state, step.condition, offset, target, following)
            offset = following
            if offset in self.leaders:
                return [(offset, state)]

    def _stack_moved(self, before: Term, now: Term) -> None:
        if now is not before:
            distance = self.graph.sub(now, self.stack)
            if distance.op == "const" and distance.data >> 63:
                self.depth = max(self.depth, (1 << 64) - distance.data)

    def _fork(self, state: State, condition: Term, offset: int, target: int,
              following: int) -> list[tuple[int, State]]:
        self.influences.append(Influence("a branch", offset, condition))
        arms = []
        for place, holds in ((target, condition), (following, self.graph.not_(condition))):
            if self.graph.not_(holds) in state.path:
                continue
            path = state.path if holds in state.path else (*state.path, holds)
            if self.conjunction(path) is self.graph.false:
                continue
            arms.append((place, state.copy(path)))
        return arms

    def demand(self, what: str, offset: int | None, guard: Term, holds: Term, noticeable: bool = True) -> None:
        if holds is not self.graph.true and guard is not self.graph.false:
            self.demands.append(Demand(what, offset, guard, holds, noticeable))

    # Merging.

    def _merged(self, one: State, other: State) -> State:
        """Both states as one. Their paths exclude each other."""
        graph = self.graph
        shared = 0
        while shared < min(len(one.path), len(other.path)) and one.path[shared] is other.path[shared]:
            shared += 1
        mine, others = (self.conjunction(s.path[shared:]) for s in (one, other))
        either = graph.or_(mine, others)
        path = one.path[:shared] if either is graph.true else (*one.path[:shared], either)
        # Either condition tells the two apart; the shorter way of saying it makes smaller terms.
        by_other = len(other.path) < len(one.path)
        registers = {}
        for name, value in one.registers.items():
            alternative = other.registers[name]
            if value is alternative:
                registers[name] = value
            elif by_other:
                registers[name] = graph.ite(others, alternative, value)
            else:
                registers[name] = graph.ite(mine, value, alternative)
        contents = dict(one.contents)
        for key in {**one.contents, **other.contents}:
            region, at = key
            value, alternative = (self.layout.byte(s.contents, region, at) for s in (one, other))
            contents[key] = value if value is alternative else graph.ite(mine, value, alternative)
        histories: dict[LongRegion, History] = {}
        for long in {**one.histories, **other.histories}:
            a, b = one.history(long), other.history(long)
            histories[long] = a if a is b else Either(mine, a, b)
        return State(path, registers, contents, histories)


class _Port:
    """Memory as the semantics see it: every access is placed, and being inside its region is demanded."""

    def __init__(self, executor: Executor, state: State, guard: Term) -> None:
        self.executor, self.state, self.guard = executor, state, guard
        self.offset = 0
        self.frame_accesses: list[tuple[Place, int, str, Term]] = []
        """Of the current instruction: place, size, verb, guard."""

    def load(self, address: Term, size: int) -> Term:
        places = self._places(address, size, "reads")
        value = self._read(places[0], size)
        for place in places[1:]:
            value = self.executor.graph.ite(place.condition, self._read(place, size), value)
        return value

    def _read(self, place: Place, size: int) -> Term:
        if not isinstance(place.region, LongRegion):
            return self.executor.layout.read(self.state.contents, place, size)
        try:
            return read(self.executor.graph, self.state.history(place.region), place.offset, size)
        except Untold as problem:
            raise Undecided(f"at offset {self.offset:#x} there is {problem}") from None

    def store(self, address: Term, value: Term) -> None:
        for place in self._places(address, value.width // 8, "writes"):
            if isinstance(place.region, LongRegion):
                before = self.state.history(place.region)
                after: History = Stored(before, place.offset, value)
                if place.condition is not self.executor.graph.true:
                    after = Either(place.condition, after, before)
                self.state.histories[place.region] = after
            else:
                self.executor.layout.write(self.state.contents, place, value)

    def _places(self, address: Term, size: int, verb: str) -> list[Place]:
        executor = self.executor
        graph = executor.graph
        try:
            places = executor.layout.places(address, graph.true)
        except Wild:
            if address.is_const:
                executor.demand(f"{verb} at address {address.data:#x}", self.offset, self.guard, graph.false)
                raise _Outside from None
            what = f"{verb} at an address that does not start from a buffer, the stack or its constants"
            doubt = Demand(what, self.offset, self.guard, self._somewhere(address, size), False)
            raise Undecided(f"at offset {self.offset:#x} it {what}", doubt) from None
        good = []
        for place in places:
            if not place.offset.is_const or len(places) > 1:
                executor.influences.append(Influence("an address", self.offset, address))
            guard = graph.and_(self.guard, place.condition)
            if place.region.is_frame:
                self.frame_accesses.append((place, size, verb, guard))
                good.append(place)
            elif self._in_region(place, size, verb, guard):
                good.append(place)
        if not good:
            raise _Outside
        return good

    def _somewhere(self, address: Term, size: int) -> Term:
        """Whether an access lies in any region at all; the stack's is taken to be larger than it is."""
        graph = self.executor.graph
        inside = graph.false
        for region in self.executor.layout.regions:
            start, length = (-region.size, 2 * region.size) if region.is_frame else (region.start, region.size)
            offset = graph.sub(graph.sub(address, region.base), graph.const(start % (1 << 64), 64))
            if length >= size:
                inside = graph.or_(inside, graph.ule(offset, graph.const(length - size, 64)))
        return inside

    def _in_region(self, place: Place, size: int, verb: str, guard: Term) -> bool:
        """Demands that the access lies in its region; False when it surely does not."""
        executor, region = self.executor, place.region
        graph = executor.graph
        if verb == "writes" and not region.writable:
            executor.demand(f"writes to {region.name}, which is const", self.offset, guard, graph.false)
            return False
        if isinstance(region, LongRegion):
            width = graph.const(size, 64)
            inside = graph.and_(graph.ule(width, region.extent),
                                graph.ule(place.offset, graph.sub(region.extent, width)))
        else:
            room = region.size - size
            inside = graph.false if room < 0 else graph.ule(place.offset, graph.const(room, 64))
        side = "before the start" if place.offset.shi < 0 else "past the end"
        executor.demand(f"{verb} {side} of {region.name}", self.offset, guard, inside, region.is_buffer)
        return inside is not graph.false

    def settle(self, before: Term) -> None:
        """Demands what the instruction's accesses to the stack have to keep, now that it is known where the stack
        pointer is after it, too: a push writes below the one, a pop reads below the other."""
        executor = self.executor
        accesses, self.frame_accesses = self.frame_accesses, []
        distances = []
        for pointer in (before, self.state.registers[executor.stack_register]) if accesses else ():
            distance = executor.graph.sub(pointer, executor.stack)
            if distance.op != "const":
                raise Undecided(f"at offset {self.offset:#x} it is not known how far the stack pointer has moved")
            distances.append(signed(distance.data, 64))
        for place, size, verb, guard in accesses:
            if not self._in_frame(place, size, verb, guard, min(distances) - executor.red_zone) \
                    and place.condition is executor.graph.true:
                raise _Outside

    def _in_frame(self, place: Place, size: int, verb: str, guard: Term, low: int) -> bool:
        """The same for the stack: what is below the stack pointer on entry and not below `low`, and what the caller
        passed."""
        executor = self.executor
        graph = executor.graph
        offset = place.offset
        if offset.op != "const":
            inside = graph.and_(graph.sle(graph.const(low, 64), offset), graph.sle(offset, graph.const(-size, 64)))
            executor.demand(f"{verb} outside of its stack frame", self.offset, guard, inside, noticeable=False)
            executor.depth = max(executor.depth, -low)
            return inside is not graph.false
        at = signed(offset.data, 64)
        passed = executor.stack_arguments
        if low <= at <= -size:
            executor.depth = max(executor.depth, -at)
            return True
        if at in passed and at + size - 1 in passed and (verb == "reads" or at >= executor.first_argument):
            return True
        where = "below the stack pointer" if at < low else "to the stack of its caller" if verb == "writes" else (
            "from the stack of its caller")
        executor.demand(f"{verb} {where}", self.offset, guard, graph.false, noticeable=False)
        return False


class _Outside(Exception):
    """An access that surely lies outside."""


def _weak_topological_order(successors: Mapping[int, list[int]], entry: int) -> list[int]:
    """Blocks such that every loop is contiguous, its head first (Bourdoncle's algorithm, figure 4), iterative
    enough for functions of any size: the recursion is as deep as loops are nested and blocks in a row."""
    number: dict[int, float] = dict.fromkeys(successors, 0)
    stack: list[int] = []
    count = 0
    order: list[int] = []

    def component(vertex: int) -> list[int]:
        partition: list[int] = []
        for successor in successors[vertex]:
            if number[successor] == 0:
                visit(successor, partition)
        return [vertex, *partition]

    def visit(vertex: int, partition: list[int]) -> float:
        nonlocal count
        stack.append(vertex)
        count += 1
        head: float = count
        number[vertex] = head
        loop = False
        for successor in successors[vertex]:
            least = visit(successor, partition) if number[successor] == 0 else number[successor]
            if least <= head:
                head, loop = least, True
        if head == number[vertex]:
            number[vertex] = float("inf")
            element = stack.pop()
            if loop:
                while element != vertex:
                    number[element] = 0
                    element = stack.pop()
                partition[:0] = component(vertex)
            else:
                partition[:0] = [vertex]
        return head

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 10_000 + 4 * len(successors)))
    try:
        visit(entry, order)
    finally:
        sys.setrecursionlimit(limit)
    return order
