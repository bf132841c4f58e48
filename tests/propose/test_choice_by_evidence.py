"""Which of this tool's own candidates is delivered: the first that is proved, else the one with most evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from intent_tool import pipeline
from intent_tool.judge.programs import Part
from intent_tool.judge.verdict import PartVerdict, Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.load import load_text
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly
from intent_tool.machine.target import Target, load_targets
from intent_tool.propose.candidate import Candidate

TARGET = load_targets()["x86_64"]
INTENT = "intent: The same.\nsignature: int f(int x)\nreturns: x\n"


@pytest.mark.parametrize(("offered", "taken", "looked_at"), [
    (["proved", "proved"], 0, 1),
    (["bounded 16", "proved", "proved"], 1, 2),
    (["tested", "bounded 4", "bounded 16", "bounded 16"], 2, 4),
    (["bounded 16", "bounded 16", "tested"], 0, 3),
    (["none", "tested", "tested"], 1, 3),
])
def test_the_first_with_the_strongest_evidence(offered: list[str], taken: int, looked_at: int, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    made = [Candidate(Assembly(("mov eax, edi", *["nop"] * k, "ret")), "lowering") for k in range(len(offered))]
    seen = []

    def judge(_contract: Contract, _target: Target, binary: bytes, **_parts: object) -> Verdict:
        evidence, _, longest = offered[len(seen)].partition(" ")
        seen.append(binary)
        problems = ("it is wrong",) if evidence == "none" else ()
        return Verdict(not problems, evidence, problems, 10, ("qemu-x86_64",), len(seen), 3,
                       longest=int(longest) if longest else None)

    monkeypatch.setattr(pipeline, "candidates", lambda *_: iter(made))
    monkeypatch.setattr(pipeline, "judge", judge)
    (tmp_path / "f.intent").write_text(INTENT)
    built = pipeline.build(tmp_path / "f.intent", TARGET)
    assert isinstance(built, pipeline.Built)
    assert built.candidate is made[taken] and built.binary == seen[taken] and len(seen) == looked_at
    assert len(built.refused) == looked_at - 1
    assert all(r.problems[0] == "it is wrong" or " only, in " in r.problems[0] for r in built.refused)


@pytest.mark.parametrize(("first", "second", "taken"), [
    ("proved", "proved", 1), ("bounded", "proved", 1), ("proved", "bounded", 0), ("bounded", "bounded", 1)])
def test_of_two_generators_evidence_counts_before_cost(first: str, second: str, taken: int) -> None:
    """The second one has an instruction less."""
    def accepted(evidence: str, *lines: str) -> pipeline.Accepted:
        candidate = Candidate(Assembly((*lines, "ret")), "ai")
        code = assemble(candidate.assembly, TARGET)
        return pipeline.Accepted(candidate, code, b"", Verdict(True, evidence, (), 10, (), len(lines) + 1, 8))
    both = accepted(first, "mov eax, edi", "add eax, 0"), accepted(second, "mov eax, edi")
    work = pipeline._Work(load_text(INTENT), TARGET, pipeline.Wishes())
    assert work.better(*both) is both[taken]
    assert len(work.refused) == 1


PROGRAM = """
intent: The number of bytes that are as the first argument begins.
program: count_byte
where:
  wanted: args[0][0] if len(args) > 0 and len(args[0]) > 0 else 0
stdout: |
  f"{sum(x == wanted for x in stdin)}\\n"
"""


@pytest.mark.parametrize(("is_helped", "proved"), [(True, 1), (False, 0)])
def test_a_programs_parts_have_other_code_where_that_is_proved(is_helped: bool, proved: int, tmp_path: Path,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """`is_helped`: in the program, too, and not only by itself."""
    programs: list[bytes] = []
    functions: list[str] = []

    def judge(contract: Contract, _target: Target, binary: bytes, parts: Sequence[Part] = ()) -> Verdict:
        if contract.signature is not None:
            functions.append(contract.name)
            return Verdict(True, "proved" if "fold" in contract.name else "bounded", (), 10, ("qemu-x86_64",), 5, 20)
        programs.append(binary)
        has_more = len(programs) > 1 and is_helped
        level = {True: "proved", False: "bounded"}
        verdicts = tuple(PartVerdict(p.symbol, level[has_more and "fold" in p.symbol], 4, 5, 20, ()) for p in parts)
        return Verdict(True, "tested", (), 10, ("qemu-x86_64",), 50, 200, parts=verdicts)

    monkeypatch.setattr(pipeline, "judge", judge)
    (tmp_path / "f.intent").write_text(PROGRAM)
    built = pipeline.build(tmp_path / "f.intent", TARGET)
    assert isinstance(built, pipeline.Built)
    assert len(programs) == 2 and programs[0] != programs[1]
    assert built.binary == programs[1 if is_helped else 0]
    assert sum(p.evidence == "proved" for p in built.verdict.parts) == proved
    assert sum("fold" in name for name in functions) == 1
    assert len(built.refused) == 1 and built.refused[0].problems[0].startswith("0 of ")
