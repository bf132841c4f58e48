"""What the judge says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartVerdict:
    """On a function inside of a program that has a contract of its own; the fields are as in `Verdict`."""

    symbol: str
    evidence: str
    longest: int | None
    instructions: int
    bytes: int
    solvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`accepted` is False when any check failed; `problems` then says which, one line each, in the user's terms:
    ``average_floor(4294967295, 1) is 0, must be 2147483648``."""

    accepted: bool
    evidence: str
    """``proved``, ``bounded``, ``tested``, or ``none`` when not accepted."""
    problems: tuple[str, ...]
    vectors: int
    """How many inputs the code was run on; of a program, how many runs were made that differ in the input or in what
    the kernel answers."""
    emulators: tuple[str, ...]
    """What ran it, e.g. ``("qemu-aarch64", "unicorn")``."""
    instructions: int
    bytes: int
    """Size of the code without constant tables."""
    unchecked: tuple[str, ...] = ()
    """What the contract or the target demands and nobody has checked, one line each; never empty by silence."""
    longest: int | None = None
    """For ``bounded``: all contents of buffers were covered up to this many elements."""
    solvers: tuple[str, ...] = ()
    """Those that had a part in the proof, e.g. ``("bitwuzla",)``; empty where simplification was enough."""
    kept: bool = False
    """The proof is an earlier run's."""
    parts: tuple[PartVerdict, ...] = ()
    """Of a program."""
