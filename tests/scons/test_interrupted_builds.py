"""Builds that are killed, find no room, may not write, or meet each other: the next one is right."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scons_project import ROOT, SCONSTRUCT, Project

# Few inputs, so that a build takes little more than the start of its processes.
STEP = """\
intent: A byte times {factor}, modulo 256.
signature: uint8_t step{n}(uint8_t x)
returns: u8({factor} * x)
"""
KILLS = 10
"""In each of the tests: two, or five with INTENT_CAMPAIGN=1 in the environment."""


@pytest.fixture
def steps(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.write("SConstruct", SCONSTRUCT)
    write_steps(made, 3)
    return made


def write_steps(project: Project, first: int) -> None:
    for n in range(4):
        project.write(f"intents/step{n}.intent", STEP.format(n=n, factor=first + 2 * n))


def delivered(project: Project, folder: str = "build") -> dict[str, bytes]:
    return {name: (project.folder / folder / name).read_bytes() for name in project.files(folder)
            if not name.endswith((".json", ".tmp"))}


def start(project: Project, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "SCons", "-s", *arguments], cwd=project.folder,
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def expected(project: Project, first: int) -> dict[str, bytes]:
    shutil.rmtree(project.folder / "build", ignore_errors=True)
    write_steps(project, first)
    project.build("-s", "target=arm64")
    return delivered(project)


@pytest.mark.parametrize("seed", range(5 if os.environ.get("INTENT_CAMPAIGN") else 2))
def test_a_build_that_is_killed_at_any_moment(steps: Project, seed: int) -> None:
    """Nothing is left that is not whole, and the next build makes what one that was left alone would have made."""
    rng = random.Random(seed)
    versions = {first: expected(steps, first) for first in (5, 3)}
    begun = time.monotonic()
    shutil.rmtree(steps.folder / "build")
    steps.build("-s", "target=arm64")
    whole = time.monotonic() - begun
    for number in range(KILLS):
        first = 3 if number % 2 else 5
        write_steps(steps, first)
        build = start(steps, "target=arm64")
        time.sleep(rng.uniform(0, whole))
        build.kill()
        build.communicate()
        for name, content in delivered(steps).items():
            assert content in (version[name] for version in versions.values()), name
        steps.build("-s", "target=arm64")
        assert delivered(steps) == versions[first], f"kill {number}"
        if rng.random() < 0.3:
            shutil.rmtree(steps.folder / "build")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_interrupted_leaves_no_process(steps: Project, number: signal.Signals) -> None:
    build = start(steps, "target=arm64")
    time.sleep(1)
    build.send_signal(number)
    _, errors = build.communicate(timeout=30)
    assert b"Traceback" not in errors
    steps.build("-s", "target=arm64")
    assert delivered(steps) == expected(steps, 3)


def mounted(project: Project, mount: str) -> subprocess.CompletedProcess[str]:
    """Build where `mount` has been run in a shell, which nobody else sees; then list what is there and empty."""
    (project.folder / "build").mkdir(exist_ok=True)
    script = (f"{mount} && {{ {sys.executable} -m SCons -k target=arm64; status=$?; "
              "find build -type f -size 0; exit $status; }")
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script],
                          cwd=project.folder, capture_output=True, text=True, check=False, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_a_full_disk(steps: Project) -> None:
    """What found no room is an error with its file and reason; with room, the next build is whole."""
    done = mounted(steps, "mount -t tmpfs -o size=24k tmpfs build")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "\nbuild/" not in done.stdout
    steps.build("-s", "target=arm64")
    assert delivered(steps) == expected(steps, 3)


def test_a_file_that_may_not_grow(steps: Project) -> None:
    """Writes fail wherever they happen, also those of SCons itself."""
    done = subprocess.run(["sh", "-c", f"ulimit -f 0; exec {sys.executable} -m SCons -k target=arm64"],
                          cwd=steps.folder, capture_output=True, text=True, check=False, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode != 0
    assert not delivered(steps)
    steps.build("-s", "target=arm64")
    assert delivered(steps) == expected(steps, 3)


def test_a_folder_that_may_not_be_written(steps: Project) -> None:
    done = mounted(steps, "mount --bind build build && mount -o remount,ro,bind build")
    assert done.returncode == 2
    assert "Read-only file system" in done.stderr
    steps.build("-s", "target=arm64")
    assert delivered(steps) == expected(steps, 3)


def test_two_builds_at_once_in_one_tree(steps: Project) -> None:
    for first in (5, 3):
        write_steps(steps, first)
        builds = [start(steps, "target=arm64"), start(steps, "target=arm64")]
        for build in builds:
            _, errors = build.communicate(timeout=120)
            assert (build.returncode, errors) == (0, b"")
        found = delivered(steps)
        steps.build("-s", "target=arm64")
        assert delivered(steps) == found == expected(steps, first)
