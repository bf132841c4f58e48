"""Assembles the judge's harnesses again: ``python tests/judge/build_harness.py`` rewrites the shipped files.

The assembler and linker are LLVM's, by `python -m ziglang`. Nobody needs them to use the tool.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from judge_objects import TRIPLES

from intent_tool.judge.emulate import harness_path


def build(isa: str) -> bytes:
    """The static executable made from the harness's source for `isa`."""
    source = harness_path(isa).with_suffix(".S")
    with tempfile.TemporaryDirectory(prefix="judge-harness-") as folder:
        output = Path(folder) / "harness"
        command = [sys.executable, "-m", "ziglang", "cc", "-target", TRIPLES[isa], "-nostdlib", "-static", "-no-pie"]
        subprocess.run([*command, "-s", "-Wl,--build-id=none", str(source), "-o", str(output)], check=True)
        return output.read_bytes()


if __name__ == "__main__":
    for name in TRIPLES:
        harness_path(name).write_bytes(build(name))
