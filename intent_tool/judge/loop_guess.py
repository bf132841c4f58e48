"""Notes on the loops of code that comes without any: guessed from short buffers, for the proof by induction to check.

The function is followed symbolically for buffers of a few lengths, and what its registers hold whenever control is at
a loop head is compared with the states of the contract's folds, at a few random values of all variables. Nothing
here has to be right: a wrong guess only loses a proof.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product

from intent_tool.judge.bitvector import Graph, Term, evaluate, signed, variables
from intent_tool.judge.budget import Budget
from intent_tool.judge.execute import State, Undecided
from intent_tool.judge.gathered import OPERATORS, gathered
from intent_tool.judge.layout import Placed
from intent_tool.judge.meaning import meaning
from intent_tool.judge.meaning_unbounded import Fold
from intent_tool.judge.meaning_values import NotUnderstood, Number
from intent_tool.judge.memory import Region, TooMany
from intent_tool.judge.prove import Prover
from intent_tool.judge.semantics import Semantics
from intent_tool.judge.symbolic_call import SymbolicCall, symbolic_call
from intent_tool.judge.symbolic_inputs import length_parameters, symbolic_inputs
from intent_tool.judge.symbolic_lengths import LongMeaning, long_meaning
from intent_tool.language.contract import Contract
from intent_tool.language.walk import fold_sites
from intent_tool.machine.target import Target

LENGTHS = ((9, 12), (70, 99))
"""Pairs that are tried: for loops that take elements one by one, and for those that take many."""
FEWEST = 3
"""Visits that something can be concluded from."""
MODELS = 3
UNROLLED = (1, 2, 4, 8, 16, 32, 64)
MASK = (1 << 64) - 1

Notes = tuple[tuple[int, str], ...]


def guess_notes(contract: Contract, target: Target, placed: Placed, budget: Budget) -> Notes:
    """What may be true of the function's loops; nothing where that is not found out."""
    names = length_parameters(contract)
    if len(names) != 1:
        return ()
    found: dict[int, str] = {}
    missing: set[int] = set()
    for lengths in LENGTHS:
        share = Budget(min(2.0, budget.left() / 3))
        try:
            runs = [_followed(contract, target, placed, share, names[0], length) for length in lengths]
        except (Undecided, TooMany, NotUnderstood):
            return ()
        finally:
            budget.used += share.used
        heads = {head for head in runs[0].loops if not _goes_a_fixed_number(head, runs)}
        for head in sorted(heads - found.keys()):
            text = _Guess(contract, target, names[0], head, runs).text()
            if text:
                found[head] = text
        missing = heads - found.keys()
        if not missing:
            return tuple(found.items())
    return ()


def _goes_a_fixed_number(head: int, runs: Sequence[_Run]) -> bool:
    """Whether the loop goes round equally often each time that the loops around it do."""
    outer = [h for h, blocks in runs[0].loops.items() if h != head and head in blocks]
    counts = [len(run.visits.get(head, ())) for run in runs]
    if not any(counts):
        return False
    for other in outer:
        around = [len(run.visits.get(other, ())) for run in runs]
        if all(around) and counts[0] * around[1] == counts[1] * around[0]:
            return True
    return counts[0] == counts[1]


@dataclass
class _Run:
    """The states at each loop head, one after the other, for one length."""

    length: int
    graph: Graph
    call: SymbolicCall
    wanted: LongMeaning
    visits: dict[int, list[State]] = field(default_factory=dict)
    loops: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """The blocks of each loop, by its head."""
    models: list[dict[str, int]] = field(default_factory=list)

    def values(self, terms: Sequence[Term]) -> list[tuple[int, ...]]:
        """The value of each term in each model."""
        found = variables(terms)
        for name, term in found.items():
            for number, model in enumerate(self.models):
                if name not in model:
                    source = random.Random(f"{name} {number}")
                    model[name] = (term.lo + source.getrandbits(term.width) % (term.hi - term.lo + 1)) \
                        if not name.startswith("address.") else source.getrandbits(40) << 6
        return list(zip(*(evaluate(terms, model) for model in self.models), strict=True))


def _followed(contract: Contract, target: Target, placed: Placed, budget: Budget, name: str, length: int) -> _Run:
    graph = Graph()
    semantics = Semantics(target, graph)
    given = symbolic_inputs(contract, graph, {name: length})
    call = symbolic_call(contract, target, graph, semantics, placed, given)
    requires = meaning(contract, graph, given.inputs).requires
    run = _Run(length, graph, call, long_meaning(contract, graph), {}, {}, [{name: length} for _ in range(MODELS)])

    def seen(offset: int, state: State) -> None:
        run.visits.setdefault(offset, []).append(state.copy(state.path))
    outcome = Prover(contract, target, placed, budget).execute(graph, semantics, call, requires, seen=seen)
    run.loops = outcome.loops
    return run


