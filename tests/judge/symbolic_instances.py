"""One instruction executed symbolically, as a function from machine states to machine states."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from table_emulators import WINDOW_BYTES, Harness
from term_code import compiled

from intent_tool.judge.bitvector import Graph, Term, evaluate, topological, variables
from intent_tool.judge.semantics import Instruction, Semantics, Step
from intent_tool.machine.target import Target


@dataclass
class Recorded:
    """Memory that remembers what was done: a load gives a new variable."""

    graph: Graph
    loads: list[tuple[Term, int]] = field(default_factory=list)
    stores: list[tuple[Term, Term]] = field(default_factory=list)

    def load(self, address: Term, size: int) -> Term:
        assert not self.stores, "a load after a store"
        self.loads.append((address, size))
        return self.graph.var(f"memory.{len(self.loads) - 1}", 8 * size)

    def store(self, address: Term, value: Term) -> None:
        self.stores.append((address, value))


@dataclass
class Executed:
    """What one instruction, at one address, does to any state."""

    instruction: Instruction
    graph: Graph
    before: dict[str, Term]
    after: dict[str, Term]
    memory: Recorded
    step: Step

    @property
    def changed(self) -> list[str]:
        return [name for name, term in self.after.items() if term is not self.before[name]]


def execute(target: Target, code: bytes, address: int) -> Executed:
    """Raises `Refused`."""
    graph = Graph()
    semantics = Semantics(target, graph)
    (instruction,) = semantics.lift(code, address).values()
    before = {name: graph.var(name, width) for name, width in semantics.registers}
    after = dict(before)
    memory = Recorded(graph)
    step = semantics.execute(instruction, after, memory)
    widths = dict(semantics.registers)
    assert after.keys() == widths.keys()
    assert all(term.width == widths[name] for name, term in after.items())
    return Executed(instruction, graph, before, after, memory, step)


@dataclass
class Expected:
    """A state afterwards; with masks of what is defined of it."""

    values: list[int]
    masks: list[int]
    leaves: bool
    """It branches or returns."""
    memory: bytes
    known: bytes


Values = Sequence[int]
"""Of a state: the general registers, then the flags, then the vectors, each in the ISA's order."""


