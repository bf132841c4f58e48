"""The example for Meson."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from example import CROSS, MACHINES, check_rebuilds, copy, folder_of


def test_as_told(tmp_path: Path) -> None:
    example = copy("meson", tmp_path)
    native, _ = example.told("meson.build")
    assert re.search(r"^1/1 mixer.* OK ", example.good(native), re.MULTILINE)


def test_rebuilds(tmp_path: Path) -> None:
    example = copy("meson", tmp_path)
    example.good("meson setup build")
    check_rebuilds(example, "meson compile -C build", "build/mixer")
    assert "no work to do" in example.good("meson compile -C build")


@pytest.mark.parametrize("target", CROSS)
def test_another_machine(tmp_path: Path, target: str) -> None:
    example = copy("meson", tmp_path)
    _, cross = example.told("meson.build")
    assert re.search(r"^1/1 mixer.* OK ", example.good(cross.replace("arm64", target)), re.MULTILINE)
    assert example.machine(f"build-{target}/mixer") == MACHINES[CROSS[target]]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("c = 'aarch64-linux-gnu-gcc'", "c = 'sparc64-linux-gnu-gcc'", "sparc64-linux-gnu-gcc"),
    ("'qemu-aarch64'", "'qemu-none'", "qemu-none"),
    ("cpu_family = 'aarch64'", "cpu_family = 'sparc64'",
     'intent-tool has no target for the cpu_family "sparc64" of the host machine'),
])
def test_what_is_missing_for_another_machine(tmp_path: Path, old: str, new: str, message: str) -> None:
    example = copy("meson", tmp_path)
    example.replace("arm64.ini", old, new)
    ran = example.run("meson setup build --cross-file arm64.ini")
    assert ran.status != 0
    assert message in ran.text


def test_no_intent_tool(tmp_path: Path) -> None:
    path = os.pathsep.join((str(folder_of(tmp_path, "meson", "ninja")), "/usr/bin", "/bin"))
    ran = replace(copy("meson", tmp_path), path=path).run("meson setup build")
    assert ran.status != 0
    assert "There is no command intent-tool: `pip install intent-tool`" in ran.text
