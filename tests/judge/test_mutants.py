"""Good code with flipped bits: the judge always says something, and never by an exception."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from judge_objects import TRIPLES, function_object
from test_faults import CASES

from intent_tool.judge.elf import read_elf
from intent_tool.judge.judge import judge_function
from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets

MUTANTS = 40


@pytest.mark.parametrize("isa", TRIPLES)
def test_flipped_bits(isa: str) -> None:
    source = random.Random(5)
    target = load_targets()[isa]
    good = [p for p in CASES if p.parent.name == isa and p.stem in (
        "good_scalar", "good_frame", "good_loop", "good_table", "good_stack_arguments", "good_memory", "good_reads")]
    assert len(good) == 7
    seen: Counter[bool] = Counter()
    for number in range(MUTANTS):
        text = good[number % len(good)].read_text()
        _, intent, assembly, _ = re.split(r"^--- \w+\n", text, flags=re.MULTILINE)
        contract = load_text(intent)
        binary = function_object(assembly.rstrip(), isa, contract.name)
        code = next(s.data for s in read_elf(binary).sections if s.name == ".text")
        mutant = bytearray(binary)
        mutant[binary.index(code) + source.randrange(len(code))] ^= 1 << source.randrange(8)
        verdict = judge_function(contract, target, bytes(mutant), contract.name, vectors=60)
        assert verdict.accepted != bool(verdict.problems) and all(verdict.problems)
        seen[verdict.accepted] += 1
    assert seen[False] > MUTANTS // 2
