"""Functions that a C compiler made, of every kind of signature, on all three ISAs."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from judge_objects import TRIPLES, compiled

from intent_tool.judge.judge import judge_function
from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets

TARGETS = load_targets()
POSITION = {"x86_64": "-fPIC", "arm64": "-fno-PIC", "riscv64": "-mcmodel=medany"}
OPTIONS = ("-O1", "-fomit-frame-pointer", "-fno-vectorize", "-fno-slp-vectorize", "-fno-asynchronous-unwind-tables",
           "-fno-builtin", "-ffreestanding")
HEAD = """#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#ifdef __x86_64__  /* clang takes it that callers extend narrow arguments to 32 bits, which the ABI does not say */
#define ARG(type) uint32_t
#else
#define ARG(type) type
#endif
"""


@dataclass(frozen=True)
class Function:
    """A contract, C that keeps it, and C that does not (with what must then be said, where * is anything)."""

    intent: str
    good: str
    bad: str
    problem: str


MIXED = """int64_t total(ARG(int8_t) a, ARG(uint8_t) b, ARG(int16_t) c, ARG(uint16_t) d, int32_t e, uint32_t f,
                      ARG(bool) g, ARG(uint8_t) h, ARG(int16_t) i, uint32_t j, ARG(int8_t) k) {
    return (int64_t)(int8_t)a + (uint8_t)b + (int16_t)c + (uint16_t)d + e + f + (uint8_t)g + (uint8_t)h + (int16_t)i
        + j %s (int8_t)k;
}"""
PICK = """uint8_t pick(ARG(uint8_t) a, ARG(uint8_t) b, ARG(uint8_t) c, ARG(uint8_t) d, ARG(uint8_t) e, ARG(uint8_t) f,
                     ARG(uint8_t) g, ARG(uint8_t) h, const uint8_t *data, ARG(uint8_t) i) {
    return data[(uint8_t)i + %d];
}"""
FUNCTIONS = {
    "signed_narrow": Function(
        "intent: Half of a small number, rounded down.\nsignature: int16_t half(int16_t a)\nreturns: a // 2\n",
        "int16_t half(ARG(int16_t) a) { return (int16_t)a >> 1; }",
        "int16_t half(ARG(int16_t) a) { return (int16_t)a / 2; }",
        "half(-1) is 0, must be -1"),
    "mixed_widths": Function(
        "intent: A sum of all widths.\n"
        "signature: int64_t total(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, bool g,"
        " uint8_t h, int16_t i, uint32_t j, int8_t k)\nreturns: a + b + c + d + e + f + g + h + i + j + k\n",
        MIXED % "+", MIXED % "-", "total(*) is *, must be *"),
    "no_parameters": Function(
        "intent: The answer.\nsignature: int32_t answer(void)\nreturns: -42\n",
        "int32_t answer(void) { return -42; }", "int32_t answer(void) { return 42; }", "answer() is 42, must be -42"),
    "variable_length": Function(
        "intent: The exclusive or of two buffers.\n"
        "signature: void mix(uint8_t out[n], const uint8_t a[n], const uint8_t b[n], size_t n)\n"
        "writes:\n  out: (x ^ y for x, y in zip(a, b))\n",
        "void mix(uint8_t *o, const uint8_t *a, const uint8_t *b, size_t n)"
        " { for (size_t i = 0; i < n; i++) o[i] = a[i] ^ b[i]; }",
        "void mix(uint8_t *o, const uint8_t *a, const uint8_t *b, size_t n)"
        " { for (size_t i = 0; i < n; i++) o[i] = a[i] ^ b[i + (i == 17)]; }",
        "mix(*) *"),
    "one_too_many": Function(
        "intent: Add one to every element.\nsignature: void bump(int32_t data[n], size_t n)\n"
        "writes:\n  data: (i32(x + 1) for x in data)\n",
        "void bump(int32_t *d, size_t n) { for (size_t i = 0; i < n; i++) d[i] = (int32_t)((uint32_t)d[i] + 1); }",
        "void bump(int32_t *d, size_t n) { for (size_t i = 0; i <= n; i++) d[i] = (int32_t)((uint32_t)d[i] + 1); }",
        "bump([], 0) *"),
    "lengths": Function(
        "intent: Each element twice, and a zero.\n"
        "signature: void twice(int16_t out[2*n+1], const int16_t data[n], size_t n)\n"
        "writes:\n  out: \"[data[i // 2] if i < 2 * n else 0 for i in range(2 * n + 1)]\"\n",
        "void twice(int16_t *o, const int16_t *d, size_t n)"
        " { for (size_t i = 0; i < n; i++) { o[2 * i] = d[i]; o[2 * i + 1] = d[i]; } o[2 * n] = 0; }",
        "void twice(int16_t *o, const int16_t *d, size_t n)"
        " { for (size_t i = 0; i < n; i++) { o[2 * i] = d[i]; o[2 * i + 1] = d[i]; } }",
        "twice([*], [], 0) leaves out[0] as *, must be 0"),
    "aliased": Function(
        "intent: Negate in place.\nsignature: void flip(uint8_t out[8], const uint8_t data[8])\n"
        "requires:\n  - aliased(out, data)\nwrites:\n  out: (255 - x for x in data)\n",
        "void flip(uint8_t *o, const uint8_t *d) { for (int i = 0; i < 8; i++) o[i] = 255 - d[i]; }",
        "void flip(uint8_t *o, const uint8_t *d) { for (int i = 0; i < 8; i++) o[i] = 255 - d[i ? i - 1 : 0]; }",
        "flip(*) leaves out[1] as *, must be *"),
    "booleans": Function(
        "intent: Which are odd?\nsignature: void odd(bool out[4], const uint32_t data[4])\n"
        "writes:\n  out: (x % 2 == 1 for x in data)\n",
        "void odd(bool *o, const uint32_t *d) { for (int i = 0; i < 4; i++) o[i] = d[i] & 1; }",
        "void odd(uint8_t *o, const uint32_t *d) { for (int i = 0; i < 4; i++) o[i] = (d[i] & 1) * 3; }",
        "odd(*) leaves out[*] as 3, must be 1"),
    "both": Function(
        "intent: Keep the larger, say whether it changed.\nsignature: bool raise_to(uint64_t best[1], uint64_t a)\n"
        "returns: a > best[0]\nwrites:\n  best: \"[max(best[0], a)]\"\n",
        "bool raise_to(uint64_t *b, uint64_t a) { bool more = a > *b; if (more) *b = a; return more; }",
        "bool raise_to(uint64_t *b, uint64_t a) { bool more = a > *b; *b = a; return more; }",
        "raise_to([*], *) leaves best[0] as *, must be *"),
    "buffers_on_the_stack": Function(
        "intent: Pick through pointers that are passed on the stack.\n"
        "signature: uint8_t pick(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint8_t e, uint8_t f, uint8_t g,"
        " uint8_t h, const uint8_t data[4], uint8_t i)\nrequires:\n  - i < 4\nreturns: data[i]\n",
        PICK % 0, PICK % 1, "pick(*, [*], *) *"),
    "only_examples": Function(
        "intent: Lower-case a letter.\nsignature: uint8_t to_lower(uint8_t c)\nexamples:\n"
        "  - to_lower(b\"A\"[0]) == b\"a\"[0]\n  - to_lower(to_lower(b\"Z\"[0])) == b\"z\"[0]\n"
        "  - to_lower(48) == 48\n",
        "uint8_t to_lower(ARG(uint8_t) x) { uint8_t c = x; return c - 65u < 26u ? c + 32 : c; }",
        "uint8_t to_lower(ARG(uint8_t) x) { uint8_t c = x; return c - 65u < 26u ? c + 32 : c - (c == 'z'); }",
        "the example `to_lower(to_lower(b\"Z\"[0])) == b\"z\"[0]` does not hold: to_lower(90) is 122, "
        "to_lower(122) is 121"),
    "relation_over_buffers": Function(
        "intent: Put two in order.\nsignature: void sort2(uint8_t data[2])\n"
        "ensures:\n  - data[0] <= data[1]\nexamples:\n  - given: \"data=[9, 4]\"\n    then: \"data == [4, 9]\"\n",
        "void sort2(uint8_t *d) { uint8_t a = d[0], b = d[1]; d[0] = a < b ? a : b; d[1] = a < b ? b : a; }",
        "void sort2(uint8_t *d) { d[0] = 0; d[1] = 0; }",
        "the example *data=[9, 4]* does not hold: sort2([9, 4]) leaves data as [0, 0]"),
}


def fits(problem: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), problem) is not None


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_good_is_accepted_and_bad_is_not(name: str, isa: str) -> None:
    function = FUNCTIONS[name]
    contract = load_text(function.intent)
    good, bad = (compiled(HEAD + c, isa, ".c", *OPTIONS, POSITION[isa]) for c in (function.good, function.bad))
    verdict = judge_function(contract, TARGETS[isa], good, contract.name, vectors=2000)
    assert verdict.accepted, verdict.problems
    verdict = judge_function(contract, TARGETS[isa], bad, contract.name, vectors=2000)
    assert not verdict.accepted
    assert any(fits(p, function.problem + "*") for p in verdict.problems), verdict.problems


def test_what_a_contract_leaves_open_is_said() -> None:
    function = FUNCTIONS["only_examples"]
    contract = load_text(function.intent + "secret: [c]\nlimits:\n  stack: 64\n")
    binary = compiled(HEAD + function.good, "arm64", ".c", *OPTIONS, POSITION["arm64"])
    verdict = judge_function(contract, TARGETS["arm64"], binary, "to_lower", vectors=100)
    assert verdict.accepted and verdict.unchecked == (
        "secret: whether c influence timing",
        "stack: measured on the calls that were made, not bounded for all",
        "the result, but for the examples: the contract has no formula")


TABLE = Function(
    "intent: A prime.\nsignature: uint16_t prime(uint8_t i)\nrequires:\n  - i < 6\n"
    "returns: \"[2, 3, 5, 7, 11, 13][i]\"\n",
    "static const uint16_t primes[] = {2, 3, 5, 7, 11, 13};\n"
    "uint16_t other(void) { return 0; }\nuint16_t prime(ARG(uint8_t) i) { return primes[(uint8_t)i]; }\n"
    "void _start(void) { for (;;); }\n", "", "")


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize("kind", ["executable", "shared object", "archive"])
def test_linked_files_are_judged_too(kind: str, isa: str) -> None:
    contract = load_text(TABLE.intent)
    with tempfile.TemporaryDirectory(prefix="judge-linked-") as folder:
        path = Path(folder) / "table.c"
        path.write_text(HEAD + TABLE.good)
        objects, output = path.with_suffix(".o"), path.with_suffix(".out")
        objects.write_bytes(compiled(HEAD + TABLE.good, isa, ".c", *OPTIONS, POSITION[isa]))
        zig = [sys.executable, "-m", "ziglang"]
        command = {"executable": [*zig, "cc", "-target", TRIPLES[isa], "-nostdlib", "-static", "-no-pie"],
                   "shared object": [*zig, "cc", "-target", TRIPLES[isa], "-nostdlib", "-shared"],
                   "archive": [*zig, "ar", "rcs", str(output), str(objects)]}[kind]
        if kind != "archive":
            command += [str(objects), "-o", str(output)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        binary = output.read_bytes()
    verdict = judge_function(contract, TARGETS[isa], binary, "prime", vectors=100)
    assert verdict.accepted, verdict.problems
    assert not judge_function(load_text(TABLE.intent.replace("11", "12")), TARGETS[isa], binary, "prime").accepted
