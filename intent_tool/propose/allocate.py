"""Register allocation: live intervals with holes, placed in order of their start, evicting what is cheaper.

After Poletto and Sarkar, Linear Scan Register Allocation (TOPLAS 1999), with the holes of Traub, Holloway and
Smith (PLDI 1998). What does not fit is spilled everywhere (constants are made again instead) and all is tried anew.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass, field

from intent_tool.propose.machine_ir import Backend, Code, CodeBlock, Register, Slot, is_register_kind

Segment = tuple[int, int]

CONSTANT, COUNTING = 0.25, 8.0
"""What it costs to have a value elsewhere than in a register, beside others: of a constant, and of what counts the
rounds of a loop, whose note needs it in one."""


@dataclass(slots=True)
class Places:
    """Where each virtual register has come to be: in a physical one, or in a frame slot; constants in neither."""

    registers: dict[int, str] = field(default_factory=dict)
    slots: dict[int, Slot] = field(default_factory=dict)


def allocate(blocks: list[CodeBlock], backend: Backend) -> Places:
    """Replace virtual by physical registers in place."""
    slots: dict[int, Slot] = {}
    temporary: set[int] = set()
    while True:
        intervals = live_intervals(blocks)
        weights = _weights(blocks, intervals, temporary, backend)
        places, spilled = _place(intervals, weights, backend, _hints(blocks))
        if not spilled:
            break
        for register in sorted(spilled):
            assert register not in temporary, "a register that only crosses one instruction found no place"
            if register in backend.remake:
                _remake(blocks, backend, register, temporary)
            else:
                slots[register] = Slot(len(slots))
                _spill(blocks, backend, register, slots[register], temporary)
    for block in blocks:
        for part in (block.body, block.end):
            for code in part:
                code.values = [places.get(v, v) if isinstance(v, int) and is_register_kind(o.kind) else v
                               for o, v in zip(code.row.operands, code.values, strict=True)]
            part[:] = [c for c in part if not (c.copy and c.values[0] == c.values[1])]
    return Places(places, slots)


def live_intervals(blocks: list[CodeBlock]) -> dict[Register, list[Segment]]:
    """For each register the half-open segments where it holds a value that is still wanted.

    Instruction number i reads at 2i and writes at 2i+1."""
    live_in = live_at_start(blocks)
    segments: dict[Register, list[Segment]] = defaultdict(list)
    number = sum(len(b.body) + len(b.end) for b in blocks)
    for block in reversed(blocks):
        codes = block.codes()
        first = number - len(codes)
        end: dict[Register, int] = {}
        for successor in block.successors:
            for register in live_in[id(successor)]:
                end[register] = 2 * number
        for i in range(number - 1, first - 1, -1):
            code = codes[i - first]
            for register in code.writes():
                segments[register].append((2 * i + 1, end.pop(register, 2 * i + 2)))
            for register in code.reads():
                end.setdefault(register, 2 * i + 1)
        for register, last in end.items():
            segments[register].append((2 * first, last))
        number = first
    return {register: _merged(found) for register, found in segments.items()}


def _merged(segments: list[Segment]) -> list[Segment]:
    segments.sort()
    result: list[Segment] = []
    for start, end in segments:
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def live_at_start(blocks: list[CodeBlock]) -> dict[int, set[Register]]:
    """By the id of a block, the registers whose content it or what follows wants."""
    reads: dict[int, set[Register]] = {}
    writes: dict[int, set[Register]] = {}
    for block in blocks:
        read: set[Register] = set()
        written: set[Register] = set()
        for code in block.codes():
            read.update(r for r in code.reads() if r not in written)
            written.update(code.writes())
        reads[id(block)], writes[id(block)] = read, written
    live: dict[int, set[Register]] = {id(b): set(reads[id(b)]) for b in blocks}
    changed = True
    while changed:
        changed = False
        for block in reversed(blocks):
            out = set().union(*(live[id(s)] for s in block.successors)) if block.successors else set()
            now = reads[id(block)] | (out - writes[id(block)])
            if len(now) != len(live[id(block)]):
                live[id(block)], changed = now, True
    return live


def _weights(blocks: list[CodeBlock], intervals: dict[Register, list[Segment]], temporary: set[int],
             backend: Backend) -> dict[Register, float]:
    uses: dict[Register, float] = defaultdict(float)
    for block in blocks:
        for code in block.codes():
            for register in (*code.reads(), *code.writes()):
                uses[register] += 10.0 ** min(block.depth, 4)
    # A constant is made again more easily than something is stored and loaded.
    costs: dict[Register, float] = dict.fromkeys(backend.remake, CONSTANT)
    costs.update(dict.fromkeys(backend.counting, COUNTING))
    return {register: float("inf") if register in temporary else
            costs.get(register, 1.0) * uses[register] / sum(end - start for start, end in segments)
            for register, segments in intervals.items()}


def _hints(blocks: list[CodeBlock]) -> dict[Register, list[Register]]:
    hints: dict[Register, list[Register]] = defaultdict(list)
    for block in blocks:
        for code in block.codes():
            if code.copy:
                d, a = code.values
                hints[d].append(a)  # type: ignore[index, arg-type]
                hints[a].append(d)  # type: ignore[index, arg-type]
    return hints


class _File:
    """What each physical register is busy with: sorted (start, end, virtual register or -1)."""

    def __init__(self, registers: tuple[str, ...]) -> None:
        self.busy: dict[str, list[tuple[int, int, int]]] = {r: [] for r in registers}

    def conflicts(self, register: str, segments: list[Segment]) -> set[int]:
        busy, found = self.busy[register], set()
        for start, end in segments:
            k = bisect_left(busy, (start,))
            if k and busy[k - 1][1] > start:
                found.add(busy[k - 1][2])
            while k < len(busy) and busy[k][0] < end:
                found.add(busy[k][2])
                k += 1
        return found

    def take(self, register: str, segments: list[Segment], owner: int) -> None:
        for start, end in segments:
            insort(self.busy[register], (start, end, owner))

    def free(self, register: str, owner: int) -> None:
        self.busy[register] = [s for s in self.busy[register] if s[2] != owner]


def _place(intervals: dict[Register, list[Segment]], weights: dict[Register, float], backend: Backend,
           hints: dict[Register, list[Register]]) -> tuple[dict[int, str], set[int]]:
    file = _File(backend.registers)
    for register, segments in intervals.items():
        if isinstance(register, str) and register in file.busy:
            file.take(register, segments, -1)
    waiting = sorted((segments[0][0], r) for r, segments in intervals.items() if isinstance(r, int))
    places: dict[int, str] = {}
    spilled: set[int] = set()
    while waiting:
        _, virtual = waiting.pop(0)
        segments = intervals[virtual]
        wanted = _wanted(virtual, hints, places, file)
        order = [*dict.fromkeys((*wanted, *backend.registers))]
        best: tuple[float, str, set[int]] | None = None
        for register in order:
            conflicts = file.conflicts(register, segments)
            if not conflicts:
                best = (0.0, register, conflicts)
                break
            if -1 in conflicts:
                continue
            price = max(weights[c] for c in conflicts)
            if best is None or price < best[0]:
                best = (price, register, conflicts)
        if best is None or (best[2] and best[0] >= weights[virtual]):
            spilled.add(virtual)
            continue
        _, register, conflicts = best
        for other in conflicts:
            file.free(register, other)
            del places[other]
            insort(waiting, (intervals[other][0][0], other))
        file.take(register, segments, virtual)
        places[virtual] = register
    return places, spilled


def _wanted(virtual: int, hints: dict[Register, list[Register]], places: dict[int, str], file: _File) -> list[str]:
    """Registers that would make a copy unnecessary; also those that a copy's other end would like."""
    found: list[str] = []
    for other in hints.get(virtual, ()):
        name = other if isinstance(other, str) else places.get(other)
        if name is not None and name in file.busy:
            found.append(name)
    for other in hints.get(virtual, ()):
        if isinstance(other, int) and other not in places:
            found += [h for h in hints.get(other, ()) if isinstance(h, str) and h in file.busy]
    return found


