"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_whole(path: Path, data: bytes | str, executable: bool = False) -> None:
    """Write `data` (text as UTF-8) to `path` so that a reader, or a crash, sees the old file or the new one.

    A temporary file in the same folder is filled, flushed to the disk and renamed over `path`; missing folders
    are made. The mode is what the umask leaves of 0666, or of 0777 for an `executable`. What is there and is no
    regular file (/dev/stdout, a pipe) is written to as it is. Raises `OSError`."""
    # File names may hold bytes that are not UTF-8; in JSON their escapes are right.
    content = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, (0o777 if executable else 0o666) & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def remove(paths: Iterable[Path]) -> None:
    """Delete those of `paths` that are regular files: what a failed intent must not leave behind."""
    for path in paths:
        if path.is_file():
            path.resolve().unlink()


def _umask() -> int:
    """The process's umask. Linux shows it without the set-and-restore that would race with other threads."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    return 0o022
