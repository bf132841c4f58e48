"""Lowering agrees with the oracle on random contracts, on every target.

The functions are linked into a C driver by LLVM's linker and run under qemu-user, so neither the judge nor our
own linker has a part in it. 200 contracts of scalars a target, and 100 over buffers of run-time length; with
INTENT_CAMPAIGN=1 in the environment 2,000 and 1,000.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_contracts import random_buffer_contract, random_contract

from intent_tool.language.contract import Contract, Parameter, ScalarType
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Arguments, Oracle, OracleFault
from intent_tool.language.samples import sample_inputs
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.elf import write_objects
from intent_tool.machine.target import Target, load_targets
from intent_tool.propose import candidates

TARGETS = load_targets()
BATCH = 25
BATCHES, BUFFER_BATCHES = (80, 40) if os.environ.get("INTENT_CAMPAIGN") else (8, 4)
INPUTS = 24
ZIG = [sys.executable, "-m", "ziglang", "cc", "-static", "-O1"]
DRIVERS = {name: Path(__file__).with_name(name) for name in ("driver.c", "buffers.c")}
MOST_ELEMENTS = 400
GROWS = "cannot generate yet: a fold whose values grow without a bound"
"""What the random folds may be refused for."""


@st.composite
def contracts(draw: st.DrawFn) -> list[str]:
    return [random_contract(lambda n: draw(st.integers(0, n - 1)), f"f{k}") for k in range(BATCH)]


@st.composite
def buffer_contracts(draw: st.DrawFn) -> list[str]:
    return [random_buffer_contract(lambda n: draw(st.integers(0, n - 1)), f"f{k}") for k in range(BATCH)]


def triple(target: Target) -> str:
    return {"x86_64": "x86_64", "arm64": "aarch64", "riscv64": "riscv64"}[target.isa] + "-linux-musl"


@pytest.fixture(scope="module", params=sorted(TARGETS))
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Target, Path]:
    target = TARGETS[request.param]
    folder = tmp_path_factory.mktemp(target.name)
    for source in DRIVERS.values():
        subprocess.run([*ZIG, "-target", triple(target), "-c", str(source), "-o", str(folder / f"{source.stem}.o")],
                       check=True)
    return target, folder


def linked(folder: Path, target: Target, driver: str, functions: list[tuple[str, MachineCode]]) -> Path:
    (folder / "batch.o").write_bytes(write_objects(target, functions))
    program = folder / "program"
    subprocess.run([*ZIG, "-target", triple(target), str(folder / driver), str(folder / "batch.o"), "-o",
                    str(program)], check=True, capture_output=True)
    return program


def run(target: Target, program: Path, words: list[int]) -> tuple[list[int], int]:
    """The words that it writes, and its exit status."""
    ran = subprocess.run([*target.runner, str(program)], input=struct.pack(f"<{len(words)}Q", *words),
                         capture_output=True, timeout=120, check=False)
    return list(struct.unpack(f"<{len(ran.stdout) // 8}Q", ran.stdout)), ran.returncode


@settings(max_examples=BATCHES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(texts=contracts())
def test_lowering_agrees_with_the_oracle(workshop: tuple[Target, Path], texts: list[str]) -> None:
    target, folder = workshop
    made = [load_text(text) for text in texts]
    functions = [(c.name, assemble(next(candidates(c, target)).assembly, target)) for c in made]
    program = linked(folder, target, "driver.o", functions)
    vectors: list[tuple[Contract, Arguments, int]] = []
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
    results, status = run(target, program, words)
    for (contract, arguments, wanted), word in zip(vectors, results, strict=False):
        assert as_returned(word, contract.signature.result, target) == wanted, \
            f"{target.name}: {contract.source.text}\nf{arguments} must be {wanted}"
    crashed = vectors[len(results)] if len(results) < len(vectors) else None
    if crashed is not None:
        pytest.fail(f"{target.name}: {crashed[0].source.text}\nf{crashed[1]} ends the program: {status}")


@settings(max_examples=BUFFER_BATCHES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(texts=buffer_contracts())
def test_loops_agree_with_the_oracle(workshop: tuple[Target, Path], texts: list[str]) -> None:
    """Buffers lie at the edge of memory that cannot be touched, so that an access outside ends the program."""
    target, folder = workshop
    made: list[Contract] = []
    functions: list[tuple[str, MachineCode]] = []
    for text in texts:
        contract = load_text(text)
        try:
            assembly = next(candidates(contract, target)).assembly
        except IntentError as refused:
            assert refused.diagnostics[0].message.startswith((GROWS, "cannot generate yet: an element of")), text
            contract = load_text(f"intent: Nothing.\nsignature: int {contract.name}(int x)\nreturns: x\n")
            assembly = next(candidates(contract, target)).assembly
        made.append(contract)
        functions.append((contract.name, assemble(assembly, target)))
    program = linked(folder, target, "buffers.o", functions)
    random = Random(1)
    calls = [call for number, contract in enumerate(made) for call in buffer_calls(contract, number, target, random)]
    results, status = run(target, program, [word for call in calls for word in call.words])
    for call in calls:
        size = 1 + sum((len(content) + 7) // 8 for content in call.contents)
        found, results = results[:size], results[size:]
        what = f"{target.name}: {call.contract.source.text}\nf{call.arguments}"
        assert len(found) == size, f"{what} ends the program: {status}"
        if call.result is not None and call.contract.signature is not None:
            assert as_returned(found[0], call.contract.signature.result, target) == call.result, \
                f"{what} must be {call.result}"
        rest = found[1:]
        for content in call.contents:
            words, rest = rest[:(len(content) + 7) // 8], rest[(len(content) + 7) // 8:]
            assert struct.pack(f"<{len(words)}Q", *words)[:len(content)] == content, f"{what} leaves a wrong buffer"


@dataclass(frozen=True)
class Call:
    contract: Contract
    arguments: Arguments
    words: list[int]
    """As buffers.c reads them."""
    result: int | None
    contents: list[bytes]
    """Of all buffers afterwards."""


def buffer_calls(contract: Contract, number: int, target: Target, random: Random) -> Iterator[Call]:
    oracle, signature = Oracle(contract), contract.signature
    assert signature is not None
    names = [p.name for p in signature.parameters]
    same = {name: other for pair in contract.aliases for name in pair for other in pair - {name}}
    for arguments in sample_inputs(contract, oracle, INPUTS, seed=number):
        if any(isinstance(a, tuple) and len(a) > MOST_ELEMENTS for a in arguments):
            continue
        try:
            result = oracle.returns(arguments) if contract.returns is not None else None
            after = oracle.writes(arguments)
        except OracleFault:
            continue
        words, contents = [number, len(names), random.randrange(2)], []
        for k, (p, value) in enumerate(zip(signature.parameters, arguments, strict=True)):
            other = same.get(p.name)
            if isinstance(value, int):
                words += [0, as_passed(value, p.type, target, random)]
            elif other is not None and names.index(other) < k:
                words += [2, names.index(other)]
            else:
                before = as_bytes(value, p)
                padded = before + bytes(-len(before) % 8)
                words += [1, len(before), *struct.unpack(f"<{len(padded) // 8}Q", padded)]
                contents.append(as_bytes(after.get(p.name, after.get(other or "", value)), p))
        yield Call(contract, arguments, words, result, contents)


def as_bytes(content: tuple[int, ...], parameter: Parameter) -> bytes:
    size = parameter.type.bytes
    return b"".join((x & (1 << 8 * size) - 1).to_bytes(size, "little") for x in content)


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
