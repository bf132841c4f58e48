"""The examples work as they stand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scons_project import ROOT, Project

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())


def copy(name: str, tmp_path: Path) -> Project:
    shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    return Project(tmp_path / name)


def test_every_example_has_its_test() -> None:
    assert EXAMPLES == ["c_program", "makefile", "own_target"]


def test_c_program(tmp_path: Path) -> None:
    example = copy("c_program", tmp_path)
    example.build()
    done = subprocess.run([example.folder / "midpoints"], capture_output=True, text=True, check=True)
    assert done.stdout == "4000000001\n-5\n"


def test_makefile(tmp_path: Path) -> None:
    example = copy("makefile", tmp_path)
    command = ["make", f"INTENT_TOOL={sys.executable} -m intent_tool"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=example.folder, env=environment, check=True, capture_output=True)
    done = subprocess.run([example.folder / "parity"], capture_output=True, text=True, check=True)
    assert done.stdout == "1 0\n"
    again = subprocess.run(command, cwd=example.folder, env=environment, check=True, capture_output=True, text=True)
    assert "up to date" in again.stdout


def test_own_target(tmp_path: Path) -> None:
    example = copy("own_target", tmp_path)
    example.build("target=board,riscv64", "test")
    records = example.records()
    # Zbb has clz: the code is shorter than without it.
    assert records["bit_length", "board"]["instructions"] < records["bit_length", "riscv64"]["instructions"]
