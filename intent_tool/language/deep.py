"""Room for recursion as deep as a contract's terms: a thread with a stack of its own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

STACK_BYTES = 64 << 20
"""Reserved, not used: pages are taken as the recursion goes deeper."""
DEPTH = 100_000

Result = TypeVar("Result")

_one_at_a_time = threading.Lock()


def with_deep_stack(work: Callable[[], Result]) -> Result:
    """The result of `work`, or the exception that it raised. SCons' own threads have stacks of 256 KiB only."""
    if threading.current_thread().name == "deep":
        return work()
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as problem:
            failure.append(problem)
    # Both settings are the process's own, so they are put back before anybody else can see them.
    with _one_at_a_time:
        limit, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
        sys.setrecursionlimit(max(limit, DEPTH))
        try:
            thread = threading.Thread(target=run, name="deep")
            thread.start()
            threading.stack_size(size)
            thread.join()
        finally:
            threading.stack_size(size)
            sys.setrecursionlimit(limit)
    if failure:
        raise failure[0]
    return outcome[0]