def _spill(blocks: list[CodeBlock], backend: Backend, register: int, slot: Slot, temporary: set[int]) -> None:
    for block in blocks:
        for part in (block.body, block.end):
            result: list[Code] = []
            for code in part:
                reads, writes = register in code.reads(), register in code.writes()
                if not reads and not writes:
                    result.append(code)
                    continue
                local = backend.new()
                temporary.add(local)
                _replace(code, register, local)
                if reads:
                    result.append(backend.load(local, slot))
                result.append(code)
                if writes:
                    result.append(backend.store(local, slot))
            part[:] = result


def _remake(blocks: list[CodeBlock], backend: Backend, register: int, temporary: set[int]) -> None:
    """A constant: drop its definition and make it again before each use."""
    make = backend.remake[register]
    for block in blocks:
        for part in (block.body, block.end):
            result: list[Code] = []
            for code in part:
                if register in code.writes():
                    continue
                if register in code.reads():
                    local = backend.new()
                    temporary.add(local)
                    result += make(local)
                    _replace(code, register, local)
                result.append(code)
            part[:] = result


def _replace(code: Code, register: int, by: int) -> None:
    code.values = [by if v == register and isinstance(v, int) and is_register_kind(o.kind) else v
                   for o, v in zip(code.row.operands, code.values, strict=True)]
