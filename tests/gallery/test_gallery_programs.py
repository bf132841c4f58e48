"""Every program of the gallery, as an executable, against the system's own tool or a reference in Python.

The executables are run on the machine itself or under qemu-user; what they are compared with is in `COMMANDS` and in
`references/programs.py`. Of their proofs nothing is said here.
"""

from __future__ import annotations

import base64
import binascii
import os
import platform
import string
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from references import MODULES, REFERENCES, functions_of

from intent_tool.language.load import load_intent
from intent_tool.machine.assembler import assemble
from intent_tool.machine.elf import write_executable
from intent_tool.machine.target import Target, load_targets
from intent_tool.propose import candidates

PROGRAMS = sorted((Path(__file__).parents[2] / "intents" / "programs").glob("*.intent"))
TARGETS = [load_targets()[name] for name in ("arm64", "riscv64", "x86_64")]

UNDER_EMULATION = 2
"""Runs that are tried with each program under qemu-user, which takes longer to start than any of them runs."""

EXAMPLES_SUFFICE = {"firmware_version", "hello", "licence_notice", "usage_error"}
"""Programs that always do the same, and what it is stands in their examples."""

COMMANDS = {
    "true": "true",
    "false": "false",
    "cat": "cat",
    "echo": 'printf "%s" "$*"; echo',
    "head_bytes": 'head -c "$1"',
    "tail_bytes": 'tail -c "$1"',
    "head_lines": 'head -n "$1"',
    "tail_lines": 'tail -n "$1"',
    "wc": "wc",
    "tac": "tac",
    "uniq": "uniq",
    "grep_fixed": 'grep -a -F -e "$1"',
    "upper": "tr a-z A-Z",
    "lower": "tr A-Z a-z",
    "rot13_text": "tr A-Za-z N-ZA-Mn-za-m",
    "rot47": "tr '!-~' 'P-~!-O'",
    "squeeze_blanks": "tr -s ' '",
    "strip_cr": r"tr -d '\r'",
    "show_nonprinting": "cat -v",
    "number_lines": "cat -n",
    "cut_columns": 'cut -b "$1-$2"',
    "expand": "expand",
    "unexpand": "unexpand",
    "fold_width": 'fold -b -w "$1"',
    "join_lines": "paste -s -d ,",
    "trim_lines": r"sed 's/[ \t]*$//'",
    "od_hex": "od -An -tx1 -v",
    "base64": "base64",
    "cksum": "cksum",
    "md5sum": "md5sum",
    "bsd_sum": "sum -r",
    "sysv_sum": "sum -s",
    "seq": 'seq -- "$1" "$2"',
    "yes_times": 'yes -- "$2" | head -n "$1"',
    "factor": 'factor "$1"',
    "basename": 'basename -- "$1"',
    "dirname": 'dirname -- "$1"',
    "utc_date": 'date -u -d "@$1" +%FT%TZ',
}
"""The same by tools of POSIX and GNU coreutils, as shell commands."""

Inputs = list[bytes]


def text(random: Random, size: int) -> bytes:
    """Words, blanks and lines, some of them equal to the one before; the last need not be whole."""
    words = [b"a", b"the", b"banana", b"x=1", b"<b>", b"100%", b"%41", b"\xc3\xa9", b"it's", b"7,8", b"\r", b"\b"]
    blanks = [b" ", b" ", b" ", b"  ", b"\t", b" \t", b"        ", b"", b"\n", b"\n", b"\n\n", b" \n"]
    made = b""
    while len(made) < size:
        line = b"".join(random.choice(blanks) + random.choice(words) for _ in range(random.randrange(20)))
        made += (line + b"\n") * random.choice([1, 1, 2, 30])
    return made[:size]


def ordinary(random: Random) -> Inputs:
    """What any program may read. The sizes are those around which blocks of input and output end."""
    return [text(random, 700), text(random, 65_537), b"", random.randbytes(3_000), random.randbytes(65_536),
            random.randbytes(131_073), b"long" * 16_384, text(random, 65_535), b"\n" * 5_000, text(random, 200_000)]


def letters_and_space(random: Random) -> Inputs:
    """Without what tools disagree about: whether bytes that cannot be printed make a word."""
    return [bytes(random.choices(b"abcXYZ \t\n\v\f\r", k=size)) for size in (300, 70_000, 0, 1, 65_536, 131_072)]


