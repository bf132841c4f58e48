from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from intent_tool.scons import worker as worker_module
from intent_tool.scons.worker import WorkerPool

# A worker that answers with its process id, or does what the request asks for.
FAKE = """
import json, os, sys, time
for line in sys.stdin:
    request = json.loads(line)
    if request.get("die"):
        os.kill(os.getpid(), request["die"])
    time.sleep(request.get("sleep", 0))
    print(json.dumps({"pid": os.getpid()}), flush=True)
"""


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerPool:
    script = tmp_path / "fake.py"
    script.write_text(FAKE)
    real = subprocess.Popen

    def start(command: list[str], **options: object) -> subprocess.Popen[str]:
        return real([sys.executable, str(script)], **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(worker_module.subprocess, "Popen", start)
    return WorkerPool(tmp_path)


def test_one_worker_serves_one_thread(pool: WorkerPool) -> None:
    assert pool.run({})["pid"] == pool.run({})["pid"]
    pool.close()


def test_threads_get_workers_of_their_own(pool: WorkerPool) -> None:
    pids: list[int] = []
    threads = [threading.Thread(target=lambda: pids.append(pool.run({"sleep": 0.5})["pid"])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 3
    pool.close()


@pytest.mark.parametrize(("number", "name"), [(11, "SIGSEGV"), (9, "SIGKILL")])
def test_a_worker_that_dies_is_reported_and_replaced(pool: WorkerPool, number: int, name: str) -> None:
    first = pool.run({})["pid"]
    assert name in pool.run({"die": number})["fault"]
    assert pool.run({})["pid"] != first
    pool.close()


def test_close_ends_workers_that_are_still_at_work(pool: WorkerPool) -> None:
    replies: list[dict[str, object]] = []
    thread = threading.Thread(target=lambda: replies.append(pool.run({"sleep": 60})))
    thread.start()
    while not pool._all:
        thread.join(0.01)
    pool.close()
    thread.join(10)
    assert not thread.is_alive()
    assert "fault" in replies[0]


def test_what_a_library_prints_does_not_disturb_the_replies(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import intent_tool.scons.jobs as jobs, os\n"
        "def run(request):\n"
        "    print('noise'); os.system('echo more noise; cat')\n"
        "    return {'echo': request['text']}\n"
        "jobs.run = run\n")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "intent_tool.scons.worker"], text=True, capture_output=True, check=True, timeout=60,
        input=json.dumps({"text": "ä\n"}) + "\n" + json.dumps({"text": "b"}) + "\n",
        env={"PYTHONPATH": f"{tmp_path}:{root}", "PATH": "/usr/bin:/bin"})
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"echo": "ä\n"}, {"echo": "b"}]
    assert "noise" in done.stderr
