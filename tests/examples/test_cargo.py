"""The example for Cargo. Where there is no Cargo, its tests are skipped: `.ci/setup` installs no Rust."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from example import check_rebuilds, copy

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")


def test_rebuilds(tmp_path: Path) -> None:
    # Both intents go into one library.
    check_rebuilds(copy("cargo", tmp_path), "cargo build", "target/debug/mixer", lambda _: {"libintents.a"})


def test_run(tmp_path: Path) -> None:
    example = copy("cargo", tmp_path)
    (command,) = example.told("Cargo.toml")
    assert example.good(command).endswith("\n122 255 0\n")


def test_no_intent_tool(tmp_path: Path) -> None:
    ran = copy("cargo", tmp_path).run("cargo build", INTENT_TOOL="no-intent-tool")
    assert ran.status != 0
    assert "no-intent-tool: No such file or directory" in ran.text
    assert "`pip install intent-tool`, or name it in INTENT_TOOL" in ran.text
