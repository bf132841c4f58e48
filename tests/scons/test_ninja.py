"""SCons' ninja tool builds intents by the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scons_project import AVERAGE, BROKEN, HELLO, ROOT, Project

SCONSTRUCT = """\
SetOption("experimental", "ninja")
import intent_tool
env = Environment(tools=["default", intent_tool.generate])
env.Tool("ninja")
env.Program("app", ["main.c", "average.intent"])
env.SharedLibrary("average", ["average.intent", "double.intent"])
env.IntentProgram("hello.intent")
"""
MAIN = """\
#include <stdio.h>
#include "average.h"
int main(void) { printf("%u\\n", (unsigned)average_floor(7, 9)); return 0; }
"""
DOUBLE = """\
intent: Twice the average.
signature: uint64_t double_average(uint32_t a, uint32_t b)
uses: [average.intent]
returns: 2 * average_floor(a, b)
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Project:
    made = Project(tmp_path / "my project")
    for name, text in (("SConstruct", SCONSTRUCT), ("main.c", MAIN), ("average.intent", AVERAGE),
                       ("double.intent", DOUBLE), ("hello.intent", HELLO)):
        made.write(name, text)
    return made


def ninja(project: Project) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    return subprocess.run([sys.executable, "-m", "SCons", "-j2"], cwd=project.folder, capture_output=True, text=True,
                          env=environment, check=False, timeout=300, stdin=subprocess.DEVNULL)


def test_ninja(mixed: Project) -> None:
    done = ninja(mixed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert subprocess.run([mixed.folder / "app"], capture_output=True, check=True).stdout == b"8\n"
    assert subprocess.run([mixed.folder / "hello"], capture_output=True, check=False).returncode == 3
    assert (mixed.folder / "libaverage.so").exists()
    assert "Building average.o" in done.stdout
    assert "Building" not in ninja(mixed).stdout.replace("Building targets", "")
    mixed.write("average.intent", AVERAGE.replace("(a + b) // 2", "(a + b) >> 1"))
    again = ninja(mixed).stdout
    assert "Building average.o" in again and "double.os" in again and "Building hello" not in again, again


def test_ninja_and_an_intent_that_is_wrong(mixed: Project) -> None:
    assert ninja(mixed).returncode == 0
    mixed.write("average.intent", BROKEN.replace("broken", "average_floor"))
    done = ninja(mixed)
    assert done.returncode != 0
    assert "average.intent:3:10: error[E503]" in done.stdout + done.stderr
    assert not (mixed.folder / "average.o").exists()
