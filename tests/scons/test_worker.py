from __future__ import annotations

import json
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, wait
from pathlib import Path

import pytest

from intent_tool.scons.worker import WorkerLost, WorkerPool

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool(3)
    yield made
    made.shutdown(wait=False)


def test_it_is_an_executor(pool: WorkerPool) -> None:
    assert isinstance(pool, Executor)
    assert list(pool.map(json.loads, ["1", "[2]", "null"])) == [1, [2], None]
    assert pool.submit(os.path.join, "a", "b").result() == "a/b"
    failed = pool.submit(json.loads, "{")
    assert isinstance(failed.exception(), WorkerLost)


def test_one_worker_serves_one_call_after_another(pool: WorkerPool) -> None:
    assert pool.submit(os.getpid).result() == pool.submit(os.getpid).result() != os.getpid()


def test_calls_at_the_same_time_have_workers_of_their_own(pool: WorkerPool) -> None:
    pids = [pool.submit(os.getpid).result() for _ in range(2)]
    wait([pool.submit(time.sleep, 0.5) for _ in range(3)])
    assert len(set(pids)) == 1
    assert len(pool._all) == 3


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_worker_that_dies_fails_its_own_call_alone(pool: WorkerPool, number: signal.Signals) -> None:
    other = pool.submit(time.sleep, 1)
    with pytest.raises(WorkerLost, match=number.name):
        pool.submit(signal.raise_signal, number).result()
    assert other.result() is None
    assert pool.submit(os.path.basename, "a/b").result() == "b"


def test_a_call_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENT_WORKER_SECONDS", "2")
    pool = WorkerPool(1)
    with pytest.raises(WorkerLost, match=r"longer than 2 s \(INTENT_WORKER_SECONDS"):
        pool.submit(time.sleep, 60).result()
    assert pool.submit(os.path.basename, "a/b").result() == "b"
    pool.shutdown()


def test_a_worker_has_a_limit_on_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENT_WORKER_MEMORY", "400")
    pool = WorkerPool(1)
    with pytest.raises(WorkerLost, match=r"more than 400 MiB of memory \(INTENT_WORKER_MEMORY"):
        pool.submit(operator.mul, "x", 1 << 30).result()
    assert pool.submit(operator.mul, "x", 3).result() == "xxx"
    pool.shutdown()


def test_shutdown_ends_workers_that_are_still_at_work(pool: WorkerPool) -> None:
    slow = pool.submit(time.sleep, 60)
    while not pool._all:
        time.sleep(0.01)
    workers = list(pool._all)
    pool.shutdown(wait=False)
    assert isinstance(slow.exception(timeout=10), WorkerLost)
    assert all(worker.poll() is not None for worker in workers)


def test_workers_end_with_whoever_started_them() -> None:
    """Also when that was killed, and also in the middle of a call."""
    code = ("import os, sys, time; from intent_tool.scons.worker import WorkerPool; pool = WorkerPool(1); "
            "print(pool.submit(os.getpid).result(), flush=True); pool.submit(time.sleep, 60).result()")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.kill()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and _is_running(worker):
            time.sleep(0.05)
        assert not _is_running(worker)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_a_library_prints_does_not_disturb_the_replies() -> None:
    calls = [{"function": ["os", "system"], "arguments": ["echo noise; cat"], "keywords": {}},
             {"function": ["builtins", "print"], "arguments": ["more noise"], "keywords": {}},
             {"function": ["json", "loads"], "arguments": ['"ä\\n"'], "keywords": {}}]
    with subprocess.Popen([sys.executable, "-m", "intent_tool.scons.worker"], text=True, cwd=ROOT,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        assert worker.stdin is not None and worker.stdout is not None and worker.stderr is not None
        replies = []
        for call in calls:
            worker.stdin.write(json.dumps(call) + "\n")
            worker.stdin.flush()
            replies.append(json.loads(worker.stdout.readline()))
        worker.stdin.close()
        assert replies == [0, None, "ä\n"]
        assert "noise" in worker.stderr.read()


def test_threads_share_a_pool(pool: WorkerPool) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(pool.submit(abs, -n).result())) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(20))
