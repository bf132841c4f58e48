"""Worker processes: SCons runs its jobs in threads, and only processes use more than one core.

A worker reads calls and writes replies, a line of JSON each. Its standard output is the reply stream, so whatever a
library prints goes to standard error instead."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from intent_tool.propose.ai.provider import without_keys

MEMORY_VARIABLE, SECONDS_VARIABLE = "INTENT_WORKER_MEMORY", "INTENT_WORKER_SECONDS"
MEMORY_MIB = 4096
"""What a worker may hold unless the variable says something else; the solvers that it starts have limits, too."""
SECONDS = 900.0
"""How long one call may take, by the clock, unless the variable says something else."""
_LOOK = 0.25
"""Seconds between looks at a worker."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class WorkerLost(Exception):
    """The worker process ended, or was ended, before it replied. The message says why."""


class WorkerPool(Executor):
    """Processes that are started when they are first needed, load what a build needs at once, and live until
    `shutdown`. A call that ends its worker, which takes a crash inside a library, fails with `WorkerLost`; no other
    call notices, and the next one gets a new worker."""

    def __init__(self, workers: int | None = None) -> None:
        self._threads = ThreadPoolExecutor(workers or os.cpu_count() or 1, "intent-worker")
        self._idle: list[subprocess.Popen[str]] = []
        self._all: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()
        self._is_closed = False
        self._seconds = limit(SECONDS_VARIABLE, SECONDS)
        self._memory = int(limit(MEMORY_VARIABLE, MEMORY_MIB)) << 20

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function of some module in a worker; arguments and result are plain JSON data."""
        return self._threads.submit(self._call, {"function": [fn.__module__, fn.__qualname__], "arguments": args,
                                                 "keywords": kwargs})

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End every worker. Without `wait`, calls that are under way fail."""
        if wait:
            self._threads.shutdown(wait=True, cancel_futures=cancel_futures)
        with self._lock:
            self._is_closed = True
            workers, self._all, self._idle = self._all, [], []
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        self._threads.shutdown(wait=wait, cancel_futures=True)

    def _call(self, call: dict[str, Any]) -> Any:
        worker = self._take()
        assert worker.stdin is not None and worker.stdout is not None
        reply, too_much = "", ""
        with contextlib.suppress(OSError, ValueError):
            worker.stdin.write(json.dumps(call) + "\n")
            worker.stdin.flush()
            too_much = self._watch(worker, worker.stdout)
            reply = worker.stdout.readline()
        if not reply.endswith("\n"):
            status = worker.wait()
            raise WorkerLost(too_much or f"the worker process ended while it worked on this ({_ending(status)})")
        with self._lock:
            self._idle.append(worker)
        return json.loads(reply)

    def _watch(self, worker: subprocess.Popen[str], output: IO[str]) -> str:
        """Wait for the reply. A worker that takes too long or too much is ended; what it took, or nothing."""
        deadline = time.monotonic() + self._seconds
        while not select.select([output], [], [], _LOOK)[0]:
            if time.monotonic() > deadline:
                worker.kill()
                return f"it took longer than {self._seconds:g} s ({SECONDS_VARIABLE} gives more)"
            if _resident(worker.pid) > self._memory:
                worker.kill()
                return f"it took more than {self._memory >> 20} MiB of memory ({MEMORY_VARIABLE} gives more)"
        return ""

    def _take(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._is_closed:
                raise WorkerLost("the build was stopped")
            if self._idle:
                return self._idle.pop()
            package = str(Path(__file__).parents[2])
            path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
            worker = subprocess.Popen(
                [sys.executable, "-m", "intent_tool.scons.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, encoding="utf-8", env={**without_keys(os.environ), "PYTHONPATH": path})
            self._all.append(worker)
            return worker


def limit(variable: str, default: float) -> float:
    """What the environment variable says, where it is a positive number."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(os.environ.get(variable, ""))) or default
    return default


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds; what emulators reserve and do not use is no part of it."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    return 0


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"


def main() -> None:
    """Serve until standard input ends."""
    # The streams move to descriptors that no emulator inherits.
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # An interrupt from the terminal reaches the whole process group; the pool ends the workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, lines), daemon=True).start()
    from intent_tool.scons import jobs

    jobs.preload()
    while True:
        call = json.loads(lines.get())
        module, name = call["function"]
        function = getattr(importlib.import_module(module), name)
        replies.write(json.dumps(function(*call["arguments"], **call["keywords"])) + "\n")
        replies.flush()


def _read(requests: Any, lines: queue.SimpleQueue[str]) -> None:
    """When whoever asks is gone, so is what they asked for."""
    for line in requests:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
