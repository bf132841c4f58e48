"""What the grammar admits: code for the target that keeps to the ABI, and nothing else."""

from __future__ import annotations

import re

import pytest
from gbnf import Grammar

from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets
from intent_tool.propose.ai.grammar import grammar

TARGETS = load_targets()
CONTRACTS = {
    "add": "signature: uint32_t f(uint32_t a, uint32_t b)\nreturns: u32(a + b)",
    "larger": "signature: uint32_t f(uint32_t a, uint32_t b)\nreturns: max(a, b)",
    "answer": "signature: uint32_t f(void)\nreturns: 42",
    "count": "signature: uint32_t f(uint64_t a)\nreturns: popcount(a)",
    "divide": "signature: uint64_t f(uint64_t a, uint64_t b)\nrequires: [b > 0]\nreturns: a // b",
    "total": "signature: uint64_t f(const uint8_t data[n], size_t n)\nreturns: sum(data)",
    "many": "signature: uint64_t f(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t g, "
            "uint64_t h, uint64_t i, uint64_t j)\nreturns: u64(a + j)",
}


def made(name: str, target: str, narrow: bool) -> Grammar:
    return Grammar(grammar(load_text(f"intent: X.\n{CONTRACTS[name]}\n"), TARGETS[target], narrow))


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CONTRACTS)
def test_every_rule_is_there_and_nothing_touches_what_the_abi_keeps(name: str, target: str, narrow: bool) -> None:
    found = made(name, target, narrow)
    assert not found.undefined()
    words = {word for text in found.literals() for word in re.findall(r"[a-z][a-z0-9]*", text)}
    isa = __import__(f"intent_tool.machine.{TARGETS[target].isa}", fromlist=["register_name"])
    kept = {isa.register_name(r, kind) for r in TARGETS[target].abi.callee_saved
            for kind in {"x86_64": ("r64", "r32"), "arm64": ("x", "w"), "riscv64": ("x",)}[TARGETS[target].isa]}
    assert not words & kept
    assert not words & {"sp", "rsp", "esp", "syscall", "svc", "ecall", "call", "bl", "blr", "br", "jalr", "jmp"}


@pytest.mark.parametrize(("name", "target", "code"), [
    ("add", "x86_64", "mov eax, edi\nadd eax, esi\nret"),
    ("add", "x86_64", "lea eax, [rdi + rsi]\nret"),
    ("add", "arm64", "add w0, w0, w1\nret"),
    ("add", "riscv64", "addw a0, a0, a1\nret"),
    ("larger", "x86_64", "mov eax, edi\ncmp edi, esi\ncmovb eax, esi\nret"),
    ("larger", "x86_64", "mov eax, edi\ncmp edi, esi\njae .L1\nmov eax, esi\n.L1:\nret"),
    ("larger", "arm64", "cmp w0, w1\ncsel w0, w0, w1, hi\nret"),
    ("larger", "riscv64", "bgeu a0, a1, .L1\nmv a0, a1\n.L1:\nret"),
    ("answer", "x86_64", "mov eax, 42\nret"),
    ("answer", "arm64", "mov w0, #42\nret"),
    ("answer", "riscv64", "li a0, 42\nret"),
])
def test_good_code_is_admitted(name: str, target: str, code: str) -> None:
    for narrow in (False, True):
        assert made(name, target, narrow).admits(code), f"{narrow=}"


@pytest.mark.parametrize(("name", "target", "code"), [
    ("divide", "x86_64", "mov rax, rdi\nmov edx, 0\ndiv rsi\nret"),
    ("total", "x86_64", "mov eax, 0\n.L1:\nmovzx ecx, byte ptr [rdi]\nadd rax, rcx\ndec rsi\njne .L1\nret"),
    ("total", "arm64", "mov x2, #0\n.L1:\nldrb w3, [x0]\nadd x2, x2, x3\nsubs x1, x1, #1\nb.ne .L1\nmov x0, x2\nret"),
])
def test_the_wide_grammar_admits_loops_and_registers_of_their_own(name: str, target: str, code: str) -> None:
    assert made(name, target, False).admits(code)


@pytest.mark.parametrize(("target", "code", "why"), [
    ("x86_64", "add eax, esi\nret", "eax is read before it is written"),
    ("x86_64", "mov eax, ecx\nret", "ecx holds nothing"),
    ("x86_64", "mov ebx, edi\nmov eax, ebx\nret", "ebx is the caller's"),
    ("x86_64", "mov eax, edi\njmp .L1\n.L1:\nret", "only conditions branch"),
    ("x86_64", "mov eax, edi\nje .L1\nret", "a branch without its label"),
    ("x86_64", "mov eax, edi\n", "no ret"),
    ("x86_64", "mov eax, edi\nsyscall\nret", "a system call"),
    ("x86_64", "mov eax, edi; ret", "two in a line"),
    ("arm64", "add w0, w0, w5\nret", "w5 holds nothing"),
    ("arm64", "mov w19, w0\nret", "w19 is the caller's"),
    ("riscv64", "add a0, a0, a3\nret", "a3 holds nothing"),
    ("riscv64", "addi sp, sp, -16\nret", "the stack pointer"),
])
def test_bad_code_is_not(target: str, code: str, why: str) -> None:
    for narrow in (False, True):
        assert not made("add", target, narrow).admits(code), why


def test_narrow_words_are_few() -> None:
    few, many = (len(made("add", "x86_64", narrow).literals()) for narrow in (True, False))
    assert few < many / 3
