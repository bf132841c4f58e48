"""Deciding questions by several solvers at once, each in a child process that can be stopped.

A question is whether a goal follows from assumptions. ``proved`` needs one solver's word; ``refuted`` needs an input
at which evaluating the formulas shows it; all else is ``unknown``. Solvers differ in which questions they take
seconds over, so the second one starts while the first is still at it, and the first answer counts.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pickle
import random
import resource
import select
import signal
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from intent_tool.judge.assume import refutation
from intent_tool.judge.bitvector import Graph, Term, evaluate, signed, topological
from intent_tool.judge.budget import STALLED, Budget, processor_seconds
from intent_tool.judge.solve_bits import Model
from intent_tool.judge.solve_exhaustion import exhaustion_cost

PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"

MEMORY_BYTES = 2 << 30
"""What a solver may take on top of what the process has when it starts."""
_SAMPLES = 32
_QUICK = 3_000_000_000
"""Values computed by trying all inputs, in a few seconds."""
_MOMENT = 0.02
"""Seconds between looks at how the solvers are doing."""
_LATER = 0.15
"""When the first lane begins where another leads, in seconds."""
_PR_SET_PDEATHSIG = 1
LEAST = 0.1
"""Seconds that each question has as long as there are any: less is mostly lost."""
MUCH_MORE = 2
"""How many times the time that a question had it is to have once more."""


@dataclass(frozen=True, slots=True)
class Question:
    assumptions: tuple[Term, ...]
    goal: Term


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    model: Model
    """Values of variables that refute it; those left out may be anything."""
    by: str
    """Which solver; empty when none was needed, or none knew."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One solver."""

    name: str
    start: float
    """How long the earlier ones have had a question when it starts on it, in seconds."""
    share: float
    """The part of a question's time after which it gives way: there are more solvers than processors."""
    check: Callable[[Graph, Sequence[Term]], tuple[str, Model]]
    library: str
    """What it imports: once, before its children are forked."""
    leads: bool = False
    """Whether it is the first where there is a division."""


def lanes() -> tuple[Lane, ...]:
    from intent_tool.judge.solve_bits import bitwuzla_check, bitwuzla_check_abstract, z3_check
    from intent_tool.judge.solve_cases import cases_check
    from intent_tool.judge.solve_exhaustion import exhaustion_check
    from intent_tool.judge.solve_linear import linear_check
    from intent_tool.judge.solve_sweep import sweep_check

    return (
        Lane("bitwuzla", 0.0, 1.0, lambda graph, conditions: bitwuzla_check(conditions), "bitwuzla"),
        Lane("exhaustion", 0.2, 1.0, lambda graph, conditions: exhaustion_check(conditions), "numpy"),
        Lane("z3 linear integers", 0.2, 0.4, lambda graph, conditions: linear_check(conditions), "z3", True),
        Lane("cases", 0.5, 0.2, cases_check, "z3"),
        Lane("sweeping", 0.7, 0.9, sweep_check, "z3"),
        Lane("bitwuzla with abstraction", 1.6, 0.15, lambda graph, conditions: bitwuzla_check_abstract(conditions),
             "bitwuzla"),
        Lane("z3 bit-vectors", 2.0, 0.15, lambda graph, conditions: z3_check(conditions), "z3"),
    )


def decide(graph: Graph, questions: Sequence[Question], budget: Budget, seed: int = 1,
           samples: int = _SAMPLES) -> list[Answer]:
    """The answers, in order, within the budget for all of them. Once one is refuted the rest may stay open."""
    answers: dict[int, Answer] = {}
    for i, question in enumerate(questions):
        if question.goal is graph.true or any(a is graph.false for a in question.assumptions):
            answers[i] = Answer(PROVED, {}, "")
    _sample(questions, answers, random.Random(seed), samples)
    open_questions = [i for i in range(len(questions)) if i not in answers]
    if open_questions and not any(a.status == REFUTED for a in answers.values()):
        _Race(graph, questions, open_questions, answers, budget).run()
    return [answers.get(i, Answer(UNKNOWN, {}, "")) for i in range(len(questions))]


def refutes(question: Question, model: Model) -> bool:
    """Whether the question's goal fails at `model` while its assumptions hold; by evaluation, no solver needed."""
    roots = [*question.assumptions, question.goal]
    if not all(_within(t, model.get(t.data, 0)) for t in topological(roots) if t.op == "var"):
        return False
    *assumed, goal = evaluate(roots, model)
    return all(assumed) and not goal


