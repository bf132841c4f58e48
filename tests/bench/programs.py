"""How small and fast the programs of `intents/programs` are: `python tests/bench/programs.py [--target T,… | all]`.

This tool's executables stand beside two from the same C (in `tests/bench/programs`): `C`, on buffers and system calls
of its own with no libc, and `stdio`, statically linked with musl; both by clang, stripped, and for the same
processor. Three things are measured:

* Sizes, against C with -Os: as built, and without symbols and notes. Ratios are those of the peers' stripped files.
* Throughput, on x86-64: from a file, half text and half bytes, to /dev/null; in turns, the medians of rounds; against
  C with -O3, and against the `tool` that does the same, of coreutils or util-linux, and busybox. Who would take more
  than 20 seconds gets a file of a 32nd. The peak is that of the process's memory.
* Start-up, on x86-64: from before the posix_spawn to after the wait, of what has next to nothing to do.

Ratios above 1 mean that this tool's program is the smaller or the faster. Before that, the outputs of all of them are
compared. Nothing here passes or fails but this.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from buffers import NATIVE, columns, mean_ratio, ratio_text, show_progress
from kernel_runs import run
from program_cases import CASES, Arguments, large
from program_runs import (
    C_VARIANTS,
    Program,
    Run,
    build_launcher,
    build_programs,
    compare,
    implementations,
    stripped_size,
    times,
)

from intent_tool.machine.target import Target, load_targets, select_targets

PEERS = (*C_VARIANTS, "tool", "busybox")
STARTED = ("true", "hello")
SLOW = 20.0
"""Seconds."""
PART = 32
STARTS = 20
"""That follow one another in a turn."""


@dataclass(frozen=True)
class Sizes:
    """Of executables, in bytes."""

    program: str
    built: int
    stripped: int
    peers: dict[str, int]
    """Stripped."""


@dataclass(frozen=True)
class Speed:
    """What was measured of a program, by implementation."""

    program: str
    rates: dict[str, float]
    """Bytes a second, of input."""
    peak: dict[str, int]
    """Memory in KiB."""

    def faster(self, peer: str) -> float | None:
        return self.rates["ours"] / self.rates[peer] if peer in self.rates else None


@dataclass(frozen=True)
class Start:
    """How long a program takes that has nothing to do, in seconds, by implementation."""

    program: str
    seconds: dict[str, float]

    def faster(self, peer: str) -> float | None:
        return self.seconds[peer] / self.seconds["ours"] if peer in self.seconds else None


def measured_sizes(programs: Sequence[Program], target: Target) -> list[Sizes]:
    return [Sizes(p.name, p.ours.stat().st_size, stripped_size(p.ours, target),
                  {variant: stripped_size(path, target) for variant, path in p.c.items()}) for p in programs]


def throughput(programs: Sequence[Program], launcher: Path, whole: Path, part: Path, rounds: int) -> list[Speed]:
    """Of those that are `timed`."""
    rows = []
    for program in programs:
        if not program.case.timed:
            continue
        show_progress(f"throughput of {program.name}")
        commands = implementations(program)
        files = {whose: _file(launcher, command, whole, part) for whose, command in commands.items()}
        runs: dict[str, list[Run]] = {whose: [] for whose in commands}
        for _ in range(rounds):
            for whose, command in commands.items():
                runs[whose] += times(launcher, command, files[whose])
        rows.append(Speed(
            program.name,
            {whose: files[whose].stat().st_size / statistics.median(r.seconds for r in found)
             for whose, found in runs.items()},
            {whose: max(r.peak for r in found) for whose, found in runs.items()}))
    return rows


def _file(launcher: Path, command: Arguments, whole: Path, part: Path) -> Path:
    """The `whole` if that takes no more than `SLOW`."""
    seconds = times(launcher, command, part)[0].seconds
    return part if seconds * whole.stat().st_size / part.stat().st_size > SLOW else whole


def started(programs: Sequence[Program], launcher: Path, turns: int) -> list[Start]:
    rows = []
    for program in programs:
        if program.name not in STARTED:
            continue
        show_progress(f"start-up of {program.name}")
        commands = implementations(program)
        found: dict[str, list[float]] = {whose: [] for whose in commands}
        for _ in range(turns):
            for whose, command in commands.items():
                found[whose] += [r.seconds for r in times(launcher, command, Path("/dev/null"), STARTS)]
        rows.append(Start(program.name, {whose: statistics.median(seconds) for whose, seconds in found.items()}))
    return rows


def size_table(target: str, rows: Sequence[Sizes], markdown: bool) -> str:
    """A line for each program: bytes, and how many times as many the peers have, of ours as built and stripped."""
    head = ["program", "built", "stripped", *C_VARIANTS,
            *(f"{variant} / {ours}" for variant in C_VARIANTS for ours in ("built", "stripped"))]
    ratios = [[row.peers[variant] / ours for variant in C_VARIANTS for ours in (row.built, row.stripped)]
              for row in rows]
    lines = [[row.program, str(row.built), str(row.stripped), *(str(row.peers[variant]) for variant in C_VARIANTS),
              *map(ratio_text, of_row)] for row, of_row in zip(rows, ratios, strict=True)]
    mean = ["geometric mean", "", "", *("" for _ in C_VARIANTS),
            *(ratio_text(mean_ratio(of_column)) for of_column in zip(*ratios, strict=True))]
    return f"{target}: sizes, in bytes\n\n" + columns([head, *lines, mean], markdown)


def speed_table(target: str, rows: Sequence[Speed], markdown: bool) -> str:
    """A line for each program: GB/s, how many times that is the peers', and the peak of memory."""
    peers = [peer for peer in PEERS if any(peer in row.rates for row in rows)]
    head = ["program", "GB/s", *(f"× {peer}" for peer in peers), "peak KiB"]
    lines = [[row.program, f"{row.rates['ours'] / 1e9:.2f}", *(ratio_text(row.faster(peer)) for peer in peers),
              str(row.peak["ours"])] for row in rows]
    mean = ["geometric mean", "", *(ratio_text(mean_ratio([row.faster(peer) for row in rows])) for peer in peers), ""]
    return f"{target}: throughput\n\n" + columns([head, *lines, mean], markdown)


