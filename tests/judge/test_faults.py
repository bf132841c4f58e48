"""Good code is accepted and planted faults are refused, in so many words: one self-contained file each in `cases/`.

``--- intent`` is the contract, ``--- assembly`` what LLVM's assembler is given, ``--- verdict`` either `accepted` or
the problems, one a line, where `*` stands for anything.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judge_objects import function_object

from intent_tool.judge.judge import judge_function
from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets

CASES = sorted((Path(__file__).parent / "cases").glob("*/*.case"))
TARGETS = load_targets()


def test_the_cases_are_there() -> None:
    assert len(CASES) > 150 and {p.parent.name for p in CASES} == {"x86_64", "arm64", "riscv64"}


@pytest.mark.parametrize("path", CASES, ids=[f"{p.parent.name}-{p.stem}" for p in CASES])
def test_case(path: Path) -> None:
    parts = re.split(r"^--- (\w+)\n", path.read_text(), flags=re.MULTILINE)
    fields = dict(zip(parts[1::2], (p.rstrip("\n") for p in parts[2::2]), strict=True))
    contract = load_text(fields["intent"], str(path))
    target = TARGETS[path.parent.name]
    binary = function_object(fields["assembly"], target.isa, contract.name)
    verdict = judge_function(contract, target, binary, contract.name)
    wanted = fields["verdict"].splitlines()
    if wanted == ["accepted"]:
        assert verdict.accepted and verdict.evidence == "tested", verdict.problems
        assert verdict.vectors > 0 and "unicorn" in verdict.emulators
        return
    assert not verdict.accepted and verdict.evidence == "none"
    assert len(verdict.problems) >= len(wanted), verdict.problems
    for problem, pattern in zip(verdict.problems, wanted, strict=False):
        assert re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), problem), verdict.problems
