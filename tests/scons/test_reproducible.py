"""The same inputs give the same bytes, wherever, whenever and by whomever they are built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from scons_project import AVERAGE, HELLO, ROOT, TRIPLE, Project

SCONSTRUCT = """\
from intent_tool.scons.gallery import gallery
gallery(ARGUMENTS, COMMAND_LINE_TARGETS)
import intent_tool
env = Environment(tools=["default", intent_tool.generate], INTENT_TARGET="arm64", AR="aarch64-linux-gnu-ar",
                  RANLIB="aarch64-linux-gnu-ranlib")
objects = [env.Object(f"build/library/{name}", f"intents/{name}.intent") for name in ("average", "math/triple")]
Default(env.StaticLibrary("build/library/numbers", objects))
"""
TABLE = """\
intent: The CRC-8 of a byte, polynomial 7.
signature: uint8_t crc8(uint8_t x)
returns: 'reduce(lambda c, i: u8(c << 1) ^ (7 if c & 128 else 0), range(8), x)'
"""
QUADRUPLE = """\
intent: Four times the average of two numbers.
signature: uint64_t quadruple(uint32_t a, uint32_t b)
uses: [average.intent]
returns: 4 * average_floor(a, b)
"""


def built(folder: Path, *arguments: str, before: tuple[str, ...] = (), umask: int = 0o022, **variables: str
          ) -> dict[str, bytes | dict[str, Any]]:
    """Every file that a build makes, the report left out; records without their seconds, and without which solver
    was first."""
    project = Project(folder)
    project.write("SConstruct", SCONSTRUCT)
    for name, text in (("average", AVERAGE), ("math/triple", TRIPLE), ("hello", HELLO), ("crc8", TABLE),
                       ("quadruple", QUADRUPLE)):
        project.write(f"intents/{name}.intent", text)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
                   "HOME": str(folder), "INTENT_PROOFS": "off", **variables}
    done = subprocess.run([*before, sys.executable, "-m", "SCons", "target=arm64,x86_64", *arguments], cwd=folder,
                          umask=umask, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    files: dict[str, bytes | dict[str, Any]] = {}
    for name in project.files():
        content = (folder / "build" / name).read_bytes()
        if name == "report.json":
            continue
        files[name] = content
        if name.endswith(".intent.json"):
            record = json.loads(content)
            del record["report"]["seconds"], record["report"]["solvers"]
            files[name] = record
    return files


def test_the_same_bytes(tmp_path: Path) -> None:
    one = built(tmp_path / "one", "-j1", TZ="UTC", LANG="C", PYTHONHASHSEED="0")
    deep = tmp_path / "another place" / "ä" / "deep"
    somebody = ("unshare", "--user", "--map-user=4711", "--map-group=4711")
    two = built(deep, "-j3", before=somebody, umask=0o077, TZ="Pacific/Kiritimati", LANG="C.UTF-8", USER="somebody",
                PYTHONHASHSEED="4711", SOURCE_DATE_EPOCH="1")
    assert one.keys() == two.keys() and len(one) > 20
    for name, content in one.items():
        assert content == two[name], name
    assert not any(isinstance(content, bytes) and str(tmp_path).encode() in content for content in one.values())
