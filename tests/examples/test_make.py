"""The example for make."""

from __future__ import annotations

from pathlib import Path

import pytest
from example import CROSS, HOST, MACHINES, check_rebuilds, copy


def test_rebuilds(tmp_path: Path) -> None:
    example = copy("makefile", tmp_path)
    check_rebuilds(example, "make -j2", f"build/{HOST}/mixer")
    assert "up to date" in example.good("make")


def test_run(tmp_path: Path) -> None:
    example = copy("makefile", tmp_path)
    native, _ = example.told("Makefile")
    assert example.good(native).endswith("\n122 255 0\n")


@pytest.mark.parametrize("target", CROSS)
def test_another_machine(tmp_path: Path, target: str) -> None:
    example = copy("makefile", tmp_path)
    _, cross = example.told("Makefile")
    assert example.good(cross.replace("aarch64", CROSS[target])).endswith("\n122 255 0\n")
    assert example.machine(f"build/{CROSS[target]}/mixer") == MACHINES[CROSS[target]]


@pytest.mark.parametrize(("command", "message"), [
    ("make CC=sparc64-linux-gnu-gcc", "sparc64-linux-gnu-gcc does not say what it compiles for: install it (apt-get"),
    ("make INTENT_TOOL=no-intent-tool",
     "there is no command no-intent-tool: `pip install intent-tool`, or name it in INTENT_TOOL"),
    ("make TARGET=vax", "no target is named `vax`; known: arm64"),
    ("make run RUN=qemu-none", "qemu-none: No such file or directory"),
])
def test_what_is_missing(tmp_path: Path, command: str, message: str) -> None:
    ran = copy("makefile", tmp_path).run(command)
    assert ran.status != 0
    assert message in ran.text