@dataclass(frozen=True, slots=True)
class _Line:
    """A register that changes by `step` a visit, from `base` (a parameter, or nothing) + `constant` + `factor`*n."""

    register: str
    step: int
    base: str
    constant: int
    factor: int

    def start(self, length: str) -> str:
        parts = [self.base] if self.base else []
        if self.factor:
            parts.append(length if self.factor == 1 else f"{self.factor} * {length}")
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts)


@dataclass
class _Guess:
    contract: Contract
    target: Target
    length: str
    head: int
    runs: Sequence[_Run]

    def text(self) -> str:
        """The note; empty where there is no telling."""
        if any(len(self.states(run)) < FEWEST for run in self.runs):
            return ""
        lines = list(self.lines())
        for first, per_visit, statements in self.paces(lines):
            most = self.most(first, per_visit)
            line = next((t for t in (self.round(line, first, per_visit) for line in lines) if t), "")
            if most and line:
                return "; ".join([f"round {line} <= {most}", *statements])
        return ""

    def states(self, run: _Run) -> list[State]:
        return run.visits.get(self.head, [])

    def column(self, run: _Run, register: str) -> list[tuple[int, ...]]:
        return run.values([s.registers[register] for s in self.states(run)])

    def changing(self) -> Iterator[str]:
        """Whole registers that differ from visit to visit."""
        states = self.states(self.runs[0])
        for name, term in states[0].registers.items():
            if term.width == 64 and any(s.registers[name] is not term for s in states[1:]):
                yield name

    def lines(self) -> Iterator[_Line]:
        for name in self.changing():
            steps = {(b - a) & MASK for run in self.runs for one, two in self.pairs(run, name)
                     for a, b in zip(one, two, strict=True)}
            if len(steps) != 1 or not (step := signed(steps.pop(), 64)):
                continue
            starts = [self.column(run, name)[0] for run in self.runs]
            for base in ("", *(f"address.{p}" for p in self.buffers())):
                rests = []
                for run, start in zip(self.runs, starts, strict=True):
                    own = run.values([run.graph.var(base, 64)])[0] if base else (0,) * MODELS
                    found = {signed((a - b) & MASK, 64) for a, b in zip(start, own, strict=True)}
                    rests.append(found.pop() if len(found) == 1 else None)
                if rests[0] is None or rests[1] is None:
                    continue
                factor, left = divmod(rests[1] - rests[0], self.runs[1].length - self.runs[0].length)
                if not left:
                    yield _Line(name, step, base.removeprefix("address."),
                                rests[0] - factor * self.runs[0].length, factor)
                    break

    def pairs(self, run: _Run, register: str) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        column = self.column(run, register)
        yield from pairwise(column)

    def buffers(self) -> list[str]:
        assert self.contract.signature is not None
        return [p.name for p in self.contract.signature.parameters if p.buffer is not None]

    def paces(self, lines: Sequence[_Line]) -> Iterator[tuple[int, int, list[str]]]:
        """How many rounds are done at the first visit and between two, with what is held then."""
        linear = {line.register for line in lines}
        held = [name for name in self.changing() if name not in linear]
        for per_visit in UNROLLED:
            for first in (0, 1):
                if max(first + per_visit * (len(self.states(r)) - 1) - r.length for r in self.runs) > 0:
                    continue
                statements = [t for name in held if (t := self.holds(name, first, per_visit))]
                statements += self.gathered(first, per_visit)
                written = list(self.written(first, per_visit))
                known = list(self.known(statements))
                if statements or written or known:
                    yield first, per_visit, [*statements, *known, *written]

    def holds(self, register: str, first: int, per_visit: int) -> str:
        """The fold's state that a register holds, if any."""
        for number, fold in self.folds(self.runs[0]):
            for state in range(len(fold.bounds)):
                for name, width in self.names(register):
                    if all(self.matches(run, register, number, state, width, first, per_visit) for run in self.runs):
                        return f"%{name} = fold({number})[{state}]"
        return ""

    def matches(self, run: _Run, register: str, number: int, state: int, width: int, first: int,
                per_visit: int) -> bool:
        fold = dict(self.folds(run)).get(number)
        if fold is None:
            return False
        column, wanted = self.column(run, register), []
        for k in range(len(column)):
            value = fold.after(run.graph.const(first + per_visit * k, 64))[state]
            wanted.append(self.widened(run.graph, value, width))
        mask = MASK if width != 32 or self.target.isa == "riscv64" else (1 << 32) - 1
        return all(a & mask == b & mask for one, two in zip(column, run.values(wanted), strict=True)
                   for a, b in zip(one, two, strict=True))

    def gathered(self, first: int, per_visit: int) -> list[str]:
        """The folds' states that the lanes of vector registers are together, if any."""
        states = self.states(self.runs[0])
        changed = [name for name, term in states[0].registers.items() if term.width > 64
                   and any(s.registers[name] is not term for s in states[1:])]
        for number, fold in self.folds(self.runs[0]):
            for state in range(len(fold.bounds)):
                for registers in [[c] for c in changed] + ([changed] if len(changed) > 1 else []):
                    for bits in (128, 256) if self.target.isa == "x86_64" else (128,):
                        for operator, width in product(OPERATORS, (64, 32, 16, 8)):
                            if all(self.gathers(run, operator, width, registers, bits, (number, state), first,
                                                per_visit) for run in self.runs):
                                names = " ".join(f"%{'x' + r[1:] if (r[0], bits) == ('y', 128) else r}"
                                                 for r in registers)
                                return [f"{operator} {width}: {names} = fold({number})[{state}]"]
        return []

    def gathers(self, run: _Run, operator: str, width: int, registers: Sequence[str], bits: int,
                which: tuple[int, int], first: int, per_visit: int) -> bool:
        fold, graph = dict(self.folds(run)).get(which[0]), run.graph
        if fold is None:
            return False
        terms: list[Term] = []
        for k, visit in enumerate(self.states(run)):
            lanes = [graph.extract(visit.registers[r], (at + 1) * width - 1, at * width)
                     for r in registers for at in range(bits // width)]
            wanted = fold.after(graph.const(first + per_visit * k, 64))[which[1]].at(graph, width)
            terms += [gathered(graph, operator, lanes), wanted]
        values = run.values(terms)
        return all(a == b for a, b in zip(values[::2], values[1::2], strict=True))

    def widened(self, graph: Graph, value: Number, width: int) -> Term:
        low = value.at(graph, width)
        return low if width == 64 else graph.sext(low, 64)

    def names(self, register: str) -> list[tuple[str, int]]:
        """How notes call the register, whole and its low 32 bits."""
        if self.target.isa == "riscv64":
            return [(register, 64), (f"{register}.w", 32)]
        if self.target.isa == "arm64":
            return [(register, 64), ("w" + register[1:], 32)]
        return [(register, 64), (f"{register}d" if register[1:].isdigit() else "e" + register[1:], 32)]

    def folds(self, run: _Run) -> Iterator[tuple[int, Fold]]:
        sites = [(s.source.path, s.line, s.column) for s in fold_sites(self.contract)]
        for fold in run.wanted.folds:
            for span in fold.spans:
                place = (span.source.path, span.line, span.column)
                if place in sites:
                    yield sites.index(place), fold
                    break

    def known(self, statements: Sequence[str]) -> Iterator[str]:
        """Searches that have found nothing yet."""
        for number, fold in self.folds(self.runs[0]):
            if fold.absorbing is not None and not any(f"fold({number})[" in s for s in statements):
                state, value = fold.absorbing
                yield f"fold({number})[{state}] == {1 - value}"

    def written(self, first: int, per_visit: int) -> Iterator[str]:
        for name in self.contract.writes:
            ranges: tuple[tuple[str, Callable[[int, int], range]], ...] = (
                (f"written {name}[0 : round]", lambda n, k: range(k)),
                (f"written {name}[{self.length} - round : {self.length}]", lambda n, k: range(n - k, n)),
                (f"written {name}[0 : {self.length}]", lambda n, k: range(n)))
            for text, elements in ranges:
                if all(self.touched(run, name, state) == set(elements(run.length, first + per_visit * k))
                       for run in self.runs for k, state in enumerate(self.states(run))):
                    yield text
                    break

    def touched(self, run: _Run, name: str, state: State) -> set[int]:
        assert self.contract.signature is not None
        region: Region = run.call.buffers[name]
        size = self.contract.signature.parameter(name).type.bytes
        return {at // size for (where, at), value in state.contents.items()
                if where is region and value is not region.initial(at)}

    def most(self, first: int, per_visit: int) -> str:
        """The rounds at the last visit."""
        n = self.length
        last: Mapping[int, int] = {run.length: first + per_visit * (len(self.states(run)) - 1) for run in self.runs}
        candidates: tuple[tuple[str, Callable[[int], int]], ...] = (
            (f"{n} - 1", lambda k: k - 1), (n, lambda k: k), (f"{n} - 2", lambda k: k - 2),
            (f"({n} & -{per_visit}) - {per_visit}", lambda k: (k & -per_visit) - per_visit),
            (f"{n} & -{per_visit}", lambda k: k & -per_visit))
        for text, of in candidates:
            if all(of(length) == value for length, value in last.items()):
                return text
        return ""

    def round(self, line: _Line, first: int, per_visit: int) -> str:
        """The rounds that are done, by a register that changes evenly."""
        step = abs(line.step)
        start = line.start(self.length)
        distance = f"(%{line.register} - ({start}))" if line.step > 0 else f"({start} - %{line.register})"
        if step % per_visit == 0:
            scaled = distance if step == per_visit else f"{distance} // {step // per_visit}"
        elif per_visit % step == 0:
            scaled = f"{distance} * {per_visit // step}"
        else:
            return ""
        return f"{scaled} + {first}" if first else scaled
