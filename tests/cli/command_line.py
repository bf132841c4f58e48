"""The command line, run as users run it."""

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

AVERAGE = """\
intent: Average of two unsigned 32-bit integers, rounded down, with no overflow.
signature: uint32_t average_floor(uint32_t a, uint32_t b)
returns: (a + b) // 2
examples:
  - average_floor(7, 8) == 7
"""
TRIPLE = """\
intent: Three times a number, modulo 2**32.
signature: uint32_t triple(uint32_t x)
returns: u32(3 * x)
"""
BROKEN = """\
intent: A sum that does not fit its type.
signature: uint32_t broken(uint32_t a, uint32_t b)
returns: a + b
"""
HELLO = """\
intent: Greet.
program: hello
stdout: b"Hello, world!\\n"
"""


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Folder:
    path: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run(self, *arguments: str | Path, **variables: str) -> Ran:
        """Run `intent-tool` here; no run may show a traceback."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        done = subprocess.run([sys.executable, "-m", "intent_tool", *arguments], cwd=self.path, capture_output=True,
                              text=True, env=environment, timeout=300, stdin=subprocess.DEVNULL, check=False)
        if "INTENT_TOOL_DEBUG" not in variables:
            assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def good(self, *arguments: str | Path) -> str:
        ran = self.run(*arguments)
        assert ran.status == 0, ran.out + ran.err
        return ran.out

    def names(self) -> set[str]:
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "here")
    for name, text in (("average", AVERAGE), ("triple", TRIPLE), ("hello", HELLO), ("broken", BROKEN)):
        made.write(f"{name}.intent", text)
    return made
