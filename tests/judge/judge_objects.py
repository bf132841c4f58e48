"""Objects that others than this project's assembler made: LLVM, by `python -m ziglang`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

TRIPLES = {"x86_64": "x86_64-linux-musl", "arm64": "aarch64-linux-musl", "riscv64": "riscv64-linux-musl"}
PROLOGUES = {
    "x86_64": ".intel_syntax noprefix\n.text\n",
    "arm64": ".text\n",
    "riscv64": ".option norelax\n.text\n",
}


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="judge-objects-")


def compiled(source: str, isa: str, suffix: str = ".s", *options: str) -> bytes:
    """The object that clang makes of `source`. Fails the test with clang's words when it makes none."""
    folder = Path(_folder().name)
    stem = folder / hashlib.sha256(repr((source, isa, suffix, options)).encode()).hexdigest()
    path, output = stem.with_suffix(suffix), stem.with_suffix(".o")
    path.write_text(source)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", TRIPLES[isa], *options, "-c", str(path), "-o",
               str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output.read_bytes()


def function_object(assembly: str, isa: str, symbol: str) -> bytes:
    """The object of one global function. A last line ``#END`` says that the size is in `assembly`, ``#LOCAL`` that
    everything about the symbol is."""
    source = PROLOGUES[isa]
    if not assembly.endswith("#LOCAL"):
        source += f".globl {symbol}\n.type {symbol}, @function\n"
    code, table, rest = assembly.partition("\n  .section")
    source += code.removesuffix("#END").removesuffix("#LOCAL").replace("#", "#" if isa == "arm64" else "//")
    if not assembly.endswith(("#END", "#LOCAL")):
        source += f"\n.size {symbol}, . - {symbol}\n"
    return compiled(source + table + rest.removesuffix("#LOCAL") + "\n", isa)
