"""How fast the functions of `intents/buffers` are: `python tests/bench/buffers.py [--target T,… | all]`.

This tool's code stands beside the obvious C loop by clang -O3 and by gcc -O3, for the same processor, and beside libc
where it has the function, all in one executable. libc's functions, which clang and gcc call, too, are held to the
vectors that the target has, where glibc would take AVX-512, and on `x86_64` do without fast string instructions,
which came after that baseline. On x86-64 they are timed in turns, and the median of the rounds counts; for every
target the instructions are counted (under qemu-user), as the difference between a call with 2048 bytes and one with
1024, so that what is done once a call is left out. Bytes are those of the largest buffer; a search goes to the end
or, where the name says so, to the middle. Ratios above 1 mean that this tool's code is the faster, or has fewer
instructions. Before that, all of them are compared on random inputs. Nothing here passes or fails but this.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy
from kernel_cases import CASES, Case, compared_values, element_bytes, measured_values
from kernel_runs import COMPARE, COUNT, TIME, Job, Kernels, answers, build_kernels, build_plugin, counts, run, times

from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle
from intent_tool.machine.target import load_targets, select_targets

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "intents" / "buffers"
SIZES = (64, 4 << 10, 64 << 10, 1 << 20)
COUNTED = (1024, 2048)
"""Bytes."""
COMPARED = (*range(131), 255, 1000, 4099)
"""Lengths."""
COMPILERS = ("clang", "gcc")
PEERS = (*COMPILERS, "libc")
NATIVE = "x86_64"
"""The ISA that can be timed."""
WORST = 0.7


@dataclass
class Row:
    """What was measured of a kernel."""

    kernel: str
    nanoseconds: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of a call, by size and implementation."""
    bytes: dict[str, float] = field(default_factory=dict)
    """That a call goes through, by size."""
    instructions: dict[str, float] = field(default_factory=dict)
    """A byte, by implementation."""

    def gigabytes(self, size: str) -> float:
        """A second."""
        return self.bytes[size] / self.nanoseconds[size]["ours"]

    def faster(self, size: str, peer: str) -> float | None:
        found = self.nanoseconds.get(size, {})
        return found[peer] / found["ours"] if peer in found else None

    def shorter(self, peer: str) -> float | None:
        return self.instructions[peer] / self.instructions["ours"] if peer in self.instructions else None


def compare(kernels: Kernels, lengths: Sequence[int] = COMPARED, emulator: Sequence[str] = ()) -> list[str]:
    """Where an implementation does something else than this tool's code, in words."""
    rng = numpy.random.default_rng(1)
    problems = []
    for contract in kernels.contracts:
        oracle = Oracle(contract)
        jobs = [Job(COMPARE, contract, values)
                for n in lengths for values in compared_values(contract, oracle, n, rng)]
        for job, answer in zip(jobs, answers(kernels, jobs, emulator), strict=True):
            if answer != "same":
                problems.append(f"{contract.name}, {kernels.target.name}, n = {job.values['n']}: {answer}")
    return problems


def elements(contract: Contract, size: int) -> int:
    """As many as have the size in bytes, or as the contract allows."""
    most = CASES.get(contract.name, Case()).most
    n = size // element_bytes(contract)
    return n if most is None else min(n, most)


def size_text(size: int) -> str:
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def measure(kernels: Kernels, rounds: int, milliseconds: float, sizes: Sequence[int], plugin: Path | None,
            progress: Callable[[str], None]) -> list[Row]:
    """Times at the `sizes`, instructions where there is the `plugin` that counts them."""
    rng = numpy.random.default_rng(2)
    rows = []
    for contract in kernels.contracts:
        stops = CASES.get(contract.name, Case()).stop is not None
        for middle in (False, True) if stops else (False,):
            row = Row(contract.name + (", middle" if middle else ""))
            progress(f"{kernels.target.name} {row.kernel}")
            unit = element_bytes(contract) * (0.5 if middle else 1.0)
            for size in sizes:
                n, label = elements(contract, size), size_text(size)
                if size > min(sizes) and n < size // element_bytes(contract):
                    continue
                values = measured_values(contract, n, rng, middle)
                found = times(kernels, Job(TIME, contract, values, rounds, int(milliseconds * 1e6)))
                row.nanoseconds[label] = {name: statistics.median(numbers) for name, numbers in found.items()}
                row.bytes[label] = n * unit
            if plugin is not None:
                few, many = lengths = [elements(contract, size) for size in COUNTED]
                if few == many:
                    few, many = lengths = [many // 2, many]
                jobs = [Job(COUNT, contract, measured_values(contract, n, rng, middle)) for n in lengths]
                first, second = counts(kernels, jobs, plugin)
                row.instructions = {name: (second[name] - first[name]) / ((many - few) * unit) for name in second}
            rows.append(row)
    return rows


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(math.log(max(v, 1e-3)) for v in values)) if values else math.nan


