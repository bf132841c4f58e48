"""Builds programs from their contracts and from C, and has them run: to compare their outputs, to time them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kernel_runs import ROOT, TOOLCHAINS, run
from program_cases import CASES, Arguments, Case, inputs

from intent_tool.language.load import load_intent
from intent_tool.machine.assembler import assemble
from intent_tool.machine.target import Target
from intent_tool.pipeline import write_binary
from intent_tool.propose import candidates

HERE = Path(__file__).parent / "programs"
PROGRAMS = ROOT / "intents" / "programs"
C_VARIANTS = {
    "C": ("-nostdlib", "-ffreestanding"),
    "stdio": ("-DLIBC",),
}
"""On system calls alone, and on musl's stdio."""
SECONDS = 100.0
"""Nothing here takes as long, once it is compared."""


@dataclass(frozen=True)
class Program:
    """What there is of a program for a target."""

    name: str
    case: Case
    ours: Path
    c: Mapping[str, Path]
    """By variant."""


@dataclass(frozen=True)
class Run:
    """What a run took."""

    seconds: float
    peak: int
    """Memory in KiB."""


def build_programs(names: Sequence[str], target: Target, folder: Path, optimisation: str,
                   variants: Sequence[str] = tuple(C_VARIANTS)) -> list[Program]:
    """In `folder`; of this tool's code it is the first proposal. C is compiled with `optimisation`, as `-Os`."""
    programs = []
    for name in names:
        contract = load_intent(PROGRAMS / f"{name}.intent", ROOT)
        code = assemble(next(iter(candidates(contract, target))).assembly, target)
        ours = folder / f"{name}.ours"
        ours.write_bytes(write_binary(contract, target, code))
        ours.chmod(0o755)
        programs.append(Program(name, CASES[name], ours, {v: folder / f"{name}.{v}" for v in variants}))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(_compile, program, variant, target, optimisation)
                for program in programs for variant in variants]
    for job in jobs:
        job.result()
    return programs


def _compile(program: Program, variant: str, target: Target, optimisation: str) -> None:
    triple = TOOLCHAINS[target.name].zig
    run([*zig(triple[1].replace("-gnu", "-musl"), triple[2]), optimisation, *C_VARIANTS[variant],
         HERE / f"{program.name}.c", "-o", program.c[variant]])


def zig(triple: str, *cpu: str) -> list[str]:
    """The compiler, for static executables with nothing in them but what is run."""
    # zig traps on undefined behaviour and keeps frame pointers and unwind tables; clang can do without.
    return [sys.executable, "-m", "ziglang", "cc", "-target", triple, *cpu, "-std=gnu99", "-Wall", "-Wextra",
            "-Werror", "-static", "-s", "-fno-sanitize=undefined", "-fomit-frame-pointer", "-fno-stack-protector",
            "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]


def stripped_size(executable: Path, target: Target) -> int:
    """In bytes, without symbols and what is only there for readers."""
    tool = shutil.which(f"{target.triple}-strip") or "strip"
    output = executable.with_suffix(executable.suffix + ".stripped")
    run([tool, "--strip-all", "-R", ".comment", "-R", ".intent.loops", executable, "-o", output])
    return output.stat().st_size


def compare(programs: Sequence[Program], emulator: Sequence[str] = ()) -> list[str]:
    """Where an implementation does something else than this tool's code, in words; tools only without `emulator`."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for found in pool.map(lambda p: _compare(p, emulator), programs) for problem in found]


def _compare(program: Program, emulator: Sequence[str]) -> list[str]:
    problems = []
    for arguments in ((), *program.case.arguments):
        for data, is_text in inputs(program.case):
            where = f"{program.name} {' '.join(arguments)}, {len(data)} bytes: "
            ours = outcome([*emulator, str(program.ours), *arguments], data)
            problems += [f"{where}{variant} differs" for variant, path in program.c.items()
                         if outcome([*emulator, str(path), *arguments], data) != ours]
            if arguments or emulator:
                continue
            for whose, peer in (program.case.peers or {}).items():
                if shutil.which(peer.command[0]) and (is_text or not peer.text_only):
                    output, _, status = outcome(peer.command, data)
                    if status != ours[2] or not peer.same(output, ours[0]):
                        problems.append(f"{where}{whose} differs")
    return problems


def outcome(command: Sequence[str], data: bytes) -> tuple[bytes, bytes, int]:
    """Standard output, standard error and exit status for `data` from a pipe."""
    # A program may end before it has read everything, and `run` takes no offence at that.
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=SECONDS, env=environment())
    return done.stdout, done.stderr, done.returncode


def environment() -> dict[str, str]:
    """In which tools take bytes for what they are."""
    return {**os.environ, "LC_ALL": "C"}


def implementations(program: Program) -> dict[str, Arguments]:
    """The commands that can be timed, by whose they are."""
    found: dict[str, Arguments] = {"ours": (str(program.ours),)}
    found |= {variant: (str(path),) for variant, path in program.c.items()}
    for whose, peer in (program.case.peers or {}).items():
        tool = shutil.which(peer.command[0])
        if tool:
            found[whose] = (tool, *peer.command[1:])
    return found


def build_launcher(folder: Path) -> Path:
    """What `times` starts commands with."""
    launcher = folder / "launch"
    run([*zig("x86_64-linux-musl"), "-O2", HERE / "launch.c", "-o", launcher])
    return launcher


def times(launcher: Path, command: Arguments, file: Path, rounds: int = 1) -> list[Run]:
    """Of runs one after the other with the `file` as standard input; they have to succeed."""
    done = subprocess.run([launcher, str(rounds), file, *command], capture_output=True, check=True,
                          env=environment())
    found = []
    for line in done.stdout.decode().splitlines():
        nanoseconds, peak, status = map(int, line.split())
        if status != 0:
            raise SystemExit(f"{' '.join(command)} < {file}: exit {status}\n{done.stderr.decode()[-2000:]}")
        found.append(Run(nanoseconds / 1e9, peak))
    return found
