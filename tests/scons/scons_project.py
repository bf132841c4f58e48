"""A project in a folder of its own, and SCons to build it with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

SNAPSHOT = ".snapshot.json"
SCONSTRUCT = """\
from intent_tool.scons.gallery import gallery
gallery(ARGUMENTS, COMMAND_LINE_TARGETS)
"""

AVERAGE = """\
intent: Average of two unsigned 32-bit integers, rounded down, with no overflow.
signature: uint32_t average_floor(uint32_t a, uint32_t b)
returns: (a + b) // 2
examples:
  - average_floor(7, 8) == 7
  - average_floor(0xFFFFFFFF, 0xFFFFFFFF) == 0xFFFFFFFF
"""
TRIPLE = """\
intent: Three times a number, modulo 2**32.
signature: uint32_t triple(uint32_t x)
returns: u32(3 * x)
examples:
  - triple(5) == 15
"""
HELLO = """\
intent: Greet.
program: hello
stdout: b"Hello, world!\\n"
exit: 3
examples:
  - stdout: "Hello, world!\\n"
    exit: 3
"""
# The sum of two 32-bit integers does not fit.
BROKEN = """\
intent: A sum that does not fit its type.
signature: uint32_t broken(uint32_t a, uint32_t b)
returns: a + b
"""


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def scons(self, *arguments: str, **variables: str) -> Ran:
        """Run SCons here; no run may ever show a traceback."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        done = subprocess.run([sys.executable, "-m", "SCons", *arguments], cwd=self.folder, capture_output=True,
                              text=True, env=environment, timeout=300, stdin=subprocess.DEVNULL, check=False)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def build(self, *arguments: str, **variables: str) -> str:
        """Run SCons, which must succeed without a word on standard error; what it says."""
        ran = self.scons(*arguments, **variables)
        assert (ran.status, ran.err) == (0, ""), ran.out + ran.err
        return ran.out

    def files(self, folder: str = "build") -> set[str]:
        """All but the snapshot, which says nothing that the others do not."""
        top = self.folder / folder
        return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file() and path.name != SNAPSHOT}

    def records(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The report, by the intent's stem and target."""
        report = json.loads((self.folder / "build/report.json").read_text())
        return {(Path(r["intent"]).stem, r["target"]): r for r in report["records"]}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two functions and a program."""
    made = Project(tmp_path / "project")
    made.write("SConstruct", SCONSTRUCT)
    made.write("intents/average.intent", AVERAGE)
    made.write("intents/math/triple.intent", TRIPLE)
    made.write("intents/hello.intent", HELLO)
    return made
