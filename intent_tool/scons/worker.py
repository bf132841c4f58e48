"""Worker processes: SCons runs its jobs in threads, and only processes use more than one core.

A worker reads requests and writes replies, a line of JSON each. Its standard output is the reply stream, so
whatever a library prints goes to standard error instead."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

Data = dict[str, Any]


class WorkerPool:
    """As many workers as there are threads that ask at the same time. They live until `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._idle: list[subprocess.Popen[str]] = []
        self._all: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    def run(self, request: Data) -> Data:
        """The reply to `request`. A worker that dies, which takes a crash inside a library, is a fault of the
        tool; its request gets a reply that says so, and the next one gets a new worker."""
        worker = self._take()
        assert worker.stdin is not None and worker.stdout is not None
        reply = ""
        with contextlib.suppress(OSError, ValueError):
            worker.stdin.write(json.dumps(request) + "\n")
            worker.stdin.flush()
            reply = worker.stdout.readline()
        if not reply.endswith("\n"):
            return {"fault": f"the worker process ended while it worked on this ({_ending(worker.wait())})"}
        with self._lock:
            self._idle.append(worker)
        answer: Data = json.loads(reply)
        return answer

    def close(self) -> None:
        """End every worker, at work or not."""
        with self._lock:
            workers, self._all, self._idle = self._all, [], []
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def _take(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            package = str(Path(__file__).parents[2])
            path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
            worker = subprocess.Popen(
                [sys.executable, "-m", "intent_tool.scons.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, encoding="utf-8", cwd=self._folder, env={**os.environ, "PYTHONPATH": path})
            self._all.append(worker)
            return worker


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"


def main() -> None:
    """Serve until standard input ends."""
    from intent_tool.scons import jobs

    # The streams move to descriptors that no emulator inherits.
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # An interrupt from the terminal reaches the whole process group; SCons ends the workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in requests:
        replies.write(json.dumps(jobs.run(json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
