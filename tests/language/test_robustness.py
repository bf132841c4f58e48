"""Whatever a file holds, loading it ends in a contract or in diagnostics."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intent_tool.language.codes import CODES
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.document import MAX_BYTES, decode
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.language.oracle_examples import check_examples
from intent_tool.language.prototype import parse_signature
from intent_tool.language.samples import sample_inputs
from intent_tool.language.text import plain_text

CASES = [p.read_bytes() for p in sorted((Path(__file__).parent / "cases").glob("*/*.intent"))]
GOOD = [p.read_text() for p in sorted((Path(__file__).parent / "cases" / "good").glob("*.intent"))]
PIECES = ["a", "b", "data", "n", "(", ")", "[", "]", "{", "}", ":", ": ", ",", ", ", "#", " #", "'", '"', "\n",
          "\n  ", "\n- ", "&", "*", "!", "|", ">", "-", "- ", "?", "%", "@", "`", "~", "0", "012", "1e9", "0x",
          "'''", "\\", "\\x", "lambda x: ", " for x in ", " if ", " else ", "==", "=", "**", "//", "<<", "f\"{",
          "b'", "u8(", "clz(",
          "reduce(", "min(", " and ", "not ", "\t", "\r", "\0", "\u2028", "é", "\ud800", "returns: ", "where:\n  g: ",
          "uint32_t ", "size_t ", "const ", "...", "None", "_", "__x", "next(", "bytes(",
          "9" * 400, "(" * 60, "-" * 60]
CONTEXTS = ["{}", "intent: x\nsignature: {}\nreturns: 0\n",
            "intent: x\nsignature: uint32_t f(uint32_t a, const uint8_t data[n], size_t n)\nreturns: {}\n",
            "intent: x\nsignature: uint32_t f(uint32_t a, const uint8_t data[n], size_t n)\nreturns: |\n  {}\n",
            "intent: x\nsignature: uint32_t f(uint32_t a)\nreturns: a\nexamples:\n  - {}\n",
            "intent: x\nprogram: p\nstdout: {}\n", "intent: x\nsignature: int f(int a)\nwhere:\n  {}\nreturns: g\n",
            "intent: x\nsignature: int f(int a)\nrequires: [{}]\nreturns: a\n"]


def try_all(text: str) -> Contract | None:
    """Loads, checks examples, and evaluates; only `IntentError` may come out of it."""
    try:
        contract = load_text(text)
        check_examples(contract)
        if contract.signature is not None and len(contract.signature.parameters) < 20:
            sample_inputs(contract, Oracle(contract), 20, 1)
        return contract
    except IntentError as problem:
        assert problem.diagnostics
        for diagnostic in problem.diagnostics:
            assert diagnostic.code in CODES
            assert diagnostic.render()
            if diagnostic.span is not None:
                lines = diagnostic.span.source.text.split("\n")
                assert 1 <= diagnostic.span.line <= len(lines)
                assert 1 <= diagnostic.span.column <= len(lines[diagnostic.span.line - 1]) + 2
        return None


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(CONTEXTS), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12))
def test_random_text(context: str, pieces: list[str]) -> None:
    try_all(context.replace("{}", "".join(pieces)))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(GOOD), st.data())
def test_mutated_intents(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = start + data.draw(st.sampled_from([0, 0, 1, 1, 2, 10]))
        text = text[:start] + data.draw(st.one_of(st.just(""), st.sampled_from(PIECES))) + text[stop:]
    try_all(text)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.sampled_from(CASES)), st.binary(max_size=3), st.integers(0, 60))
def test_random_bytes(data: bytes, more: bytes, where: int) -> None:
    data = data[:where] + more + data[where:]
    try:
        source = decode(data, "x.intent")
    except IntentError as problem:
        assert problem.diagnostics[0].render()
        return
    try_all(source.text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["int", " ", "uint8_t ", "f", "(", ")", "[", "]", "*", ",", "a", "n", "size_t ",
                                 "const ", "2", "+", ";", "void", "(*g)", "...", "struct ", "{", "=", "0x", "sizeof",
                                 "\n", "/*", "#", "'"]),
                max_size=14))
def test_random_prototypes(tokens: list[str]) -> None:
    try:
        signature = parse_signature(plain_text("".join(tokens), "x"))
    except IntentError as problem:
        assert problem.diagnostics[0].render()
        return
    assert signature.name.isidentifier()


@pytest.mark.parametrize("text", [
    "[" * 100_000, "{" * 100_000, "- " * 100_000, "? " * 50_000, "a: " * 50_000, "&a " * 1000, "\"" * 100_000,
    "intent: x\nsignature: int f(int a)\nreturns: " + "(" * 200_000,
    "intent: x\nsignature: int f(int a)\nreturns: " + "~" * 60_000 + "a",
    "intent: x\nsignature: int f(int a)\nreturns: " + "not " * 15_000 + "a",
    "intent: x\nsignature: int f(int a)\nreturns: " + "a if a else " * 5_000 + "a",
    "intent: x\nsignature: int f(int a)\nreturns: " + "a and " * 10_000 + "a",
    "intent: x\nsignature: int f(int a)\nreturns: " + "a < " * 10_000 + "a",
    "intent: x\nsignature: int f(int a)\nreturns: " + "a ** " * 10_000 + "2",
    "intent: x\nsignature: int f(int a)\nreturns: " + "a + " * 15_000 + "a",
    "intent: x\nsignature: int f(int a)\nreturns: '" + "lambda: " * 5_000 + "a'",
    "intent: x\nsignature: int f(int a)\nreturns: a" + "[a]" * 10_000,
    "intent: x\nsignature: int f(int a)\nreturns: " + "f(" * 10_000,
    "intent: x\nsignature: int f(int a)\nreturns: f\"" + "{" * 10_000 + "\"",
    "intent: x\nprogram: p\nstdout: f\"" + "{f'{" * 1_000 + "\"",
    "intent: x\nsignature: int f(int a)\nreturns: sum(" + "[" + "1, " * 20_000 + "1])",
    "intent: x\nsignature: int f(int a)\nreturns: 0x" + "f" * 200_000,
    "intent: x\nsignature: int f(" + "int a, " * 500 + "int b)\nreturns: a",
    "intent: x\nsignature: " + "(" * 4_000, "intent: x\nsignature: int f(int a" + "[2]" * 1_000 + ")",
    "intent: x\nsignature: int f(int a[" + "2*" * 1_900 + "2])\nreturns: 1",
    "intent: x\nsignature: int f(int a)\nreturns: a" + "\n  + a" * 20_000,
    "a: b\n" * 30_000,
], ids=range(28))
def test_hostile_size_and_depth(text: str) -> None:
    """In a thread whose stack is as small as those of SCons: nothing may recurse as deep as the input wants."""
    outcome: list[Contract | None] = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: outcome.append(try_all(text)))
        thread.start()
        thread.join(60)
    finally:
        threading.stack_size(before)
    assert len(outcome) == 1


def test_size_limit() -> None:
    with pytest.raises(IntentError) as problem:
        decode(b"#" * (MAX_BYTES + 1), "x.intent")
    assert problem.value.diagnostics[0].code == "E101"
    assert decode(b"#" * MAX_BYTES, "x.intent").text
