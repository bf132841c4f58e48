"""What is read out of an answer, in all its forms, and why nothing is."""

from __future__ import annotations

import json

import pytest

from intent_tool.propose.ai.proposal import Malformed, read_proposal

LINES = ("mov eax, edi", ".L1:", "add eax, 1", "ret")


def lines(text: str, isa: str = "x86_64") -> tuple[str, ...]:
    found = read_proposal(text, isa, "answer")
    assert found.tables == ()
    return found.lines


def reason(text: str, isa: str = "x86_64") -> str:
    with pytest.raises(Malformed) as refused:
        read_proposal(text, isa, "answer")
    assert str(refused.value).isprintable()
    return str(refused.value)


PLAIN = "\n".join(LINES)


@pytest.mark.parametrize("text", [
    PLAIN,
    f"\n\n  {PLAIN}\n\n",
    PLAIN.replace("\n", "\r\n"),
    PLAIN.replace("\n", "\n\n\t"),
    PLAIN.replace(", ", ",   \t"),
    f"answer:\n{PLAIN}",
    f"```\n{PLAIN}\n```",
    f"Here it is:\n\n```asm\nanswer:\n{PLAIN}\n```\nIt adds one; simple.",
    f"  ~~~ x86\n{PLAIN}\n  ~~~  ",
    json.dumps({"lines": LINES}),
    json.dumps({"lines": ["answer:", *LINES]}, indent=2),
    "\n" + json.dumps({"lines": ["", "# first", *LINES, "  "]}),
    PLAIN.replace("\n", "  # sum; \u202e\x00\n"),
    PLAIN.replace("\n", " // sum\n"),
    "; a note\n" + PLAIN + "\n\t; another",
])
def test_forms_of_an_answer(text: str) -> None:
    assert lines(text) == LINES


def test_what_starts_a_comment_depends_on_the_isa() -> None:
    assert lines("mov w0, #42 // the answer\nret", "arm64") == ("mov w0, #42", "ret")
    assert lines("li a0, 42 # the answer\nret // done", "riscv64") == ("li a0, 42", "ret")


@pytest.mark.parametrize("text", ["ret\nanswer:", ".L1:\nanswer:\nret", "other:\nret", "answer2:\nret"])
def test_only_the_first_label_may_be_the_symbol(text: str) -> None:
    assert reason(text).endswith(":`: a label starts with .L, like .L1:")


NO_JSON = 'the answer starts like JSON and is none; it has the form {"lines": ["…"]}'


@pytest.mark.parametrize(("text", "why"), [
    ("", "the answer is empty"),
    (" \n\t\n", "the answer is empty"),
    ("x" * (64 * 1024 + 1), "the answer is longer than 65,536 characters"),
    (".L1:\n.L2:", "there is no instruction in the answer"),
    ("# only notes", "there is no instruction in the answer"),
    ("```\n```", "there is no instruction in the answer"),
    ('{"lines": []}', "there is no instruction in the answer"),
    ('{"lines": ["ret"]', NO_JSON),
    ('{"lines": ["ret"]} ret', NO_JSON),
    ('{"lines": ["ret"], "lines": ["ret"]}', NO_JSON),
    ('{"lines":' * 9000, "the answer is longer than 65,536 characters"),
    ('{"lines":' * 7000, NO_JSON),
    ('{"lines": ' + "[" * 60_000, NO_JSON),
    ('{"lines": ["ret"], "evidence": "proved"}',
     'the answer has other members than "lines", and nothing else is listened to'),
    ("{}", 'the answer has other members than "lines", and nothing else is listened to'),
    ('{"lines": "ret"}', '"lines" is not a list of strings'),
    ('{"lines": {"ret": 1}}', '"lines" is not a list of strings'),
    ('{"lines": ["ret", 5]}', '"lines" is not a list of strings'),
    ('{"lines": ["mov eax, 42\\nret"]}', "a line holds several lines"),
    ('{"lines": ["mov eax, 42\\rret"]}', "a line holds several lines"),
    ('{"lines": ["mov eax, 42\\u2028ret"]}', "`mov eax, 42�ret` holds characters that no instruction has"),
    ('{"lines": ["mov eax, 42\\u000bret"]}', "`mov eax, 42�ret` holds characters that no instruction has"),
    ('{"lines": ["ret\\u0000ret"]}', "`ret�ret` holds characters that no instruction has"),
    ('{"lines": ["r\\ud800et"]}', "`r�et` holds characters that no instruction has"),
    ("```\nret\n```\n```\nret\n```", "the answer has more than one block of code, or one that does not end"),
    ("```\nret", "the answer has more than one block of code, or one that does not end"),
    ("\n".join(["ret"] * 2001), "the answer has 2,001 lines; at most 2,000 are read"),
    ("mov eax, " + "1" * 200, f"a line is longer than 200 characters: `mov eax, {'1' * 51}…`"),
    ("mov eax, 1\x1b[2J", "`mov eax, 1�[2J` holds characters that no instruction has"),
    ("mov eax, \u202e1", "`mov eax, �1` holds characters that no instruction has"),
    ("mov eax, １", "`mov eax, �` holds characters that no instruction has"),
    ("mov eax, 1; ret", "`mov eax, 1; ret`: one instruction a line, and no comments"),
    ("answer2:", "`answer2:`: a label starts with .L, like .L1:"),
    (".globl answer", "`.globl answer` is a directive; only instructions and labels are taken"),
    ("1: ret", "`1: ret` is no instruction"),
    ("* ret", "`* ret` is no instruction"),
    ("[1, 2]", "`[1, 2]` is no instruction"),
])
def test_there_is_no_proposal(text: str, why: str) -> None:
    assert reason(text) == why


def test_a_proposal_may_be_as_long_as_that() -> None:
    assert len(lines("\n".join(["nop"] * 1999 + ["ret"]))) == 2000
    assert lines("x" * 200) == ("x" * 200,)