def encoded(random: Random, encode: Callable[[bytes], bytes], wrong: bytes) -> Inputs:
    """Data in an encoding, whole, cut off, and with something `wrong` in it."""
    whole = [encode(random.randbytes(size)) for size in (100, 1, 2, 3, 49_152, 60_000)]
    places = [random.randrange(len(whole[0])) for _ in range(3)]
    return [whole[0], whole[-1], b"", *whole[1:-1], *(whole[0][:k] for k in places), wrong, wrong + whole[0],
            whole[0] + wrong, *(whole[0][:k] + wrong + whole[0][k:] for k in places)]


def numbers(random: Random) -> Inputs:
    def column(count: int, digits: int) -> bytes:
        return b"".join(b"%d\n" % random.randrange(10 ** random.randint(1, digits)) for _ in range(count))
    return [column(30, 9), column(9_000, 12), b"", column(5, 30), column(3, 3) + b"\n\n12", b"1\n2 3\n", b"-1\n"]


def utf8(random: Random) -> Inputs:
    """Characters of every length, whole, and with a byte changed, left out or put in."""
    def characters(count: int) -> bytes:
        points = [random.choice([random.randrange(0x80), random.randrange(0x800), random.randrange(0xD800),
                                 random.randrange(0xE000, 0x110000)]) for _ in range(count)]
        return "".join(map(chr, points)).encode()
    whole = characters(50)
    changed = []
    for _ in range(12):
        k = random.randrange(len(whole))
        changed += [whole[:k] + random.randbytes(1) + whole[k + 1:], whole[:k] + whole[k + 1:], whole[:k]]
    edges = [b"\x80", b"\xff", b"\xc1\xbf", b"\xc2\x80", b"\xe0\x9f\xbf", b"\xed\x9f\xbf", b"\xed\xa0\x80",
             b"\xef\xbf\xbf", b"\xf0\x8f\xbf\xbf", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80"]
    return [whole, characters(40_000), b"", *changed, *edges]


def ascending(random: Random) -> Inputs:
    data = bytes(sorted(random.randbytes(70_000)))
    return [data[::500], data, b"", data + b"\x00", data[::-1], b"\x80\x7f", b"\x7f\x80"]


INPUTS: dict[str, Callable[[Random], Inputs]] = {
    "base64_decode": lambda random: encoded(random, base64.encodebytes, b"=?"),
    "from_hex": lambda random: encoded(random, lambda data: binascii.hexlify(data, " ", 40), b"g"),
    "has_byte": letters_and_space,
    "is_sorted": ascending,
    "is_utf8": utf8,
    "morse": letters_and_space,
    "sum_numbers": numbers,
    "wc": letters_and_space,
}
"""What programs read that are about something else than any bytes."""

Draw = Callable[[Random], Sequence[object]]

ARGUMENTS: dict[str, Draw] = {
    "add": lambda r: [r.randrange(-10 ** 9 + 1, 10 ** 9) for _ in range(r.randrange(6))],
    "basename": lambda r: ["".join(r.choices("/ab.", k=r.randrange(9)))],
    "caesar": lambda r: [r.choice([r.randrange(-30, 30), r.randrange(-10 ** 9 + 1, 10 ** 9)])],
    "collatz": lambda r: [r.randrange(1, 10 ** r.randint(1, 6))],
    "convert_number": lambda r: [r.randrange(-10 ** r.randint(1, 18) + 1, 10 ** r.randint(1, 18))],
    "count_factors": lambda r: [r.randrange(1, 10 ** r.randint(1, 6))],
    "cut_columns": lambda r: sorted([r.randrange(1, 30), r.randrange(1, 10 ** r.randint(1, 9))]),
    "delete_bytes": lambda r: ["".join(r.choices(string.printable, k=r.randrange(9)))],
    "dirname": lambda r: ["".join(r.choices("/ab.", k=r.randrange(9)))],
    "echo": lambda r: ["".join(r.choices(string.printable, k=r.randrange(9))) for _ in range(r.randrange(5))],
    "factor": lambda r: [r.randrange(1, 10 ** r.randint(1, 6))],
    "factorial": lambda r: [r.randrange(21)],
    "fibonacci": lambda r: [r.randrange(94)],
    "field": lambda r: [r.choice(" =,a"), r.randrange(1, 5)],
    "fizzbuzz_to": lambda r: [r.randrange(10 ** r.randint(1, 5))],
    "fold_width": lambda r: [r.randrange(1, 10 ** r.randint(1, 6))],
    "gcd": lambda r: [(a := r.randrange(1000)) * r.randrange(10 ** r.randint(1, 15)), a * r.randrange(10 ** 15)],
    "grep_fixed": lambda r: [r.choice(["a", "anan", "it's", "xyz", "", "b>", "7,8\t"])],
    "hanoi": lambda r: [r.randrange(13)],
    "has_byte": lambda r: [r.choice("abcXYZdef")],
    "head_bytes": lambda r: [r.choice([r.randrange(70), r.randrange(200_000), 65_536])],
    "head_lines": lambda r: [r.choice([r.randrange(20), r.randrange(5_000)])],
    "is_palindrome": lambda r: ["".join(r.choices("ab", k=r.randrange(7)))],
    "leap_years": lambda r: [r.randrange(10_000), r.randrange(10_000)],
    "luhn": lambda r: ["".join(r.choices(string.digits, k=r.randint(1, 3)))],
    "primes": lambda r: [r.randrange(10 ** r.randint(1, 3))],
    "roman": lambda r: [r.randrange(1, 4_000)],
    "seq": lambda r: [(a := r.randrange(-1000, 10 ** 8)), a + r.randrange(-2, 2_000)],
    "sierpinski": lambda r: [r.randrange(70)],
    "tail_bytes": lambda r: [r.choice([r.randrange(70), r.randrange(200_000), 65_536])],
    "tail_lines": lambda r: [r.choice([r.randrange(20), r.randrange(5_000)])],
    "tally": lambda r: [r.choice("a= \n\xff")],
    "translate": lambda r: [(a := "".join(r.choices(string.printable, k=r.randrange(9)))), a[::-1]],
    "utc_date": lambda r: [r.randrange(10 ** r.randint(1, 11))],
    "uuencode": lambda r: ["".join(r.choices(string.ascii_letters + "-. ", k=r.randrange(1, 12)))],
    "xor_key": lambda r: ["".join(r.choices(string.printable, k=r.randint(1, 40)))],
    "yes_times": lambda r: [r.randrange(10 ** r.randint(1, 4)), "".join(r.choices("no ", k=r.randrange(9)))],
}


@dataclass(frozen=True)
class Run:
    args: list[bytes]
    stdin: bytes

    def __str__(self) -> str:
        return f"args={self.args} stdin={self.stdin[:200]!r} ({len(self.stdin)} bytes)"


def runs(program: str) -> list[Run]:
    """Arguments and inputs for a program, always the same, the most telling first."""
    random = Random(program)
    draw, inputs = ARGUMENTS.get(program, lambda _: []), INPUTS.get(program, ordinary)
    return [Run([str(a).encode("latin-1") for a in draw(random)], stdin) for stdin in inputs(random)]


def is_host(target: Target) -> bool:
    return platform.machine() in (target.name, *target.aliases)


def build(path: Path, target: Target, folder: Path) -> Path:
    """The executable of the first code that is proposed."""
    candidate = next(iter(candidates(load_intent(path), target)))
    file = folder / path.stem
    file.write_bytes(write_executable(target, assemble(candidate.assembly, target)))
    file.chmod(0o755)
    return file


def start(command: Sequence[object], run: Run) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*map(str, command), *map(os.fsdecode, run.args)], input=run.stdin, capture_output=True,
                          timeout=60, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})


