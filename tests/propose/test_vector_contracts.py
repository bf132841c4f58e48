"""Loops in vectors agree with the oracle on random contracts, and never touch what is not theirs: run by the judge's
tests under qemu-user, with buffers at the edges of pages, for every length from 0 up."""

from __future__ import annotations

import os
from random import Random

import pytest
from lanewise_contracts import lanewise_contract

from intent_tool.judge.judge import judge_function
from intent_tool.language.load import load_text
from intent_tool.machine.assembler import assemble
from intent_tool.machine.elf import write_object
from intent_tool.machine.target import load_targets
from intent_tool.propose.lowering import lower_in_vectors

TARGETS = load_targets()
CONTRACTS = 60
BATCHES = 4 if os.environ.get("INTENT_CAMPAIGN") else 2
INPUTS = 300


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("name", ["x86_64", "x86_64_v3", "arm64"])
def test_vectors_agree_with_the_oracle(name: str, batch: int) -> None:
    target, done = TARGETS[name], 0
    for seed in range(batch * CONTRACTS, (batch + 1) * CONTRACTS):
        text = lanewise_contract(Random(seed).randrange, "f")
        contract = load_text(text)
        assembly = lower_in_vectors(contract, target)
        if assembly is None:
            continue
        binary = write_object(target, "f", assemble(assembly, target))
        verdict = judge_function(contract, target, binary, "f", vectors=INPUTS, seconds=0)
        assert verdict.accepted, f"{name}, contract {seed}: {verdict.problems}\n{text}"
        done += 1
    assert done > CONTRACTS // 2, "hardly anything is done in vectors"