def _within(variable: Term, value: int) -> bool:
    """Whether a value keeps to the bounds that are part of the variable."""
    value &= (1 << variable.width) - 1
    return variable.lo <= value <= variable.hi and variable.slo <= signed(value, variable.width) <= variable.shi


def _sample(questions: Sequence[Question], answers: dict[int, Answer], rng: random.Random, samples: int) -> None:
    """Answers what edge values and random ones refute."""
    left = [i for i in range(len(questions)) if i not in answers]
    if not left:
        return
    roots = [t for i in left for t in (*questions[i].assumptions, questions[i].goal)]
    order = topological(roots)
    names = [t for t in order if t.op == "var"]
    constants = sorted({t.data for t in order if t.op == "const" and t.width > 4})
    for number in range(samples):
        model = {t.data: _bounded(t, _sample_value(t.width, number, constants, rng)) for t in names}
        values = iter(evaluate(roots, model))
        for i in left:
            held = [next(values) for _ in questions[i].assumptions]
            if not next(values) and all(held) and i not in answers:
                answers[i] = Answer(REFUTED, model, "sample")
        if len(answers) == len(questions):
            return


def _bounded(variable: Term, value: int) -> int:
    """The value, or another one that keeps to the variable's bounds."""
    if _within(variable, value):
        return value
    if variable.slo > -(1 << variable.width - 1) or variable.shi < (1 << variable.width - 1) - 1:
        value = variable.slo + value % (variable.shi - variable.slo + 1)
    if not _within(variable, value):
        value = variable.lo + value % (variable.hi - variable.lo + 1)
    return value & (1 << variable.width) - 1


def _sample_value(width: int, number: int, constants: Sequence[int], rng: random.Random) -> int:
    full = (1 << width) - 1
    if number < 3:
        return (0, full, 1)[number] & full
    kind = rng.randrange(8)
    if kind >= 6 and constants:
        # Near a constant of the formulas, and near its largest multiple.
        constant = rng.choice(constants)
        if kind == 7 and 0 < constant <= full:
            constant *= full // constant
        return (constant + rng.randrange(-1, 2)) & full
    if kind == 0:
        return rng.getrandbits(width)
    if kind == 1:
        return 1 << rng.randrange(width)
    if kind == 2:
        return full ^ (1 << rng.randrange(width))
    if kind == 3:
        return rng.getrandbits(rng.randrange(1, width + 1))
    if kind == 4:
        return (1 << rng.randrange(width)) - 1
    return full - rng.getrandbits(rng.randrange(1, width + 1))


@dataclass
class _Child:
    pid: int
    pipe: int
    lane: int
    questions: list[int]
    """Those not answered yet, in order."""
    before: float = 0.0
    """Processor time when the race for the current question began, in seconds."""
    used: float = 0.0
    """Processor time so far."""
    buffer: bytes = b""


