"""The C that the benchmark of `intents/programs` measures against does what this tool's programs do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import program_runs
import pytest
from buffers import NATIVE, mean_ratio
from program_cases import CASES, large, text
from programs import Speed, speed_table

from intent_tool.machine.target import load_targets

TARGETS = load_targets()
EMULATED = ("wc", "seq", "rev_bytes")
"""Between them they use every system call."""


def test_every_c_file_has_a_case() -> None:
    assert {path.stem for path in program_runs.HERE.glob("*.c")} - {"launch"} == set(CASES)


@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64"])
def test_c_does_what_our_programs_do(target: str, tmp_path: Path) -> None:
    native = TARGETS[target].isa == NATIVE == os.uname().machine
    names = list(CASES) if native else EMULATED
    programs = program_runs.build_programs(names, TARGETS[target], tmp_path, "-Os", ("C",))
    assert program_runs.compare(programs, () if native else TARGETS[target].runner) == []


@pytest.mark.parametrize(("program", "right", "wrong", "seen"), [
    ("expand", "column -= column > 0;", "column--;", "C differs"),
    ("head_bytes", "COUNT\\n\", 2", "COUNT\\n\", 1", "C differs"),
])
def test_a_difference_is_seen(program: str, right: str, wrong: str, seen: str, tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    shutil.copytree(program_runs.HERE, here)
    c = (here / f"{program}.c").read_text()
    assert c.count(right) == 1
    (here / f"{program}.c").write_text(c.replace(right, wrong))
    monkeypatch.setattr(program_runs, "HERE", here)
    programs = program_runs.build_programs([program], TARGETS["x86_64"], tmp_path, "-Os", ("C",))
    problems = program_runs.compare(programs)
    assert problems
    assert all(problem.endswith(seen) for problem in problems)


def test_a_run_is_measured(tmp_path: Path) -> None:
    launcher = program_runs.build_launcher(tmp_path)
    data = tmp_path / "data"
    data.write_bytes(text(1000))
    runs = program_runs.times(launcher, ("/bin/cat",), data, 3)
    assert len(runs) == 3
    assert all(run.seconds > 0 and run.peak > 0 for run in runs)


def test_a_run_has_to_succeed(tmp_path: Path) -> None:
    launcher = program_runs.build_launcher(tmp_path)
    with pytest.raises(SystemExit, match="exit 3"):
        program_runs.times(launcher, ("/bin/sh", "-c", "exit 3"), Path("/dev/null"))


def test_the_large_file_is_half_text() -> None:
    data = large(3)
    half = len(data) // 2
    assert len(data) == 3 << 20
    assert data[:half].isascii()
    assert not data[half:half + 1000].isascii()


def test_ratios_above_one_mean_that_ours_is_faster() -> None:
    rows = [Speed("fast", {"ours": 8e9, "C": 2e9}, {"ours": 128}),
            Speed("slow", {"ours": 1e9, "C": 1e9}, {"ours": 64})]
    assert speed_table("x86_64", rows, False).splitlines()[2:] == [
        "program         GB/s   × C  peak KiB",
        "fast            8.00  4.00       128",
        "slow            1.00  1.00        64",
        "geometric mean        2.00"]
    assert mean_ratio([None, 4.0, 1.0]) == pytest.approx(2.0)
