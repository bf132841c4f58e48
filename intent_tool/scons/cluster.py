"""Jobs on an existing Dask cluster: ``executor=dask://host:port``.

The cluster's workers need intent_tool, of the very same sources, and nothing of the project: a job takes along the
files that it reads, and brings back those that it writes. A worker that is lost is Dask's affair: it gives the job to
another."""

from __future__ import annotations

import base64
import os
import socket
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from intent_tool.emit.files import write_whole
from intent_tool.judge.budget import SECONDS_VARIABLE
from intent_tool.language.diagnostics import error
from intent_tool.scons import jobs
from intent_tool.scons.digest import tool_digest
from intent_tool.scons.outline import with_used
from intent_tool.scons.worker import WorkerPool

Data = dict[str, Any]

SCHEME = "dask://"
CONNECT_SECONDS = 10
SETTINGS = (SECONDS_VARIABLE,)
"""Environment variables that mean the same wherever a job runs."""


class ClusterLost(Exception):
    """The cluster did not do the job. The message says why."""


class Cluster(Executor):
    def __init__(self, address: str) -> None:
        """Connect to the scheduler at `address`, ``dask://host:port``. Raises `IntentError`."""
        try:
            from distributed import Client
        except ImportError:
            raise error("E912", f"`executor={address}` needs the package distributed, which is not installed",
                        help="pip install 'intent-tool[cluster]'") from None
        try:
            self._client = Client("tcp://" + address.removeprefix(SCHEME), timeout=CONNECT_SECONDS,
                                  set_as_default=False)
        except (OSError, ValueError) as failure:
            raise error("E912", f"`executor={address}`: there is no Dask scheduler that answers ({failure})",
                        help="`dask scheduler` starts one, and `dask worker HOST:PORT` its workers") from None
        self.threads = max(1, sum(self._client.nthreads().values()))
        """Jobs that the cluster can do at the same time."""
        self._remote = self._client.get_executor(pure=False)
        self._threads = ThreadPoolExecutor(64, "intent-cluster")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if fn is jobs.run:
            return self._threads.submit(self._run, *args)
        remote: Future[Any] = self._remote.submit(fn, *args, **kwargs)
        return remote

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        self._remote.shutdown(wait=wait)
        self._client.close()

    def _run(self, request: Data) -> Data:
        try:
            reply: Data = self._remote.submit(run_parcel, packed(request)).result()
        except Exception as failure:
            raise ClusterLost(f"the cluster did not do it: {failure or type(failure).__name__}") from failure
        for name, content in reply.pop("files", {}).items():
            write_whole(Path(request["root"]) / name, base64.b64decode(content))
        return reply


def packed(request: Data) -> Data:
    """A request for `jobs.run` with all files that it reads: names relative to the project, contents in base64."""
    root = Path(request["root"])
    names = [str(p.relative_to(root)) for p in sorted((root / "targets").glob("*")) if p.is_file()]
    names += [request["binary"]] if "binary" in request else []
    for name in with_used(root, request["intent"]):
        if name.startswith(".."):
            raise ClusterLost(f"{name} lies outside of the project, and is not sent to a cluster")
        names.append(name)
    files = {name: base64.b64encode((root / name).read_bytes()).decode() for name in names}
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    return {"request": request, "files": files, "tool": tool_digest(), "settings": settings}


def run_parcel(parcel: Data) -> Data:
    """Do what `packed` made, in a folder of its own, in a worker process of this machine."""
    if parcel["tool"] != tool_digest():
        return {"fault": f"{socket.gethostname()} has another version of intent_tool than this build"}
    with tempfile.TemporaryDirectory(prefix="intent-") as folder:
        for name, content in parcel["files"].items():
            write_whole(Path(folder) / name, base64.b64decode(content))
        request = {**parcel["request"], "root": folder, "settings": parcel["settings"]}
        try:
            reply: Data = _pool().submit(jobs.run, request).result()
        except Exception as failure:
            return {"fault": f"{socket.gethostname()}: {failure}"}
        record = request.get("record")
        if record is not None and (Path(folder) / record).is_file():
            reply["files"] = {record: base64.b64encode((Path(folder) / record).read_bytes()).decode()}
        return reply


@cache
def _pool() -> WorkerPool:
    return WorkerPool()