def outcomes(program: str, run: Run) -> list[tuple[bytes, int]]:
    """Standard output and exit status by every peer of the program."""
    found = []
    if program in COMMANDS:
        done = start(["sh", "-c", COMMANDS[program], program], run)
        found.append((done.stdout, done.returncode))
    if program in REFERENCES:
        result = REFERENCES[program](run.args, run.stdin)
        found.append((b"", result) if isinstance(result, int) else (result, 0))
    return found


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_executable_agrees_with_examples_and_peers(path: Path, target: Target, tmp_path: Path) -> None:
    program = path.stem
    command = [*([] if is_host(target) else target.runner), build(path, target, tmp_path)]
    for example in load_intent(path).program_examples:
        done = start(command, Run(list(example.args), example.stdin))
        assert (done.stdout, done.stderr, done.returncode) == (example.stdout, example.stderr, example.exit), example
    for run in runs(program)[:None if is_host(target) else UNDER_EMULATION]:
        done = start(command, run)
        for stdout, status in outcomes(program, run):
            assert done.returncode == status, run
            # What else than the exit status tells of a failure is the program's own.
            assert done.stdout == stdout or status != 0, run
            assert not done.stderr or status != 0, run


def test_every_program_has_a_peer() -> None:
    assert {p.stem for p in PROGRAMS} == EXAMPLES_SUFFICE | COMMANDS.keys() | functions_of(MODULES["programs"]).keys()
    assert INPUTS.keys() | ARGUMENTS.keys() <= {p.stem for p in PROGRAMS}