class Layout:
    """Where each part of the state is in `Values` and in the harness's records."""

    def __init__(self, harness: Harness) -> None:
        isa = harness.isa
        self.harness, self.isa = harness, isa
        self.names = [*isa.registers, *isa.flags, *isa.vectors]
        self.index = {name: at for at, name in enumerate(self.names)}
        self.widths = [64] * len(isa.registers) + [1] * len(isa.flags) + [*isa.vectors.values()]

    def pack(self, slot: int, values: Values, memory: bytes) -> bytes:
        isa = self.isa
        general = len(isa.registers)
        flags = sum(values[general + at] << bit for at, bit in enumerate(isa.flags.values()))
        vectors = (v.to_bytes(bits // 8, "little")
                   for v, bits in zip(values[general + len(isa.flags):], isa.vectors.values(), strict=True))
        return self.harness.record.pack(slot, flags, *values[:general], 0, *vectors, memory)

    def unpack(self, record: Sequence[int | bytes]) -> tuple[list[int], bool, bytes]:
        """The values, whether it branched, and memory."""
        general = len(self.isa.registers)
        flags = record[1]
        assert isinstance(flags, int)
        values = [int(v) for v in record[2:2 + general]]
        values += [flags >> bit & 1 for bit in self.isa.flags.values()]
        values += [int.from_bytes(v, "little") for v in record[3 + general:-1]]  # type: ignore[arg-type]
        memory = record[-1]
        assert isinstance(memory, bytes)
        return values, bool(record[2 + general]), memory


class Function:
    """An executed instruction, ready for very many states."""

    def __init__(self, executed: Executed, layout: Layout) -> None:
        self.executed, self.layout = executed, layout
        memory, step = executed.memory, executed.step
        sources = {name: f"s[{at}]" for name, at in layout.index.items()}
        sources["df"] = "0"
        window = layout.harness.window
        for number, (_, size) in enumerate(memory.loads):
            start = f"{{{number}}} - {window}"
            sources[f"memory.{number}"] = f"int.from_bytes(m[{start}:{start} + {size}], 'little')"
        undefined = {name: f"u & {hex((1 << term.width) - 1)}" for name, term in variables(_roots(executed)).items()
                     if name.startswith("undefined.")}
        sources |= undefined
        self.is_undefined = bool(undefined)
        addresses = [a for a, _ in memory.loads]
        self.places = [a for a, _ in memory.stores]
        self.changed = executed.changed
        assert set(self.changed) <= layout.index.keys()
        outcome = [executed.after[name] for name in self.changed]
        outcome += [t for pair in memory.stores for t in pair]
        outcome += [step.condition] if step.condition is not None else []
        self.outcome = outcome
        self.skip = len(addresses)
        self._outcome = compiled([*addresses, *outcome], sources, "s, m, u")
        self._addresses = compiled([*addresses, *self.places], sources, "s, m, u")
        self._traps = compiled([*addresses, *(condition for condition, _ in step.traps)], sources, "s, m, u")
        self.sizes = [size for _, size in memory.loads] + [v.width // 8 for _, v in memory.stores]
        self.aims = [_aims(a, layout) for a in [*addresses, *self.places]]

    def aim(self, values: list[int], memory: bytes, rng: random.Random) -> bool:
        """Changes registers so that all memory accesses fall into the window; False if that cannot be done."""
        window = self.layout.harness.window
        together = sum(self.sizes)
        used: set[int] = set()
        for number, (candidates, size) in enumerate(zip(self.aims, self.sizes, strict=True)):
            address = self._addresses(values, memory, 0)[number]
            free = [(at, scale) for at, scale in candidates if at not in used]
            if not free or (used and window <= address and address + size <= window + WINDOW_BYTES):
                continue
            at, scale = rng.choice(free)
            used.add(at)
            distance = window + rng.randrange(WINDOW_BYTES - together + 1) - address
            values[at] = values[at] + distance // scale & (1 << 64) - 1
        return all(window <= a and a + size <= window + WINDOW_BYTES
                   for a, size in zip(self._addresses(values, memory, 0), self.sizes, strict=True))

    def traps(self, values: Values, memory: bytes) -> bool:
        return any(self._traps(values, memory, 0)[self.skip:])

    def check(self, values: Values, memory: bytes) -> None:
        """The functions say what `bitvector.evaluate` does."""
        executed, window = self.executed, self.layout.harness.window
        given = dict(zip(self.layout.names, values, strict=True))
        for number, ((address, size), place) in enumerate(zip(
                executed.memory.loads, self._outcome(values, memory, 0), strict=False)):
            assert evaluate([address], given) == [place]
            given[f"memory.{number}"] = int.from_bytes(memory[place - window:place - window + size], "little")
        assert evaluate(self.outcome, given) == self._outcome(values, memory, 0)[self.skip:]

    def __call__(self, values: Values, memory: bytes) -> Expected:
        one = self._outcome(values, memory, 0)[self.skip:]
        other = self._outcome(values, memory, -1)[self.skip:] if self.is_undefined else one
        layout = self.layout
        after, masks = list(values), [-1] * len(values)
        for name, x, y in zip(self.changed, one, other, strict=False):
            at = layout.index[name]
            after[at], masks[at] = x, ~(x ^ y)
        at = len(self.changed)
        window, known = bytearray(memory), bytearray(b"\xff" * len(memory))
        for _, value in self.executed.memory.stores:
            size, place = value.width // 8, one[at] - layout.harness.window
            window[place:place + size] = one[at + 1].to_bytes(size, "little")
            known[place:place + size] = ((one[at + 1] ^ other[at + 1]) ^ (1 << 8 * size) - 1).to_bytes(size, "little")
            at += 2
        step = self.executed.step
        branches = step.destination is not None
        if step.condition is not None:
            branches = bool(one[at])
        return Expected(after, masks, branches or step.target is not None, bytes(window), bytes(known))


def _roots(executed: Executed) -> list[Term]:
    memory, step = executed.memory, executed.step
    roots = [executed.after[name] for name in executed.changed]
    roots += [t for pair in memory.stores for t in pair] + [a for a, _ in memory.loads]
    return roots + [t for t in (step.condition, step.target) if t is not None]


def _aims(address: Term, layout: Layout) -> list[tuple[int, int]]:
    """The places of the registers that move the address, and by how much."""
    if address.op == "var":
        return [(layout.index[address.data], 1)]
    parts = list(zip(address.data[0], address.args, strict=True)) if address.op == "sum" else []
    return [(layout.index[term.data], coefficient) for coefficient, term in parts
            if coefficient <= 8 and term.op == "var" and sum(term in topological([t]) for _, t in parts) == 1]


EXTREMES = [0, 1, (1 << 64) - 1, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 64) - (1 << 31), (1 << 32) - 1]
EDGES = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff,
         0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000]


def pool(rng: random.Random) -> list[int]:
    """Contents of registers: edges and their negatives, numbers of all sizes, and halves joined from these."""
    full = (1 << 64) - 1
    found = [sign * edge & full for edge in EDGES for sign in (1, -1)]
    found += [rng.getrandbits(rng.randrange(1, 65)) for _ in range(60)]
    found += [rng.getrandbits(64) for _ in range(60)]
    found += [rng.choice(found) << 32 & full | rng.choice(found) & 0xffff_ffff for _ in range(60)]
    return found