class _Race:
    """One child works through all questions with the first solver; where it lingers, others join in. Where another
    one is likely to be quicker it waits for that."""

    def __init__(self, graph: Graph, questions: Sequence[Question], open_questions: list[int],
                 answers: dict[int, Answer], budget: Budget) -> None:
        self.graph, self.questions, self.left = graph, questions, list(open_questions)
        self.answers, self.budget = answers, budget
        self.lanes = lanes()
        self.conditions = {i: refutation(graph, questions[i].assumptions, questions[i].goal) for i in open_questions}
        for i, conditions in self.conditions.items():
            if conditions == [graph.false]:
                self.left.remove(i)
                answers[i] = Answer(PROVED, {}, "")
        self.children: list[_Child] = []
        self.given_up: dict[int, float] = {}
        """Questions that took longer than their share, and that in seconds."""

    def run(self) -> None:
        try:
            while self.left and not any(a.status == REFUTED for a in self.answers.values()):
                left = self.budget.left()
                if left <= 0:
                    return
                # What one question leaves of its share, the next ones have.
                self._one(min(left, max(left / len(self.left), LEAST)))
                if not self.left:
                    self.left = self._once_more()
        finally:
            for child in list(self.children):
                self._end(child)

    def _once_more(self) -> list[int]:
        """The questions that were given up and for which the others have left much more time than they had."""
        share = self.budget.left() / max(len(self.given_up), 1)
        again = [i for i, had in self.given_up.items() if share > MUCH_MORE * had]
        for i in again:
            del self.given_up[i]
        # No child that goes on with the others is asked about these.
        for child in list(self.children):
            self._end(child)
        return again

    def _one(self, seconds: float) -> None:
        """Races for the first open question; what the first lane goes on to answer meanwhile is taken, too.

        Time is the processor time of the solver that has had most, so that a busy machine changes nothing."""
        current = self.left[0]
        is_quick = exhaustion_cost(self.conditions[current]) < _QUICK
        began = time.monotonic()
        for child in self.children:
            child.before = child.used = processor_seconds(child.pid)
        starts = self._starts(current)
        started, elapsed = {c.lane for c in self.children}, 0.0
        while current in self.left:
            for child in self.children:
                child.used = max(child.used, processor_seconds(child.pid))
            elapsed = max([elapsed, *(c.used - c.before for c in self.children)])
            if elapsed >= seconds or time.monotonic() - began > STALLED * seconds:
                self.left.remove(current)
                self.given_up[current] = seconds
                break
            for child in list(self.children):
                if child.lane and child.used - child.before > self.lanes[child.lane].share * seconds:
                    self._end(child)
            # Where trying all inputs is a matter of seconds the others would only be in its way.
            wait = is_quick and any(self.lanes[c.lane].name == "exhaustion" for c in self.children)
            for start, number in starts:
                if number not in started and ((elapsed >= start and not wait) or not self.children):
                    self.children.append(self._start(number, [current] if number else list(self.left)))
                    started.add(number)
            if not self.children:
                self.left.remove(current)
                break
            self._listen()
        self.budget.used += elapsed
        for child in list(self.children):
            # The first lane may go on when it is already past this question.
            if child.lane != 0 or current in child.questions[:1]:
                self._end(child)

    def _starts(self, question: int) -> list[tuple[float, int]]:
        """When each lane begins, in order. Linear arithmetic knows of a division at once, if ever."""
        divides = any(t.op in ("udiv", "urem", "sdiv", "srem") for t in topological(self.conditions[question]))
        return sorted((0.0 if divides and lane.leads else lane.start if number or not divides else _LATER, number)
                      for number, lane in enumerate(self.lanes))

    def _listen(self) -> None:
        """Takes the answers that come within a moment."""
        ready, _, _ = select.select([c.pipe for c in self.children], [], [], _MOMENT)
        for child in [c for c in self.children if c.pipe in ready]:
            for index, answer in self._read(child):
                if answer.status != UNKNOWN:
                    self.answers[index] = answer
                    if index in self.left:
                        self.left.remove(index)

    def _start(self, lane: int, wanted: list[int]) -> _Child:
        importlib.import_module(self.lanes[lane].library)
        receive, send = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(receive)
                _confine(self.budget.left())
                for index in wanted:
                    answer = self._answer(self.lanes[lane], index)
                    data = pickle.dumps((index, answer))
                    os.write(send, struct.pack("<I", len(data)) + data)
                status = 0
            except BaseException:
                # Out of memory, mostly. The parent sees the end of the pipe, and counts it as not known.
                status = 1
            finally:
                os._exit(status)
        os.close(send)
        return _Child(pid, receive, lane, list(wanted))

    def _answer(self, lane: Lane, index: int) -> Answer:
        question = self.questions[index]
        conditions = self.conditions[index]
        status, model = lane.check(self.graph, conditions)
        if status == "unsat":
            return Answer(PROVED, {}, lane.name)
        if status == "sat" and refutes(question, model):
            return Answer(REFUTED, model, lane.name)
        return Answer(UNKNOWN, {}, lane.name)

    def _read(self, child: _Child) -> Iterator[tuple[int, Answer]]:
        chunk = os.read(child.pipe, 1 << 16)
        if not chunk:
            self._end(child)
            return
        child.buffer += chunk
        while len(child.buffer) >= 4:
            size = struct.unpack_from("<I", child.buffer)[0]
            if len(child.buffer) < 4 + size:
                return
            index, answer = pickle.loads(child.buffer[4:4 + size])
            child.buffer = child.buffer[4 + size:]
            if index in child.questions:
                child.questions.remove(index)
            yield index, answer

    def _end(self, child: _Child) -> None:
        self.children.remove(child)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        os.close(child.pipe)


def _confine(seconds: float) -> None:
    """Limits on a child: memory, processor time, and no life after its parent's."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    with open("/proc/self/statm", encoding="ascii") as statm:
        pages = int(statm.read().split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    most = max(1, int(seconds) + 2)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