def ratio_text(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def table(target: str, rows: Sequence[Row], markdown: bool) -> str:
    """A line for each kernel: GB/s at each size and how many times that is the peers', then instructions a byte."""
    sizes = list(dict.fromkeys(label for row in rows for label in row.nanoseconds))
    counted = any(row.instructions for row in rows)
    peers = [f"× {peer}" if markdown else peer for peer in PEERS]
    head = ["kernel"]
    for label in sizes:
        head += [f"{label}, GB/s" if markdown else label, *peers]
    if counted:
        head += ["insn/B", *peers]
    lines = []
    for row in rows:
        line = [row.kernel]
        for label in sizes:
            measured = label in row.nanoseconds
            line += [f"{row.gigabytes(label):.2f}" if measured else "",
                     *(ratio_text(row.faster(label, peer)) for peer in PEERS)]
        if counted:
            line += [f"{row.instructions['ours']:.3f}", *(ratio_text(row.shorter(peer)) for peer in PEERS)]
        lines.append(line)
    mean = ["geometric mean"]
    for label in sizes:
        mean += ["", *(ratio_text(mean_ratio([row.faster(label, peer) for row in rows])) for peer in PEERS)]
    if counted:
        mean += ["", *(ratio_text(mean_ratio([row.shorter(peer) for row in rows])) for peer in PEERS)]
    return f"{target}\n\n" + columns([head, *lines, mean], markdown)


def summary(everything: Mapping[str, Sequence[Row]], markdown: bool) -> str:
    """The geometric means of each target, against clang and gcc."""
    labels = list(dict.fromkeys(label for rows in everything.values() for row in rows for label in row.nanoseconds))
    counted = any(row.instructions for rows in everything.values() for row in rows)
    lines = [["times clang / gcc", *labels, *(["instructions"] if counted else [])]]
    for target, rows in everything.items():
        line = [target]
        for label in labels:
            means = [ratio_text(mean_ratio([row.faster(label, peer) for row in rows])) for peer in COMPILERS]
            line.append(" / ".join(means) if any(label in row.nanoseconds for row in rows) else "")
        if counted:
            line.append(" / ".join(ratio_text(mean_ratio([row.shorter(peer) for row in rows])) for peer in COMPILERS))
        lines.append(line)
    return columns(lines, markdown)


def mean_ratio(ratios: Sequence[float | None]) -> float | None:
    present = [r for r in ratios if r is not None]
    return geometric_mean(present) if present else None


def columns(lines: Sequence[Sequence[str]], markdown: bool) -> str:
    if markdown:
        head, *rest = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([head, "|---|" + "---:|" * (len(lines[0]) - 1), *rest]) + "\n"
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join((line[0].ljust(widths[0]) + "".join(
        text.rjust(width + 2) for text, width in zip(line[1:], widths[1:], strict=True))).rstrip()
        for line in lines) + "\n"


def worst(rows: Sequence[Row]) -> str:
    """The worst kernel, and every one below `WORST` against a compiler, worst first."""
    found = []
    for row in rows:
        ratios = [(row.faster(label, peer), f"{label} {peer}") for label in row.nanoseconds for peer in COMPILERS]
        ratios += [(row.shorter(peer), f"instructions {peer}") for peer in COMPILERS]
        present = [(r, what) for r, what in ratios if r is not None]
        if present:
            found.append((*min(present), row.kernel))
    found.sort()
    text = f"worst: {found[0][2]}, {found[0][0]:.2f} ({found[0][1]})\n" if found else ""
    below = [f"  {kernel}: {ratio:.2f} ({what})" for ratio, what, kernel in found if ratio < WORST]
    return text + f"below {WORST}: {len(below)} of {len(found)}\n" + "\n".join([*below, ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="x86_64,x86_64_v3,arm64,riscv64", help="names of targets, or `all`")
    parser.add_argument("--kernels", default="*", metavar="PATTERN", help="names of functions, with * and ?")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=list(SIZES),
                        metavar="BYTES,…", help="of the largest buffer, when timed")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--milliseconds", type=float, default=3.0, help="that a round of one implementation takes")
    parser.add_argument("--quick", action="store_true", help="five rounds of half a millisecond, fewer comparisons")
    parser.add_argument("--no-times", action="store_true", help="count instructions only")
    parser.add_argument("--no-counts", action="store_true", help="time only")
    parser.add_argument("--judged", action="store_true", help="what a build delivers, not the first proposal")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the executables and objects there")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.milliseconds = 5, 0.5
    paths = [p for p in sorted(KERNELS.glob("*.intent")) if fnmatch.fnmatch(p.stem, options.kernels)]
    everything: dict[str, list[Row]] = {}
    wrong = []
    with tempfile.TemporaryDirectory() as temporary:
        top = options.keep or Path(temporary)
        for target in select_targets(options.target, load_targets()):
            folder = top / target.name
            folder.mkdir(parents=True, exist_ok=True)
            native = target.isa == NATIVE and os.uname().machine == NATIVE
            kernels = build_kernels(paths, target, folder, options.judged)
            lengths = COMPARED[::16] if options.quick else COMPARED
            problems = compare(kernels, lengths, () if native else target.runner)
            print("".join(f"{problem}\n" for problem in problems), end="")
            wrong += problems
            sizes = options.sizes if native and not options.no_times else []
            plugin = None if options.no_counts else build_plugin(folder)
            rows = measure(kernels, options.rounds, options.milliseconds, sizes, plugin, show_progress)
            print(table(target.name, rows, options.markdown))
            print(worst(rows), flush=True)
            everything[target.name] = rows
    if len(everything) > 1:
        print(summary(everything, options.markdown))
    if options.json:
        versions = {"gcc": run(["gcc", "--version"]).decode().splitlines()[0],
                    "zig": run([sys.executable, "-m", "ziglang", "version"]).decode().strip()}
        targets = {name: [asdict(row) for row in rows] for name, rows in everything.items()}
        options.json.write_text(json.dumps({"compilers": versions, "targets": targets}, indent=1) + "\n",
                                encoding="utf-8")
    return 1 if wrong else 0


def show_progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what:60}", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
