from __future__ import annotations

import pytest

from intent_tool.scons.outline import Outline, outline


@pytest.mark.parametrize(("text", "expected"), [
    ("intent: x\nsignature: int f(int a)\nreturns: a\n", Outline()),
    ("intent: x\nprogram: hello\nstdout: b''\n", Outline(program="hello")),
    ("\ufeffprogram: hello\r\nintent: x\r\n", Outline(program="hello")),
    ('intent: x\n"program" : "hello"\n', Outline(program="hello")),
    ("intent: the program: not this one\nsignature: int f(int a)\n", Outline()),
    ("intent: |\n  program: nor this\n  uses: [a.intent]\nreturns: a\n", Outline()),
    ("intent: x\ntargets: [arm64, riscv64]\n", Outline(targets=("arm64", "riscv64"))),
    ("intent: x\ntargets:\n  - arm64\n  - x86_64\n", Outline(targets=("arm64", "x86_64"))),
    ("intent: x\nuses: [a.intent, ../b.intent]\n", Outline(uses=("a.intent", "../b.intent"))),
    ("intent: x\nuses:\n- a.intent  # here\n- 'b c.intent'\n", Outline(uses=("a.intent", "b c.intent"))),
    # What is wrong is for the loader to say: what can be read of it counts here.
    ("uses: [a.intent\n", Outline(uses=("a.intent",))),
    ("uses: " + "[" * 100_000, Outline()),
    ("program: [x]\n", Outline(program="x")),
    ("program: &a hello\nuses: *b\n", Outline(program="hello")),
    ("- uses: [a]\nuses: [", Outline()),
    ("\x00uses: [a]", Outline()),
    ("", Outline()),
])
def test_outline(text: str, expected: Outline) -> None:
    assert outline(text) == expected
