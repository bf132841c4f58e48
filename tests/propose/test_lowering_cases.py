"""Every file in `cases/run` becomes code that the judge accepts on every target.

Every file in `cases/refused` is refused with the diagnostics that its first comments hold; ``pytest tests/propose
--update-refusals`` rewrites them."""

from __future__ import annotations

from pathlib import Path

import pytest

from intent_tool.judge.judge import judge_function
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_intent
from intent_tool.machine.assembler import assemble
from intent_tool.machine.elf import write_object
from intent_tool.machine.target import load_targets
from intent_tool.propose import candidates

CASES = Path(__file__).parent / "cases"
TARGETS = load_targets()
VECTORS = 400


@pytest.mark.parametrize("path", sorted((CASES / "run").glob("*.intent")), ids=lambda p: p.stem)
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_code_is_accepted(path: Path, name: str) -> None:
    contract, target = load_intent(path, CASES), TARGETS[name]
    code = assemble(next(candidates(contract, target)).assembly, target)
    verdict = judge_function(contract, target, write_object(target, contract.name, code), contract.name,
                             vectors=VECTORS, seconds=1.0)
    assert verdict.accepted, "\n".join(verdict.problems)
    assert verdict.vectors > 0 and verdict.emulators


@pytest.mark.parametrize("path", sorted((CASES / "refused").glob("*.intent")), ids=lambda p: p.stem)
@pytest.mark.parametrize("name", ["x86_64", "arm64", "riscv64"])
def test_what_cannot_be_generated_is_said(path: Path, name: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(IntentError) as failure:
        next(candidates(load_intent(path, CASES), TARGETS[name]))
    found = []
    for d in failure.value.diagnostics:
        assert d.span is not None
        found.append(f"# error[{d.code}] at {d.span.line}:{d.span.column}: {d.message}")
        found += [f"# help: {d.help}"] if d.help else []
    text = path.read_text()
    expected = [line for line in text.splitlines() if line.startswith("# ")]
    if request.config.getoption("--update-refusals"):
        rest = [line for line in text.splitlines() if not line.startswith("# ")]
        # The comments move the lines below them.
        moved = [line.replace(f" at {d.span.line}:", f" at {d.span.line - len(expected) + len(found)}:")
                 for d in failure.value.diagnostics if d.span is not None for line in found]
        path.write_text("\n".join([*moved, *rest]) + "\n")
        return
    assert found == expected
