"""Builds on a cluster: a Dask scheduler and two workers on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from scons_project import BROKEN, ROOT, Project

pytest.importorskip("distributed")

SCALE = """\
intent: A number times {n}, plus {n}, modulo 2**32.
signature: uint32_t scale_{n}(uint32_t x)
returns: u32({n} * x + {n})
examples:
  - scale_{n}(1) == {twice}
"""


@dataclass(frozen=True)
class Dask:
    address: str
    workers: list[subprocess.Popen[bytes]]
    log: Path


def started(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "INTENT_PROOFS": str(log.parent / "proofs"),
                   "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s"}
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", "dask", *arguments], stdout=output, stderr=output,
                                env=environment, cwd=log.parent)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    """Workers in a folder that has nothing to do with the project."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    log, file = folder / "log", folder / "scheduler.json"
    scheduler = started(log, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                        "--scheduler-file", str(file))
    workers: list[subprocess.Popen[bytes]] = []
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < deadline and scheduler.poll() is None, log.read_text()
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        workers += [started(log, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                            "--local-directory", str(folder / str(n))) for n in range(2)]
        while log.read_text().count("Register worker") + log.read_text().count("Registered to") < 2:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield Dask(address.replace("tcp://", "dask://"), workers, log)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def many(project: Project) -> Project:
    for n in range(3, 15):
        project.write(f"intents/scale_{n}.intent", SCALE.format(n=n, twice=2 * n))
    return project


def delivered(project: Project) -> dict[str, bytes]:
    return {name: (project.folder / "build" / name).read_bytes() for name in project.files()
            if not name.endswith(".json")}


def test_the_cluster_builds_what_this_machine_would(many: Project, dask: Dask) -> None:
    out = many.build("target=arm64", f"executor={dask.address}")
    assert "15 built, 0 up to date, 0 failed" in out
    with_cluster = delivered(many)
    assert len(with_cluster) == 29
    many.build("-c")
    many.build("target=arm64")
    assert delivered(many) == with_cluster
    assert "0 built, 15 up to date" in many.build("target=arm64", f"executor={dask.address}")
    assert "15 of 15 passed" in many.build("target=arm64", f"executor={dask.address}", "test")


def test_a_worker_that_is_killed_loses_nothing(many: Project, dask: Dask) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-m", "SCons", "target=arm64", f"executor={dask.address}"], text=True,
                          cwd=many.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as build:
        assert build.stdout is not None and build.stderr is not None
        lines = []
        for line in build.stdout:
            lines.append(line)
            if line.startswith("[ 4/15]"):
                dask.workers[0].send_signal(signal.SIGKILL)
        assert build.wait() == 0, build.stderr.read()
    assert any("15 built, 0 up to date, 0 failed" in line for line in lines)
    found = delivered(many)
    many.build("-c")
    many.build("target=arm64")
    assert delivered(many) == found


def test_what_is_wrong_with_an_intent_is_said_as_at_home(project: Project, dask: Dask) -> None:
    project.write("intents/math/broken.intent", BROKEN)
    away = project.scons("-k", "target=arm64", f"executor={dask.address}")
    home = project.scons("-k", "target=arm64")
    assert away.status == home.status == 2
    assert away.err == home.err
    assert "intents/math/broken.intent:3:10: error[E503]" in away.err


@pytest.mark.parametrize(("name", "message"), [
    ("dask://127.0.0.1:9", "there is no Dask scheduler that answers"), ("slurm://x", "there is no such executor")])
def test_executors_that_are_none(project: Project, name: str, message: str) -> None:
    ran = project.scons("target=arm64", f"executor={name}")
    assert ran.status == 2
    assert "error[E912]" in ran.err and message in ran.err
    assert not project.files()
