"""The examples for SCons work as they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from example import CROSS, HOST, MACHINES, check_rebuilds, copy


def test_c_program(tmp_path: Path) -> None:
    example = copy("c_program", tmp_path)
    (command,) = example.told("SConstruct")
    assert example.good(command).endswith("\n4000000001\n-5\n")


def test_own_target(tmp_path: Path) -> None:
    example = copy("own_target", tmp_path)
    (command,) = example.told("SConstruct")
    example.good(command.replace("target=board", "target=board,riscv64"))
    report = json.loads((example.folder / "build/report.json").read_text())
    instructions = {record["target"]: record["instructions"] for record in report["records"]}
    # Zbb has clz: the code is shorter than without it.
    assert instructions["board"] < instructions["riscv64"]


def test_cpp_shared(tmp_path: Path) -> None:
    example = copy("cpp_shared", tmp_path)
    native, _ = example.told("SConstruct")
    build, program = native.split(" && ")
    check_rebuilds(example, build, program, lambda name: {f"{name}.os", f"{name}.h"})
    assert example.machine("libsamples.so") == MACHINES[HOST]


@pytest.mark.parametrize("target", CROSS)
def test_cpp_shared_for_another_machine(tmp_path: Path, target: str) -> None:
    example = copy("cpp_shared", tmp_path)
    _, cross = example.told("SConstruct")
    out = example.good(cross.replace("aarch64", CROSS[target]))
    assert out.endswith("\n122 255 0\n")
    assert example.machine("libsamples.so") == example.machine("mixer") == MACHINES[CROSS[target]]


def test_cpp_shared_names_the_compiler_that_is_missing(tmp_path: Path) -> None:
    ran = copy("cpp_shared", tmp_path).run("scons cross=sparc64-linux-gnu")
    assert ran.status != 0
    assert "sparc64-linux-gnu-g++ is missing: apt-get install g++-sparc64-linux-gnu" in ran.text
