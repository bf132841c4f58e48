"""Tools that share no code with this one: LLVM (by ziglang), GNU binutils, lld, qemu."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TRIPLES = {"x86_64": "x86_64-linux-musl", "arm64": "aarch64-linux-musl", "riscv64": "riscv64-linux-musl"}
CPUS = {"x86_64": "x86_64_v3", "arm64": "generic", "riscv64": "baseline_rv64+zba+zbb+zbs"}
PREFIXES = {"x86_64": "x86_64-linux-gnu-", "arm64": "aarch64-linux-gnu-", "riscv64": "riscv64-linux-gnu-"}


def run(*command: str | Path) -> str:
    """Standard output of a command that must succeed and say nothing on standard error."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}: exit {result.returncode}\n{result.stderr}"
    assert not result.stderr, f"{command}: {result.stderr}"
    return result.stdout


def binutils(isa: str, tool: str) -> str:
    """GNU's tool for an ISA; on the machine's own ISA it may lack the prefix."""
    found = shutil.which(PREFIXES[isa] + tool) or (shutil.which(tool) if isa == "x86_64" else None)
    assert found, f"no {PREFIXES[isa]}{tool}: .ci/setup test installs it"
    return found


def zig(*arguments: str | Path) -> str:
    return run(sys.executable, "-m", "ziglang", *arguments)


def text_section(isa: str, obj: Path) -> bytes:
    raw = obj.with_suffix(".bin")
    run(binutils(isa, "objcopy"), "-O", "binary", "-j", ".text", obj, raw)
    return raw.read_bytes()


def llvm(isa: str, lines: list[str], folder: Path, features: str = "") -> bytes:
    """`.text` as LLVM assembles the lines, local branches resolved."""
    source = folder / "lines.s"
    head = {"x86_64": ".intel_syntax noprefix", "arm64": "", "riscv64": ".option norelax"}[isa]
    source.write_text("\n".join([head, *lines, ""]))
    obj = folder / "lines.o"
    zig("cc", "-c", "-target", TRIPLES[isa], "-mcpu=" + CPUS[isa] + features, source, "-o", obj)
    return text_section(isa, obj)


def gnu(isa: str, lines: list[str], folder: Path, *options: str) -> bytes:
    """`.text` as GNU as assembles the lines."""
    source = folder / "lines.s"
    source.write_text("\n".join([*lines, ""]))
    obj = folder / "gnu.o"
    run(binutils(isa, "as"), *options, source, "-o", obj)
    return text_section(isa, obj)
