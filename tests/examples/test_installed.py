"""The wheel, installed where there is no checkout, builds C projects."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest
from example import ROOT, Example

import intent_tool


@dataclass(frozen=True)
class Installed:
    folder: Path
    """Of the virtual environment."""

    def copy(self, name: str, tmp_path: Path) -> Example:
        """An example, and a PATH that has the installed commands and none of this environment."""
        shutil.copytree(ROOT / "examples" / name, tmp_path / name)
        return Example(tmp_path / name, f"{self.folder / 'bin'}:/usr/bin:/bin")


def call(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment with the wheel alone. The packages that it depends on are this environment's, added to the path
    by a file of which Python follows no further ones, so that nothing leads to the checkout."""
    here = tmp_path_factory.mktemp("wheel")
    for name in ("intent_tool", "targets"):
        shutil.copytree(ROOT / name, here / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, here / "source")
    call("pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", ".", "./source", cwd=here)
    (wheel,) = here.glob("*.whl")
    call("venv", "--without-pip", "environment", cwd=here)
    call("pip", "--python", "environment/bin/python", "install", "--no-deps", "--no-index", wheel, cwd=here)
    (site,) = (here / "environment").glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(here / "environment")


def test_nothing_of_the_checkout(installed: Installed, tmp_path: Path) -> None:
    example = Example(tmp_path, f"{installed.folder / 'bin'}:/usr/bin:/bin")
    for command in ("python -c 'import intent_tool; print(intent_tool.__file__)'", "intent-tool cmake-dir"):
        assert Path(example.good(command).strip()).is_relative_to(installed.folder.resolve())
    assert example.good("intent-tool --version") == f"intent-tool {intent_tool.__version__}\n"
    targets = json.loads(example.good("intent-tool targets --json"))["targets"]
    assert [target["name"] for target in targets] == ["arm64", "riscv64", "riscv64_zb", "x86_64", "x86_64_v3"]


def test_scons(installed: Installed, tmp_path: Path) -> None:
    """Also by the tool's name, which needs no import in the SConstruct."""
    example = installed.copy("c_program", tmp_path)
    (command,) = example.told("SConstruct")
    program = command.replace("scons", "python -m SCons")
    assert example.good(program).endswith("\n4000000001\n-5\n")
    example.good("intent-tool new --scons\npython -m SCons -c")
    example.replace("SConstruct", "import intent_tool\n", "")
    example.replace("SConstruct", "intent_tool.generate", '"intent"')
    assert example.good(program).endswith("\n4000000001\n-5\n")


def test_cmake(installed: Installed, tmp_path: Path) -> None:
    example = installed.copy("cmake", tmp_path)
    native, _ = example.told("CMakeLists.txt")
    assert "100% tests passed, 0 tests failed out of 1" in example.good(native)


def test_cmake_finds_the_command_beside_it(installed: Installed, tmp_path: Path) -> None:
    """The environment need not be active. The folder may be a prefix, too."""
    example = installed.copy("cmake", tmp_path)
    folder = example.good("intent-tool cmake-dir").strip()
    out = Example(example.folder, "/usr/bin:/bin").good(
        f"cmake -B build -DCMAKE_PREFIX_PATH={folder} && cmake --build build && build/mixer")
    assert out.endswith("\n122 255 0\n")


def test_make(installed: Installed, tmp_path: Path) -> None:
    example = installed.copy("makefile", tmp_path)
    native, _ = example.told("Makefile")
    assert example.good(native).endswith("\n122 255 0\n")
