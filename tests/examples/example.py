"""A copy of an example, and the commands that its first comment tells to run."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

CROSS = {"arm64": "aarch64", "riscv64": "riscv64"}
"""What is built with Debian's cross compilers: the target, and the first part of their triple."""
MACHINES = {"x86_64": 62, "aarch64": 183, "riscv64": 243}
"""e_machine of the ELF header (gABI)."""
HOST = platform.machine()

# With the examples gone that would now be wrong: 127 for 128, so that the program says 123 for 122.
MIXED = """\
intent: Mix two samples, whose silence is 127.
signature: uint8_t mix_u8(uint8_t a, uint8_t b)
uses: [saturate_u8.intent]
returns: saturate_u8(a + b - 127)
"""
SATURATED = """\
intent: The number nearest to x that has seven bits.
signature: uint8_t saturate_u8(int32_t x)
returns: max(0, min(x, 127))
"""
# The sum does not fit.
BROKEN = """\
intent: Mix two samples.
signature: uint8_t mix_u8(uint8_t a, uint8_t b)
returns: a + b
"""


@dataclass(frozen=True)
class Ran:
    status: int
    text: str
    """Standard output and standard error, as they came."""


@dataclass(frozen=True)
class Example:
    folder: Path
    path: str

    def run(self, command: str, **variables: str) -> Ran:
        """Run lines of shell here, up to the first that fails. No run may show a traceback."""
        environment = {**os.environ, "PATH": self.path, **variables}
        done = subprocess.run(["sh", "-e"], input=command, cwd=self.folder, env=environment, text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert "Traceback" not in done.stdout, done.stdout
        return Ran(done.returncode, done.stdout)

    def good(self, command: str, **variables: str) -> str:
        ran = self.run(command, **variables)
        assert ran.status == 0, ran.text
        return ran.text

    def told(self, name: str) -> list[str]:
        """The commands in the comment that the file `name` begins with, a text for each run of indented lines."""
        comment = re.match(r"(#.*\n)*", (self.folder / name).read_text())
        assert comment is not None
        runs = re.findall(r"(?:^#   .*\n)+", comment[0], re.MULTILINE)
        return [re.sub(r"^#   ", "", run, flags=re.MULTILINE) for run in runs]

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def times(self) -> dict[str, int]:
        """When each file that a build makes was written, by its name: objects, headers, libraries and the program."""
        made = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.name: path.stat().st_mtime_ns for path in made
                if path.suffix in (".o", ".os", ".h", ".a", ".so") or path.name == "mixer"}

    def machine(self, program: str) -> int:
        """e_machine, a little-endian half-word at offset 18."""
        return int.from_bytes((self.folder / program).read_bytes()[18:20], "little")


def copy(name: str, tmp_path: Path) -> Example:
    """The example in a folder of its own, and a PATH that has this environment's commands first."""
    shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    return Example(tmp_path / name, f"{BIN}{os.pathsep}{os.environ['PATH']}")


def folder_of(tmp_path: Path, *commands: str) -> Path:
    """A folder for PATH that has these commands, by which intent-tool and the rest of this environment can be
    left out."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for command in commands:
        (folder / command).symlink_to(BIN / command)
    return folder


def check_rebuilds(example: Example, build: str, program: str,
                   objects: Callable[[str], set[str]] = lambda name: {f"{name}.o", f"{name}.h"}) -> None:
    """What holds under any build system: `build` makes what changed and nothing else, and a wrong intent stops it,
    leaving none of the `objects` that it would make of an intent. `mix_u8` uses `saturate_u8`."""

    def written() -> set[str]:
        before = example.times()
        example.good(build)
        after = example.times()
        return {name for name in after if after[name] != before.get(name)}

    mix, saturate = objects("mix_u8"), objects("saturate_u8")
    assert mix | saturate <= written()
    assert example.run(program) == Ran(0, "122 255 0\n")
    assert written() == set()

    example.write("mix_u8.intent", MIXED)
    again = written()
    assert mix <= again
    assert not saturate & again or mix == saturate
    assert example.run(program).text == "123 255 0\n"
    assert written() == set()

    example.write("mix_u8.intent", BROKEN)
    ran = example.run(build)
    assert ran.status != 0
    assert re.search(r"mix_u8\.intent:3:\d+: error\[E503\]: the result of mix_u8\(", ran.text), ran.text
    assert not mix & set(example.times())

    example.write("mix_u8.intent", MIXED)
    example.write("saturate_u8.intent", SATURATED)
    assert mix | saturate <= written()
    assert example.run(program).text == "123 127 0\n"
    assert written() == set()
