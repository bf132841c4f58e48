"""Situations that programs have to cope with: input that comes in pieces, short writes, interruptions, errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from intent_tool.judge.kernel import ALL, EINTR, EIO, ENOMEM, ENOSPC, EPIPE, Schedule, Situation
from intent_tool.judge.program_inputs import BLOCKS, Run

_SHORT, _MEDIUM, _MANY = 300, 1000, 5000
"""Bytes of inputs on which situations are tried that need many runs, or many calls in each."""
_WRITE_ERRORS = {ENOSPC: "ENOSPC", EPIPE: "EPIPE", EIO: "EIO", 9: "EBADF"}
_INTERRUPTED: dict[str, tuple[int, ...]] = {
    "the first {} is interrupted (EINTR)": (-EINTR,),
    "the first {}s are interrupted (EINTR)": (-EINTR, -EINTR, -EINTR),
    "every second {} is interrupted (EINTR)": (1, -EINTR) * 8,
    "a later {} is interrupted (EINTR)": (65536, -EINTR, -EINTR),
}


@dataclass(frozen=True, slots=True)
class Case:
    run: Run
    situation: Situation
    when: str
    """``where every read returns 1 byte``."""


def piece_cases(runs: Sequence[Run], blocks: Collection[int] = (), seed: int = 1) -> Iterator[Case]:
    """Standard input that comes in pieces: single bytes, a first piece of every interesting size, random ones."""
    random = Random(seed)
    for run in typical_runs(runs, _MANY):
        yield Case(run, Situation(reads=Schedule(then=1)), "where every read returns 1 byte")
    for run in _short_and_long(runs):
        size = len(run.stdin)
        sizes = {1, 2, *(b + step for b in {*BLOCKS, *blocks} for step in (-1, 0, 1))}
        sizes |= set(range(1, min(size, 17))) | {size - 1} if size <= _SHORT else set()
        for first in sorted(s for s in sizes if 0 < s < size):
            yield Case(run, Situation(reads=Schedule((first,))), f"where the first read returns {first:,} bytes")
        for most in (size // 3 + 1, 70_000):
            pieces = tuple(random.randint(1, most) for _ in range(min(size, 50)))
            yield Case(run, Situation(reads=Schedule(pieces)), f"where reads return {pieces[0]:,} bytes, "
                       f"{', '.join(f'{p:,}' for p in pieces[1:4])}{', …' if len(pieces) > 4 else ''}")


def trouble_cases(runs: Sequence[Run], used: Collection[str], seed: int = 1) -> Iterator[Case]:
    """Interruptions, short writes and errors in the system calls that the program uses."""
    random = Random(seed)
    typical = _short_and_long(runs)
    if "read" in used:
        for run in typical:
            yield from _interruptions(run, "read")
            for first in ((), (1,), (4096,), (65536,), (131072,)):
                if sum(first) <= len(run.stdin):
                    yield Case(run, Situation(reads=Schedule(first, -EIO)), _failing("read", "EIO", first))
    if "write" in used:
        for run in typical:
            yield from _interruptions(run, "write")
            pieces = tuple(random.randint(1, len(run.stdout or b"") // 3 + 1) for _ in range(50))
            yield Case(run, Situation(writes=Schedule(pieces)), f"where writes take {pieces[0]:,} bytes, "
                       f"{pieces[1]:,}, {pieces[2]:,}, …")
            for error, name in _WRITE_ERRORS.items():
                for first in ((), (1,), (ALL,)):
                    yield Case(run, Situation(writes=Schedule(first, -error)), _failing("write", name, first))
        for run in typical_runs(runs, _MEDIUM):
            yield Case(run, Situation(writes=Schedule(then=1)), "where every write takes 1 byte")
    if {"mmap", "mremap"}.intersection(used):
        for run in typical:
            for number in range(4):
                yield Case(run, Situation(memory=Schedule((ALL,) * number, -ENOMEM)),
                           f"where memory is refused (ENOMEM) after {number} calls for it")


def _interruptions(run: Run, call: str) -> Iterator[Case]:
    for text, answers in _INTERRUPTED.items():
        schedule = Schedule(answers)
        yield Case(run, Situation(reads=schedule) if call == "read" else Situation(writes=schedule),
                   "where " + text.format(call))


def _failing(call: str, name: str, first: tuple[int, ...]) -> str:
    """``where reads fail with EIO after 1 byte``"""
    if not first:
        return f"where every {call} fails with {name}"
    after = "one" if first[0] == ALL else f"{first[0]:,} byte{'s' if first[0] > 1 else ''}"
    return f"where every {call} after {after} fails with {name}"


def _short_and_long(runs: Sequence[Run]) -> list[Run]:
    return list(dict.fromkeys([*typical_runs(runs, _SHORT), *typical_runs(runs, ALL)]))


def typical_runs(runs: Sequence[Run], most: int) -> list[Run]:
    """Of runs whose outcome is known, on at most so many bytes: the one with the longest output and the one on the
    longest input."""
    fitting = [r for r in runs if r.is_known and len(r.stdin) <= most and len(r.stdout or b"") <= most]
    if not fitting:
        return []
    return list(dict.fromkeys([max(fitting, key=lambda r: (len(r.stdout or b""), len(r.stdin))),
                               max(fitting, key=lambda r: (len(r.stdin), len(r.stdout or b"")))]))
