"""What a binary depends on besides its intent: this tool. Part of every build signature."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def tool_digest() -> str:
    """SHA-256 over the names and contents of the tool's source files, hexadecimal; the same in every folder.

    The faces are left out: they decide when something is built and what is said about it, not what is built."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith(("scons/", "commands/", "cli.py", "packages.py")) or name == "scons/jobs.py":
            content = path.read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
