"""One trial: a function, laid down in memory, called on some inputs under one emulator, and what went wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from intent_tool.judge.calls import Arguments, Batch, make_batch
from intent_tool.judge.compare import Context, Failure, Returned, failures, finished, returned
from intent_tool.judge.expect import expect
from intent_tool.judge.harness.protocol import SWEEP_EACH, Job, Outcome
from intent_tool.judge.image import Image
from intent_tool.judge.layout import Placed, place
from intent_tool.judge.stops import stop_problem
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle
from intent_tool.language.sample_lengths import byte_count
from intent_tool.machine.target import Target

PAGE = 4096
_STACK_BYTES = 64 * 1024
_IMAGE_AT, _STACK_AT = 0x10_0000_0000, 0x14_0000_0000
_MOST_BYTES = 16 << 20
"""Of buffer contents in one run of the harness."""
_LONG = 8 * PAGE
"""Bytes of buffers in one input that make it a long one."""
_MOST_FAILURES = 8


Run = Callable[[Job, Sequence[int]], Outcome]
"""Runs a job; the numbers are where its vectors start in `Job.vectors`, and the end."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is on trial."""

    contract: Contract
    target: Target
    oracle: Oracle
    image: Image
    run: Run
    """The emulator that takes the calls."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome for a list of inputs."""

    failures: tuple[Failure, ...]
    """Of the calls that came back, in the order of the inputs; only the first few."""
    stop: Failure | None
    """The call that did not come back; those after it were not made."""
    answers: dict[Arguments, Returned]
    """For the inputs that were asked about."""
    depth: int
    """Bytes of stack used, at most."""
    calls: int


def lay_down(image: Image, seed: int) -> Placed:
    rng = random.Random(seed)
    return place(image, _IMAGE_AT + PAGE * rng.randrange(1 << 16), PAGE, seed)


def run_trial(subject: Subject, inputs: Sequence[Arguments], seed: int, *, asked: frozenset[Arguments] = frozenset(),
              junk: bool = True) -> Trial:
    """Calls the function on `inputs`, in order, until a call fails to come back. `asked` are the inputs whose
    answers are wanted. An even seed lays the constants after the code, an odd one before it. Without `junk` the
    undefined upper bits of narrow arguments are their extension."""
    answers: dict[Arguments, Returned] = {}
    depth = calls = 0
    for part in _parts(subject.contract, inputs):
        context, job = _call(subject, part, seed, junk)
        done = finished(context.batch, context.outcome)
        wrong = tuple(Failure(calls + f.index, f.what) for f in islice(failures(context), _MOST_FAILURES))
        answers |= {part[i]: returned(context, i) for i in range(done) if part[i] in asked}
        depth = max(depth, _depth(context, done))
        stop = None
        if done < len(part):
            stop = Failure(calls + done, stop_problem(subject.contract, context.batch, job, context.outcome, done))
        calls += done
        if wrong or stop:
            return Trial(wrong, stop, answers, depth, calls)
    return Trial((), None, answers, depth, calls)


@dataclass(frozen=True, slots=True)
class Repeats:
    """One call, made several times."""

    answers: tuple[Returned, ...]
    failed: bool


def repeat(subject: Subject, arguments: Arguments, times: int, seed: int, *, junk: bool = True) -> Repeats | None:
    """Makes one call several times with different junk; None when one of them does not come back."""
    context, _ = _call(subject, [arguments] * times, seed, junk)
    if finished(context.batch, context.outcome) < times:
        return None
    return Repeats(tuple(returned(context, i) for i in range(times)), any(True for _ in failures(context)))


def _call(subject: Subject, inputs: Sequence[Arguments], seed: int, junk: bool) -> tuple[Context, Job]:
    contract, target = subject.contract, subject.target
    batch = make_batch(contract, target, inputs, page=PAGE, seed=seed, junk=junk)
    job = make_job(lay_down(subject.image, seed), batch, seed)
    outcome = subject.run(job, batch.starts)
    if outcome.outside:
        # A wild write showed at the end of the run; which call it was shows when each is looked at.
        job = replace(job, flags=SWEEP_EACH)
        outcome = subject.run(job, batch.starts)
    return Context(contract, target, subject.oracle, batch, expect(contract, subject.oracle, inputs), outcome), job


def make_job(placed: Placed, batch: Batch, seed: int) -> Job:
    rng = random.Random(seed)
    return Job(
        page=PAGE, image_address=placed.address, image=placed.content, entry=placed.entry,
        stack_address=_STACK_AT + PAGE * rng.randrange(1 << 16), stack_bytes=_STACK_BYTES,
        stack_words=batch.stack_words, regions=tuple((r.address, r.size) for r in batch.regions),
        count=len(batch.inputs), vectors=batch.vectors, result_bytes=batch.result_starts[-1],
        fill=rng.getrandbits(64))


def _depth(context: Context, done: int) -> int:
    """The most stack that a call used, in bytes below the stack pointer at its first instruction."""
    starts, results = context.batch.result_starts, context.outcome.results
    shallow = max((int.from_bytes(results[s + 12:s + 16], "little") for s in starts[:done]), default=0)
    return max(shallow, context.outcome.depth)


def _parts(contract: Contract, inputs: Sequence[Arguments]) -> Iterator[Sequence[Arguments]]:
    """The inputs in runs that fit the harness's memory. Where long buffers begin, so does a run: every call costs
    something for the whole region of the longest."""
    assert contract.signature is not None
    parameters = contract.signature.parameters
    if not any(p.buffer for p in parameters):
        yield from [inputs] if inputs else []
        return
    start = size = 0
    are_long = False
    for i, arguments in enumerate(inputs):
        here = byte_count(parameters, arguments)
        if i > start and (size + here > _MOST_BYTES or (here > _LONG and not are_long)):
            yield inputs[start:i]
            start, size = i, 0
        are_long = are_long or here > _LONG
        size += here
    if start < len(inputs):
        yield inputs[start:]
