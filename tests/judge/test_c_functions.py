"""Functions of a C compiler: the right ones are accepted, with as much evidence as there can be, and the subtly
wrong ones are not, on all three ISAs.

`c_functions/` holds for every ``NAME.intent`` a ``NAME_good.c`` and one or more ``NAME_bad_*.c``, whose first comment
says what is wrong; where it goes on ``// Wrong on: ISA``, the function is right on the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from judge_objects import TRIPLES, compiled

from intent_tool.language.contract import Contract
from intent_tool.language.load import load_intent
from intent_tool.language.tree import Name
from intent_tool.language.walk import descendants
from intent_tool.machine.target import load_targets
from intent_tool.pipeline import judge

FOLDER = Path(__file__).parent / "c_functions"
TARGETS = load_targets()
OPTIONS = (
    "-std=c11", "-O2", "-ffreestanding", "-fno-builtin", "-fno-sanitize=undefined", "-fno-stack-protector",
    "-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops", "-fno-jump-tables", "-fomit-frame-pointer",
    "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror", f"-I{FOLDER}",
    # A table of its own for each, so that what lies beyond one is not another's.
    "-fdata-sections")
ISA_OPTIONS = {
    "x86_64": ("-mcpu=baseline", "-fPIC", "-mgeneral-regs-only", "-fcf-protection=none"),
    "arm64": ("-mcpu=baseline", "-fno-PIC", "-mgeneral-regs-only"),
    "riscv64": ("-mcpu=baseline_rv64", "-mcmodel=medany", "-mno-relax"),
}
BEYOND_THE_BOUND = {"count_byte_bad_narrow", "count_byte_bad_sixteenth"}
"""Wrong on buffers that are longer than any length that a proof needs to go through; to be found by running them."""


@dataclass(frozen=True)
class Function:
    """One C file."""

    name: str
    variant: str

    @property
    def stem(self) -> str:
        return f"{self.name}_{self.variant}"

    @property
    def symbol(self) -> str:
        """In the object that holds all of them."""
        return f"{self.name}__{self.variant}"

    @property
    def source(self) -> str:
        return (FOLDER / f"{self.stem}.c").read_text()

    def wrong_on(self) -> tuple[str, ...]:
        if self.variant == "good":
            return ()
        named = re.search(r"^// Wrong on: (.*)$", self.source, re.MULTILINE)
        return tuple(named[1].split(", ")) if named else tuple(TRIPLES)


INTENTS = sorted(p.stem for p in FOLDER.glob("*.intent"))
FUNCTIONS = [Function(name, p.stem.removeprefix(f"{name}_")) for name in INTENTS
             for p in sorted(FOLDER.glob(f"{name}_*.c"))
             if re.fullmatch(r"good|bad_\w+", p.stem.removeprefix(f"{name}_"))]
RIGHT = [(f, isa) for isa in TRIPLES for f in FUNCTIONS if isa not in f.wrong_on()]
WRONG = [(f, isa) for isa in TRIPLES for f in FUNCTIONS if isa in f.wrong_on()]


@cache
def object_of(isa: str) -> bytes:
    """All functions in one object, since starting the compiler takes longer than compiling them does."""
    lines = ["#include <stdbool.h>", "#include <stddef.h>", "#include <stdint.h>"]
    for function in FUNCTIONS:
        lines += [f"#define {function.name} {function.symbol}", f'#include "{function.stem}.c"',
                  f"#undef {function.name}"]
    return compiled("\n".join(lines) + "\n", isa, ".c", *OPTIONS, *ISA_OPTIONS[isa])


def has_variable_length(contract: Contract) -> bool:
    assert contract.signature is not None
    return any(isinstance(node, Name) for p in contract.signature.parameters if p.buffer is not None
               for node in descendants(p.buffer.length))


def identifier(value: object) -> str:
    return value.stem if isinstance(value, Function) else str(value)


@pytest.mark.parametrize(("function", "isa"), RIGHT, ids=identifier)
def test_right_functions_are_accepted(function: Function, isa: str) -> None:
    contract = load_intent(FOLDER / f"{function.name}.intent")
    verdict = judge(contract, TARGETS[isa], object_of(isa), function.symbol)
    assert verdict.accepted, verdict.problems
    # Of loops that gcc makes, not all are followed for every length.
    assert verdict.evidence in ({"bounded", "proved"} if has_variable_length(contract) else {"proved"}), verdict


@pytest.mark.parametrize(("function", "isa"), WRONG, ids=identifier)
def test_wrong_functions_are_not(function: Function, isa: str) -> None:
    from intent_tool.judge.prove import prove_function

    contract = load_intent(FOLDER / f"{function.name}.intent")
    verdict = judge(contract, TARGETS[isa], object_of(isa), function.symbol)
    assert not verdict.accepted and verdict.evidence == "none" and verdict.problems, verdict
    proof = prove_function(contract, TARGETS[isa], object_of(isa), function.symbol, seconds=1.5)
    accepted = {"proved"} if function.stem in BEYOND_THE_BOUND else {"proved", "bounded"}
    assert proof.status not in accepted, proof
    assert proof.problems or proof.status in {"proved", "bounded"}, proof


def test_the_functions_are_there() -> None:
    right, wrong = ([f for f in FUNCTIONS if bool(f.wrong_on()) is bad] for bad in (False, True))
    assert len(right) >= 24 and len(wrong) >= 24
    assert {f.name for f in right} == {f.name for f in wrong} == set(INTENTS)
    assert {f"{f.stem}.c" for f in FUNCTIONS} == {p.name for p in FOLDER.glob("*.c")}


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.wrong_on()], ids=identifier)
def test_a_wrong_function_says_what_is_wrong(function: Function) -> None:
    assert function.source.startswith("// Wrong: ")
