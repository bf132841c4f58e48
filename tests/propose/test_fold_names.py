"""Folds of one place of a contract have names of their own in notes, and those that are the same have one."""

from __future__ import annotations

import re

import pytest

from intent_tool.judge.prove import prove_function
from intent_tool.language.load import load_text
from intent_tool.machine.assembler import assemble
from intent_tool.machine.elf import write_object
from intent_tool.machine.target import load_targets
from intent_tool.propose import candidates

HEAD = "intent: A test.\nsignature: uint64_t f(const uint8_t a[n], const uint8_t b[n], size_t n, uint8_t v)\nwhere:\n"
COUNT = f"{HEAD}  count(c): sum(x == c for x in a)\nreturns: "
FIRST = f"{HEAD}  first(c): next((i for i, x in enumerate(a) if x == c), n)\nreturns: "


@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64"])
@pytest.mark.parametrize(("contract", "names"), [
    (COUNT + "count(40)", {"0"}),
    (COUNT + "u64(count(40) - count(41))", {"0", "0.1"}),
    (COUNT + "count(1) if v > 5 else count(1) + 1", {"0"}),
    (HEAD + "  total(x): sum(x)\nreturns: total(a) + total(b) if v > 5 else total(b)", {"0", "0.1"}),
    (HEAD + "  has(x): v in x\nreturns: 1 if has(a) else 2 if has(b) else 0", {"0", "0.1"}),
    # Once for the comparison, and once more where it is known.
    (FIRST + "first(59) - first(58) if first(58) < first(59) else 0", {"0", "0.1"}),
])
def test_names(contract: str, names: set[str], target: str) -> None:
    made, record = load_text(contract + "\n"), load_targets()[target]
    *_, scalar = candidates(made, record)
    found = {re.search(r"fold\(([\d.]+)\)", note.text)[1] for note in scalar.assembly.notes}  # type: ignore[index]
    assert {re.sub(r"^\d+", "0", name) for name in found} == names
    binary = write_object(record, "f", assemble(scalar.assembly, record))
    proof = prove_function(made, record, binary, "f", seconds=15)
    assert (proof.status, proof.problems) == ("proved", ())
