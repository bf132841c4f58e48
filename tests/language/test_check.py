"""What a contract must satisfy: a counterexample at its place, silence, or a note on what is not decided."""

from __future__ import annotations

import pytest

from intent_tool.language.check import check_contract
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_text

WRONG = [
    ("uint32_t f(uint32_t a, uint32_t b)", "returns: a + b", "E503", 3, "which does not fit uint32_t", "with u32"),
    ("int32_t f(int32_t a)", "returns: abs(a)", "E503", 3, "the result of f(-2147483648) is 2147483648", "saturate"),
    ("int8_t f(int8_t a)", "returns: -a", "E503", 3, "the result of f(-128) is 128", "i8(...)"),
    ("bool f(uint8_t a)", "returns: a & 3", "E503", 3, "which does not fit bool (0 to 1)", ""),
    ("uint32_t f(uint32_t a, uint32_t b)", "returns: a // b", "E504", 3, "division by zero", "`requires`"),
    ("uint32_t f(uint32_t a, uint32_t b)", "returns: a % (b & 3)", "E504", 3, "division by zero", "`requires`"),
    ("uint8_t f(const uint8_t t[4], uint8_t i)", "returns: t[i]", "E505", 3, "outside of its sequence", "guard"),
    ("uint8_t f(uint8_t i)", "returns: b'abc'[i]", "E505", 3, "outside of its sequence", "guard"),
    ("uint32_t f(uint32_t a, int8_t n)", "returns: u32(a << n)", "E506", 3, "negative count", "`requires`"),
    ("uint8_t f(int32_t a)", "returns: popcount(a)", "E507", 3, "f(-1)", "`requires`"),
    ("uint8_t f(uint64_t a)", "returns: clz(a, 32)", "E507", 3, "has no value", "`requires`"),
    ("void f(uint8_t out[2], uint8_t a)", "writes:\n  out: (a + i for i in range(2))", "E503", 4,
     "after f([", "u8(...)"),
    ("void f(uint8_t out[3], uint8_t a)", "writes:\n  out: '[a, a]'", "E508", 4, "f([", ""),
    ("uint8_t f(uint8_t a)", "requires: [a > 300]\nreturns: a", "E502", 3, "no input can keep `requires`", ""),
    ("uint8_t f(uint8_t a)", "requires: [a & 1 == 0, a * 3 == 7]\nreturns: a", "E502", 3, "no input", ""),
    ("uint8_t f(uint8_t a)", "returns: a\nexamples:\n  - f(3) == 4", "E501", 5, "f(3) is 3, the example says 4", ""),
]


@pytest.mark.parametrize(("signature", "rest", "code", "line", "words", "help"), WRONG)
def test_wrong_contracts(signature: str, rest: str, code: str, line: int, words: str, help: str) -> None:
    with pytest.raises(IntentError) as failure:
        check_contract(load_text(f"intent: A contract that is wrong.\nsignature: {signature}\n{rest}\n"))
    [problem] = failure.value.diagnostics
    assert (problem.code, problem.span.line if problem.span else 0) == (code, line)
    assert words in problem.message
    assert help in (problem.help or "")


DECIDED = [
    ("uint32_t f(int32_t a)", "abs(a)"),
    ("int32_t f(int32_t a, int32_t b)", "max(-2**31, min(2**31 - 1, a + b))"),
    ("uint8_t f(uint8_t a, uint8_t b)", "255 if a + b > 255 else a + b"),
    ("uint32_t f(uint32_t a, uint32_t b)", "a - b if a >= b else b - a"),
    ("uint32_t f(uint32_t a, uint32_t b)", "a - b if a > b else 0"),
    ("uint8_t f(int16_t a)", "0 if a < 0 else 255 if a > 255 else a"),
    ("uint32_t f(uint32_t a, uint32_t b)", "a // b if b else 0"),
    ("uint32_t f(uint32_t a, uint32_t b)", "a // b if b > 0 and a > b else a"),
    ("int32_t f(int32_t a, int32_t b)", "a % b if b > 0 else 0"),
    ("int64_t f(int32_t a, int32_t b)", "a // b if b != 0 else a % 7"),
    ("uint8_t f(uint64_t a)", "popcount(a) + clz(a, 64)"),
    ("uint64_t f(uint64_t a, uint64_t b)", "(a + b) // 2"),
    ("uint64_t f(uint64_t a, uint64_t b)", "(a * b) >> 64"),
    ("uint64_t f(uint64_t a, uint64_t b, uint64_t m)", "(a + b) % m if m != 0 else 0"),
    ("uint16_t f(const uint8_t t[16], uint8_t i)", "sum(t) + t[i % 16] + t[i & 7]"),
    ("uint8_t f(uint8_t i)", "b'abc'[i] if i < 3 else 0"),
    ("uint8_t f(uint8_t c)", "(c >> 4) * 10 + (c & 15) if c >> 4 < 10 and c & 15 < 10 else 0"),
    ("uint64_t f(const uint8_t d[n], size_t n)", "sum(d)"),
    ("size_t f(const uint8_t d[n], size_t n)", "sum(c == 10 for c in d)"),
    ("uint32_t f(const uint8_t d[n], size_t n)", "reduce(lambda h, c: u32((h ^ c) * 16777619), d, 2166136261)"),
    ("uint8_t f(const uint8_t d[n], size_t n)", "max(d[i] for i in range(n)) if n else 0"),
]


@pytest.mark.parametrize(("signature", "formula"), DECIDED)
def test_intervals_decide(signature: str, formula: str) -> None:
    text = f"intent: A right contract.\nsignature: {signature}\nreturns: |\n  {formula}\n"
    assert check_contract(load_text(text)) == ()


def test_what_stays_open_is_said_with_its_place() -> None:
    text = ("intent: A division whose divisor is 3, which intervals cannot see.\n"
            "signature: uint32_t f(uint32_t a, uint32_t b)\nreturns: a // (b * 2 - b - b + 3)\n")
    note, *_ = check_contract(load_text(text))
    assert (note.severity, note.code, note.span.line if note.span else 0) == ("note", "N501", 3)
    assert "not decided: that the divisor is not zero; 3000 inputs gave no counterexample" in note.message
