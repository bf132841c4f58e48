"""Lowering agrees with the oracle on random contracts, on every target.

The functions are linked into a C driver by LLVM's linker and run under qemu-user, so neither the judge nor our
own linker has a part in it. 2,000 contracts a target.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_contracts import random_contract

from intent_tool.language.contract import Contract, ScalarType
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.language.samples import sample_inputs
from intent_tool.machine.assembler import assemble
from intent_tool.machine.elf import write_objects
from intent_tool.machine.target import Target, load_targets
from intent_tool.propose import candidates

TARGETS = load_targets()
BATCH = 25
BATCHES = 80
INPUTS = 24
ZIG = [sys.executable, "-m", "ziglang", "cc", "-static", "-O1"]
SOURCE = Path(__file__).with_name("driver.c")


@st.composite
def contracts(draw: st.DrawFn) -> list[str]:
    return [random_contract(lambda n: draw(st.integers(0, n - 1)), f"f{k}") for k in range(BATCH)]


def triple(target: Target) -> str:
    return {"x86_64": "x86_64", "arm64": "aarch64", "riscv64": "riscv64"}[target.isa] + "-linux-musl"


@pytest.fixture(scope="module", params=sorted(TARGETS))
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Target, Path, Path]:
    target = TARGETS[request.param]
    folder = tmp_path_factory.mktemp(target.name)
    driver = folder / "driver.o"
    subprocess.run([*ZIG, "-target", triple(target), "-c", str(SOURCE), "-o", str(driver)], check=True)
    return target, folder, driver


@settings(max_examples=BATCHES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(texts=contracts())
def test_lowering_agrees_with_the_oracle(workshop: tuple[Target, Path, Path], texts: list[str]) -> None:
    target, folder, driver = workshop
    made = [load_text(text) for text in texts]
    functions = [(c.name, assemble(next(candidates(c, target)).assembly, target)) for c in made]
    (folder / "batch.o").write_bytes(write_objects(target, functions))
    subprocess.run([*ZIG, "-target", triple(target), str(driver), str(folder / "batch.o"), "-o",
                    str(folder / "program")], check=True, capture_output=True)
    vectors: list[tuple[Contract, tuple[int, ...], int]] = []
    words: list[int] = []
    random = Random(1)
    for number, contract in enumerate(made):
        oracle = Oracle(contract)
        assert contract.signature is not None
        for arguments in sample_inputs(contract, oracle, INPUTS, seed=number):
            vectors.append((contract, arguments, oracle.returns(arguments)))
            passed = [as_passed(value, p.type, target, random)
                      for value, p in zip(arguments, contract.signature.parameters, strict=True)]
            words += [number, *passed, *(random.getrandbits(64) for _ in range(10 - len(passed)))]
    ran = subprocess.run([*target.runner, str(folder / "program")], input=struct.pack(f"<{len(words)}Q", *words),
                         capture_output=True, timeout=120, check=False)
    results = struct.unpack(f"<{len(ran.stdout) // 8}Q", ran.stdout)
    for (contract, arguments, wanted), word in zip(vectors, results, strict=False):
        assert as_returned(word, contract.signature.result, target) == wanted, \
            f"{target.name}: {contract.source.text}\nf{arguments} must be {wanted}"
    crashed = vectors[len(results)] if len(results) < len(vectors) else None
    if crashed is not None:
        pytest.fail(f"{target.name}: {crashed[0].source.text}\nf{crashed[1]} ends the program: {ran.returncode}")


def as_passed(value: int, type: ScalarType, target: Target, random: Random) -> int:
    """An argument register: with anything in the bits above on x86-64 and ARM64, extended on RISC-V."""
    if target.abi.narrow_values == "undefined":
        return value & (1 << type.bits) - 1 | random.getrandbits(64) >> type.bits << type.bits
    return signed(value, 32) & (1 << 64) - 1 if type.bits <= 32 else value & (1 << 64) - 1


def as_returned(word: int, type: ScalarType | None, target: Target) -> int:
    assert type is not None
    value = signed(word, type.bits) if type.signed else word & (1 << type.bits) - 1
    if target.abi.narrow_values != "undefined" and type.bits <= 32:
        assert word == signed(value, 32) & (1 << 64) - 1, f"{word:#x} is not extended as the psABI says"
    return value


def signed(value: int, bits: int) -> int:
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