def start_table(target: str, rows: Sequence[Start], markdown: bool) -> str:
    """A line for each program: microseconds, and how many times that is the peers'."""
    peers = [peer for peer in PEERS if any(peer in row.seconds for row in rows)]
    head = ["program", "µs", *(f"× {peer}" for peer in peers)]
    lines = [[row.program, f"{row.seconds['ours'] * 1e6:.0f}", *(ratio_text(row.faster(peer)) for peer in peers)]
             for row in rows]
    return f"{target}: start-up\n\n" + columns([head, *lines], markdown)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="x86_64,x86_64_v3,arm64,riscv64", help="names of targets, or `all`")
    parser.add_argument("--programs", default="*", metavar="PATTERN", help="names of programs, with * and ?")
    parser.add_argument("--megabytes", type=float, default=1024, help="(MiB) of the file that programs go through")
    parser.add_argument("--rounds", type=int, default=3, help="of throughput")
    parser.add_argument("--turns", type=int, default=15, help=f"of start-up, {STARTS} starts each")
    parser.add_argument("--no-times", action="store_true", help="sizes only")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the executables there")
    options = parser.parse_args()
    names = fnmatch.filter(CASES, options.programs)
    everything: dict[str, dict[str, list[Sizes] | list[Speed] | list[Start]]] = {}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        top = options.keep or Path(temporary)
        whole, part = Path(temporary, "whole"), Path(temporary, "part")
        for target in select_targets(options.target, load_targets()):
            native = target.isa == NATIVE == os.uname().machine
            folder = top / target.name
            small = _built(names, target, folder / "small", "-Os", wrong)
            sizes = measured_sizes(small, target)
            everything[target.name] = {"sizes": sizes}
            print(size_table(target.name, sizes, options.markdown), flush=True)
            if not native or options.no_times:
                continue
            if not whole.exists():
                whole.write_bytes(large(options.megabytes))
                part.write_bytes(large(options.megabytes / PART))
            launcher = build_launcher(folder)
            speeds = throughput(_built(names, target, folder / "fast", "-O3", wrong), launcher, whole, part,
                                options.rounds)
            starts = started(small, launcher, options.turns)
            everything[target.name] |= {"throughput": speeds, "start-up": starts}
            print(speed_table(target.name, speeds, options.markdown))
            print(start_table(target.name, starts, options.markdown), flush=True)
    if options.json:
        versions = {"zig": run([sys.executable, "-m", "ziglang", "version"]).decode().strip(),
                    "coreutils": run(["cat", "--version"]).decode().splitlines()[0]}
        targets = {name: {what: [asdict(row) for row in rows] for what, rows in found.items()}
                   for name, found in everything.items()}
        options.json.write_text(json.dumps({"versions": versions, "targets": targets}, indent=1) + "\n",
                                encoding="utf-8")
    return 1 if wrong else 0


def _built(names: Sequence[str], target: Target, folder: Path, optimisation: str, wrong: list[str]) -> list[Program]:
    """Those that can be compared, and are; what is wrong is printed, and added."""
    folder.mkdir(parents=True, exist_ok=True)
    show_progress(f"building for {target.name}")
    programs = build_programs(names, target, folder, optimisation)
    show_progress(f"comparing for {target.name}")
    native = target.isa == NATIVE == os.uname().machine
    problems = compare(programs, () if native else target.runner)
    print("".join(f"{target.name} {optimisation}: {problem}\n" for problem in problems), end="")
    wrong += problems
    return programs


if __name__ == "__main__":
    sys.exit(main())
