"""How builds scale: `python tests/bench/scaling.py [N …] [--rounds R]`; 100, 1,000 and 5,000 intents when left out.

A tree of N intents, each a contract of its own, is built from nothing with one job and with two, again with nothing
changed, and with one intent changed. Beside it, in the same run: SCons with as many targets that do nothing but copy
a file, and make, which compiles as many C files with ``gcc -O2 -c``. Proofs are kept nowhere, so that a cold build
proves everything. Prints a table; nothing here passes or fails."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]

GALLERY = """\
from intent_tool.scons.gallery import gallery
gallery(ARGUMENTS, COMMAND_LINE_TARGETS)
"""
COPIES = """\
import os
env = Environment(tools=[])
for folder in sorted(os.listdir("src")):
    for name in sorted(os.listdir(f"src/{folder}")):
        env.Command(f"build/{folder}/{name}.o", f"src/{folder}/{name}", Copy("$TARGET", "$SOURCE"))
"""
MAKEFILE = """\
objects := $(patsubst src/%.c,build/%.o,$(wildcard src/*/*.c))
all: $(objects)
build/%.o: src/%.c
\t@mkdir -p $(@D)
\t@gcc -O2 -MMD -MP -c -o $@ $<
-include $(objects:.o=.d)
"""
A_FOLDER = 100
"""Files in each folder."""


def contract(number: int, rng: random.Random) -> tuple[str, str]:
    """An intent and a C function that does the same."""
    a, b, c = rng.randrange(3, 1 << 16), rng.randrange(1, 1 << 20), rng.randrange(2, 1000)
    kind = rng.randrange(4)
    python, text = (
        (f"u32({a} * x + {b})", f"return {a}u * x + {b}u;"),
        (f"u32(x ^ (x >> {c % 31 + 1})) & {b}", f"return (x ^ (x >> {c % 31 + 1})) & {b}u;"),
        (f"x // {c}", f"return x / {c}u;"),
        (f"min(x, {b}) + {a}", f"return (x < {b}u ? x : {b}u) + {a}u;"),
    )[kind]
    intent = f"intent: Number {number} of many.\nsignature: uint32_t f{number}(uint32_t x)\nreturns: {python}\n"
    return intent, f"#include <stdint.h>\nuint32_t f{number}(uint32_t x) {{ {text} }}\n"


def trees(folder: Path, count: int) -> dict[str, Path]:
    """The three projects."""
    rng = random.Random(count)
    made = {name: folder / name for name in ("intents", "copies", "make")}
    for name, (file, text) in {"intents": ("SConstruct", GALLERY), "copies": ("SConstruct", COPIES),
                               "make": ("Makefile", MAKEFILE)}.items():
        made[name].mkdir()
        (made[name] / file).write_text(text)
    for number in range(count):
        intent, c = contract(number, rng)
        for name, file, text in (("intents", f"intents/{number // A_FOLDER:03}/f{number}.intent", intent),
                                 ("copies", f"src/{number // A_FOLDER:03}/f{number}.c", c),
                                 ("make", f"src/{number // A_FOLDER:03}/f{number}.c", c)):
            path = made[name] / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return made


def seconds(command: list[str], folder: Path) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "INTENT_PROOFS": "off"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} in {folder}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


def alternating(rounds: int, runs: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The median of each, measured in turns."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    return {name: statistics.median(values) for name, values in found.items()}


def measure(count: int, rounds: int, target: str, cold: list[str]) -> None:
    with tempfile.TemporaryDirectory() as top:
        tree = trees(Path(top), count)
        scons = [sys.executable, "-m", "SCons", "-s"]
        commands = {"intents": [*scons, f"target={target}"], "copies": scons, "make": ["make", "-s"]}
        rows: dict[str, dict[str, float]] = {}
        for jobs in cold:
            row = rows[f"cold {jobs}"] = {}
            for name, command in commands.items():
                subprocess.run(["rm", "-rf", "build", ".sconsign.dblite"], cwd=tree[name], check=True)
                row[name] = seconds([*command, jobs], tree[name])
        for label, change in (("nothing changed", False), ("one changed", True)):
            def run(name: str, change: bool = change) -> float:
                if change:
                    file = next(tree[name].rglob("f7.intent" if name == "intents" else "src/*/f7.c"))
                    comment = "#" if name == "intents" else "//"
                    file.write_text(file.read_text() + f"{comment} {time.time()}\n")
                return seconds([*commands[name], "-j2"], tree[name])
            rows[label] = alternating(rounds, {name: lambda name=name: run(name) for name in commands})
    print(f"{count:,} intents for {target}; seconds (median of {rounds} where it is not cold)")
    print(f"{'':18}{'intents':>9}{'copies by SCons':>17}{'ratio':>7}{'make, gcc -O2':>15}{'ratio':>7}")
    for label, row in rows.items():
        print(f"{label:18}{row['intents']:9.2f}{row['copies']:17.2f}{row['intents'] / row['copies']:7.2f}"
              f"{row['make']:15.2f}{row['intents'] / row['make']:7.2f}")
    if len(cold) == 2:
        print(f"-j2 takes {rows['cold -j2']['intents'] / rows['cold -j1']['intents']:.2f} of -j1")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[100, 1000, 5000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--target", default="arm64")
    parser.add_argument("--two-jobs-only", action="store_true", help="leave out the cold build with one job")
    options = parser.parse_args()
    for count in options.counts:
        measure(count, options.rounds, options.target, ["-j2"] if options.two_jobs_only else ["-j1", "-j2"])


if __name__ == "__main__":
    main()
