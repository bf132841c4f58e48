"""No example is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

from example import ROOT


def test_every_example_is_built_by_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    # Those for CI are tried by a suite of their own.
    assert folders - {"ci"} == set(re.findall(r"\bcopy\(\"(\w+)\", tmp_path", tests))
