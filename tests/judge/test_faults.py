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
from intent_tool.judge.prove import prove_function
from intent_tool.judge.verdict import Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.load import load_text
from intent_tool.machine.target import Target, load_targets

CASES = sorted((Path(__file__).parent / "cases").glob("*/*.case"))
DYNAMIC = [p for p in CASES if p.stem in (
    "good_scalar", "good_table", "good_stack_arguments", "reads_past_table", "reads_one_byte_after", "writes_const",
    "writes_one_byte_before", "writes_far_away", "infinite_loop", "divides_by_zero", "clobbers_callee_saved",
    "stack_pointer_off", "result_not_extended", "returns_elsewhere", "uninitialized_stack")]
UNDECIDED = ("infinite_loop",)
"""What a proof cannot follow to its end."""
TARGETS = load_targets()


def test_the_cases_are_there() -> None:
    assert len(CASES) > 150 and {p.parent.name for p in CASES} == {"x86_64", "arm64", "riscv64"}


@pytest.mark.parametrize("path", CASES, ids=[f"{p.parent.name}-{p.stem}" for p in CASES])
def test_case(path: Path) -> None:
    verdict, wanted = judged(path)
    check(verdict, wanted)
    if wanted == ["accepted"]:
        assert verdict.emulators == (TARGETS[path.parent.name].runner[0], "unicorn") and verdict.unchecked == ()


@pytest.mark.parametrize("path", CASES, ids=[f"{p.parent.name}-{p.stem}" for p in CASES])
def test_case_by_proof_alone(path: Path) -> None:
    """No test is run: the proof finds every fault by itself."""
    contract, target, binary, wanted = read_case(path)
    proof = prove_function(contract, target, binary, contract.name)
    if wanted == ["accepted"]:
        assert proof.status in ("proved", "bounded"), proof
    elif path.stem in UNDECIDED:
        assert proof.status == "unknown" and proof.problems, proof
    else:
        assert proof.status in ("refuted", "refused") and proof.problems, proof


@pytest.mark.parametrize("path", DYNAMIC, ids=[f"{p.parent.name}-{p.stem}" for p in DYNAMIC])
def test_case_without_a_user_mode_emulator(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """unicorn sees the same, and the verdict says that it was alone."""
    monkeypatch.setattr("intent_tool.judge.judge.runner_path", lambda target: None)
    verdict, wanted = judged(path)
    check(verdict, wanted)
    if wanted == ["accepted"]:
        name = TARGETS[path.parent.name].runner[0]
        assert verdict.emulators == ("unicorn",)
        assert verdict.unchecked == (f"a second emulator: {name} is not installed",)


def judged(path: Path) -> tuple[Verdict, list[str]]:
    """The judge's verdict, and the lines of the wanted one."""
    contract, target, binary, wanted = read_case(path)
    return judge_function(contract, target, binary, contract.name), wanted


def read_case(path: Path) -> tuple[Contract, Target, bytes, list[str]]:
    """Contract, target, object file, and the lines of the wanted verdict."""
    parts = re.split(r"^--- (\w+)\n", path.read_text(), flags=re.MULTILINE)
    fields = dict(zip(parts[1::2], (p.rstrip("\n") for p in parts[2::2]), strict=True))
    contract = load_text(fields["intent"], str(path))
    target = TARGETS[path.parent.name]
    binary = function_object(fields["assembly"], target.isa, contract.name)
    return contract, target, binary, fields["verdict"].splitlines()


def check(verdict: Verdict, wanted: list[str]) -> None:
    if wanted == ["accepted"]:
        assert verdict.accepted and verdict.evidence in ("proved", "bounded") and verdict.vectors > 0, verdict
        return
    assert not verdict.accepted and verdict.evidence == "none"
    assert len(verdict.problems) >= len(wanted), verdict.problems
    for problem, pattern in zip(verdict.problems, wanted, strict=False):
        assert re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), problem), verdict.problems
