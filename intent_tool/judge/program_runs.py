"""Runs a program: in unicorn, with a kernel that does what a situation says, and under the user-mode emulator."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from intent_tool.judge.kernel import USUAL, Process, Situation
from intent_tool.judge.program_inputs import Run
from intent_tool.judge.program_outcome import Outcome

_SLICE_SECONDS = 1.0
"""CPU time without a system call, after which a program is taken not to end; as much again for each so many bytes of
its input."""
_BYTES_A_SLICE = 1 << 14
_CPU_SECONDS = 10
_PATIENCE = 120
"""Seconds of real time for one run."""
_MUCH_OUTPUT = 1 << 16
"""Bytes, besides twice what must come, after which a program is taken to write for ever."""
_UNKNOWN_OUTPUT = 1 << 20
"""The same where it is not known what must come."""
_MOST_OUTPUT = 1 << 28
"""Bytes, after which the system stops it."""
_PIPE_BYTES = 1 << 20
_WAIT_SECONDS = 0.0002


@dataclass(frozen=True, slots=True)
class Executable:
    """`calls` has the address of each system call that was seen in the code, and its number."""

    isa: str
    name: str
    content: bytes
    calls: Mapping[int, int]


def run_embedded(executable: Executable, run: Run, situation: Situation = USUAL) -> tuple[Outcome, Process]:
    """In unicorn, where nothing can happen to this machine. What came of it, and the process as it ended."""
    process = Process(executable.isa, executable.content, (executable.name.encode(), *run.args), run.stdin,
                      executable.calls, situation)
    process.most_output = _UNKNOWN_OUTPUT
    if run.stdout is not None and run.stderr is not None:
        process.most_output = 2 * len(run.stdout + run.stderr) + _MUCH_OUTPUT
    process.run(_SLICE_SECONDS * (1 + len(run.stdin) // _BYTES_A_SLICE), lambda: process.calls)
    status = process.status if process.status is not None else -process.signal
    # Who is refused memory may do without.
    failed = None if process.failed in ("mmap", "mremap") else process.failed is not None
    return Outcome(bytes(process.output[1]), bytes(process.output[2]), status, failed, process.errors_before,
                   process.breach), process


class Emulator:
    """The user-mode emulator, by its command line, with one program."""

    def __init__(self, command: Sequence[str], executable: Executable) -> None:
        self.file = os.memfd_create(executable.name)
        with open(self.file, "wb", closefd=False) as file:
            file.write(executable.content)
        self.command = [*command, "-0", executable.name, f"/proc/self/fd/{self.file}"]

    def close(self) -> None:
        os.close(self.file)

    def run(self, run: Run, pieces: Sequence[int] = (), stdin: str = "", stdout: str = "",
            fails: bool | None = False) -> Outcome:
        """With `pieces` standard input is a pipe, and more of it is written only when the program has read all that
        came before; the last size is that of all further pieces. `stdin` and `stdout` are files to open for reading
        in place of the run's own, ``/dev/full`` for writing, ``|`` a pipe that nobody reads; `fails` says whether a
        system call is bound to fail for it, None that it may."""
        with contextlib.ExitStack() as stack:
            out, errors = (stack.enter_context(_memory()) for _ in range(2))
            source: int | None = None
            if stdin:
                source = stack.enter_context(_opened(stdin))
            elif not pieces:
                source = stack.enter_context(_memory(run.stdin))
            arguments = [*self.command, *(os.fsdecode(a) for a in run.args)]
            with subprocess.Popen(arguments, stdin=subprocess.PIPE if source is None else source, bufsize=0,
                                  stdout=stack.enter_context(_opened(stdout)) if stdout else out, stderr=errors,
                                  cwd="/proc", env={"PATH": os.defpath}, pass_fds=[self.file]) as process:
                _limit(process.pid)
                try:
                    if process.stdin is not None:
                        _feed(process, process.stdin.fileno(), run.stdin, pieces)
                        process.stdin.close()
                    process.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
            status = process.returncode
            if stdout == "|" and status == -signal.SIGPIPE:
                # What the signal does to whoever writes to a pipe that nobody reads.
                status = 128 + signal.SIGPIPE
            return Outcome(_content(out), _content(errors), status, fails)


def _limit(process: int) -> None:
    import resource

    resource.prlimit(process, resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS + 1))
    resource.prlimit(process, resource.RLIMIT_CORE, (0, 0))
    resource.prlimit(process, resource.RLIMIT_FSIZE, (_MOST_OUTPUT, _MOST_OUTPUT))


def _feed(process: subprocess.Popen[bytes], pipe: int, content: bytes, pieces: Sequence[int]) -> None:
    """Writes `content` piece by piece, each when the one before has been read. A program that never reads ends all
    the same, at the latest by its limit of CPU time."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    sizes = chain(pieces, repeat(pieces[-1]))
    at = 0
    with contextlib.suppress(BrokenPipeError):
        while at < len(content) and process.poll() is None:
            piece = content[at:at + next(sizes)]
            os.write(pipe, piece)
            at += len(piece)
            while _unread(pipe) and process.poll() is None:
                time.sleep(_WAIT_SECONDS)


def _unread(pipe: int) -> int:
    """Bytes in the pipe."""
    found = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(found, sys.byteorder)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    """A descriptor of the file; of ``|`` that of a pipe that nobody reads."""
    if path == "|":
        reader, descriptor = os.pipe()
        os.close(reader)
    else:
        descriptor = os.open(path, os.O_WRONLY if path == "/dev/full" else os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _memory(content: bytes = b"") -> Iterator[int]:
    """The descriptor of a file in memory."""
    descriptor = os.memfd_create("stream")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", closefd=False) as file:
        return file.read()
