"""The C that the benchmark of `intents/buffers` measures against does what this tool's code does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import kernel_runs
import numpy
import pytest
from buffers import COUNTED, KERNELS, NATIVE, compare, elements
from kernel_cases import CASES, element_bytes, measured_values, parameters

from intent_tool.language.load import load_intent
from intent_tool.machine.target import load_targets

TARGETS = load_targets()
PATHS = sorted(KERNELS.glob("*.intent"))
LENGTHS = (*range(0, 18), 31, 33, 64, 127, 130, 1000)


def emulator(target: str) -> tuple[str, ...]:
    native = TARGETS[target].isa == NATIVE == os.uname().machine
    return () if native else TARGETS[target].runner


@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64"])
def test_c_does_what_our_code_does(target: str, tmp_path: Path) -> None:
    kernels = kernel_runs.build_kernels(PATHS, TARGETS[target], tmp_path)
    assert compare(kernels, LENGTHS, emulator(target)) == []


@pytest.mark.parametrize(("function", "right", "wrong", "seen"), [
    ("find_last_byte", "return i - 1;", "return i;", "implementation 1: "),
    ("swap_bytes64_copy", "__builtin_bswap64(data[i])", "__builtin_bswap64(data[i]) & ~1ull",
     "implementation 1: other contents of argument 0"),
    ("xor_with_byte", "data[i] ^= key;", "data[i] ^= key, data[-1] = 0;",
     "implementation 1: other contents of argument 0"),
])
def test_a_difference_is_seen(function: str, right: str, wrong: str, seen: str, tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    shutil.copytree(kernel_runs.HERE, here)
    c = (here / "kernels.c").read_text()
    assert c.count(right) == 1
    (here / "kernels.c").write_text(c.replace(right, wrong))
    monkeypatch.setattr(kernel_runs, "HERE", here)
    kernels = kernel_runs.build_kernels([KERNELS / f"{function}.intent"], TARGETS["x86_64"], tmp_path)
    problems = compare(kernels, LENGTHS, emulator("x86_64"))
    assert problems
    assert all(seen in problem for problem in problems)


def test_instructions_are_counted(tmp_path: Path) -> None:
    """Of sum_i64_wrapping for RISC-V, whose loop is short enough to be known."""
    kernels = kernel_runs.build_kernels([KERNELS / "sum_i64_wrapping.intent"], TARGETS["riscv64"], tmp_path)
    contract, = kernels.contracts
    rng = numpy.random.default_rng(0)
    jobs = [kernel_runs.Job(kernel_runs.COUNT, contract, measured_values(contract, elements(contract, size), rng))
            for size in COUNTED]
    first, second = kernel_runs.counts(kernels, jobs, kernel_runs.build_plugin(tmp_path))
    added = (COUNTED[1] - COUNTED[0]) // element_bytes(contract)
    # At least a load and an addition, at most also two pointers and a branch.
    assert all(2 * added <= second[name] - first[name] <= 6 * added for name in first)


def unknown_names() -> Iterator[str]:
    for name, case in CASES.items():
        path = KERNELS / f"{name}.intent"
        if not path.exists():
            yield name
            continue
        known = {p.name for p in parameters(load_intent(path))}
        yield from (f"{name}: {p}" for p in {*case.scalars, *case.buffers} - known)


def test_cases_name_functions_and_parameters() -> None:
    assert list(unknown_names()) == []
