"""No reply in `hostile_replies` becomes code: the reader, the assembler or the judge refuses it and says why."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import pytest
from hostile_replies import GOOD, REPLIES, broken_replies
from provider_server import chat, client_of, serving

from intent_tool.ask import Asking
from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets
from intent_tool.pipeline import Accepted, Asked, Wishes, build, weighed
from intent_tool.propose.ai.answer import MOST_TEXT
from intent_tool.propose.ai.proposal import Malformed, read_proposal
from intent_tool.propose.candidate import Candidate

CONTRACT = load_text("intent: The answer.\nsignature: uint32_t answer(void)\nreturns: 42\n")
TARGETS = load_targets()
ALL = {isa: dict([*broken_replies(isa), *replies]) for isa, replies in REPLIES.items()}
CASES = [(isa, name) for isa, replies in ALL.items() for name in replies]
SECONDS = 20.0


@cache
def weighed_reply(text: str, isa: str) -> Accepted | tuple[str, ...]:
    """As a build does."""
    candidate = Candidate(read_proposal(text, isa, "answer"), "ai")
    return weighed(CONTRACT, TARGETS[isa], candidate, "tested", is_own=False)


@cache
def reasons(text: str, isa: str) -> list[str]:
    """Why a reply is refused; empty when it is not."""
    try:
        found = weighed_reply(text, isa)
    except Malformed as refused:
        return [str(refused)]
    return [] if isinstance(found, Accepted) else list(found)


def test_there_are_enough_of_them() -> None:
    assert sum(map(len, REPLIES.values())) + len(broken_replies("x86_64")) > 200
    for isa, replies in REPLIES.items():
        assert len(ALL[isa]) == len(replies) + len(broken_replies(isa)), "a name is given twice"


@pytest.mark.parametrize("isa", GOOD)
def test_the_code_that_they_are_made_of_is_good(isa: str) -> None:
    found = weighed_reply("\n".join(GOOD[isa]), isa)
    assert isinstance(found, Accepted) and found.verdict.evidence == "proved"


@pytest.mark.parametrize(("isa", "name"), CASES, ids=[f"{isa}-{name}" for isa, name in CASES])
def test_a_hostile_reply_is_refused(isa: str, name: str) -> None:
    start = time.monotonic()
    found = reasons(ALL[isa][name], isa)
    assert found, f"this is accepted:\n{ALL[isa][name]}"
    assert all(found) and "".join(found).isprintable()
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("isa", GOOD)
def test_served_one_after_the_other_all_are_refused(isa: str, tmp_path: Path) -> None:
    """By a provider, to a build that goes on asking: what this tool finds by itself is what is delivered."""
    replies = [text for text in ALL[isa].values() if len(text) <= MOST_TEXT]
    assert len(replies) > 100
    file = tmp_path / "answer.intent"
    file.write_text(CONTRACT.source.text)
    wishes = Wishes(generator="ai", may_ask=True, rounds=len(replies))
    with serving(*map(chat, replies)) as server:
        asking = Asking(client_of(server), lambda line: None)
        found = build(file, TARGETS[isa], tmp_path, wishes)
        while isinstance(found, Asked):
            dialog = asking.answer(found.question, found.dialog, "answer", isa)
            found = build(file, TARGETS[isa], tmp_path, wishes, dialog)
    assert len(server.bodies) == len(replies)
    assert not found.answered and found.candidate.generator == "lowering"
    refused = [r.problems for r in found.refused if r.generator.startswith("ai, round ")]
    assert len(refused) == len(replies) and all(all(problems) and problems for problems in refused)


# Where the refusal is for what the reply must not do, not for something beside it.

WHY = {
    "x86_64": {
        "syscall": "a function may make no system call",
        "syscall that is never reached": "a function may make no system call",
        "int 0x80": "`int` is not among the instructions of x86_64",
        "hlt": "`hlt` is not among the instructions of x86_64",
        "floating-point control": "`ldmxcsr` is not among the instructions of x86_64",
        "direction flag": "`std` is not among the instructions of x86_64",
        "jump to the return address": "a branch goes to a label that starts with `.L`, not to `rcx`",
        "jump into the middle": "a branch goes to a label that starts with `.L`, not to `.L1 + 1`",
        "jump over the end": "it jumps out of the code",
        "return to a pushed address": "it returns to a wrong place",
        "return that takes arguments off": "only a plain near return is accepted",
        "write through the return address": "writes memory that is not its own",
        "write into the caller's frame": "writes to the stack of its caller",
        "write below the red zone": "it is more than 128 bytes below the stack pointer",
        "write to its own code": "an address relative to rip needs a table's label",
        "read of the caller's frame": "reads from the stack of its caller",
        "read of address 0": "memory that is not its own",
        "stack pointer elsewhere": "the stack pointer gets a value that the judge cannot follow",
        "the upper half of r15": "does not preserve r15",
        "saved too late": "does not preserve rbx",
        "undefined register": "it uses rcx before writing to it",
        "undefined flag": "it uses cf before writing to it",
        "a rare register is another answer": "answer() is 41, must be 42",
        "a rare argument breaks a register": "does not preserve rbx",
        "division by zero": "SIGFPE",
        "2^64 rounds": "does not return",
        "nothing after it": "control runs past the end of the code",
        "a note to the reader after the code": "This is proved.",
    },
    "arm64": {
        "svc": "a function may make no system call",
        "br to the return address": "`br` is not among the instructions of arm64",
        "ret to elsewhere": "it returns to another place than the link register's",
        "x18": "register x18 belongs to the platform",
        "d8": "register d8 is not accepted",
        "push without pop": "returns with a wrong stack pointer",
        "write below the stack": "it is below the stack pointer",
        "undefined flag": "it uses z before writing to it",
        "a rare register is another answer": "answer() is 41, must be 42",
        "endless": "does not return",
    },
    "riscv64": {
        "ecall behind the end": "a function may make no system call",
        "jr to the return address": "an indirect jump may go anywhere",
        "jalr past the return address": "an indirect jump may go anywhere",
        "jal": "a function may not call",
        "tp": "register tp belongs to the platform",
        "stack pointer": "returns with a wrong stack pointer",
        "write below the stack": "it is below the stack pointer",
        "the upper half of the result": "the ABI wants it sign-extended from 32 bits",
        "a rare register is another answer": "answer() is 41, must be 42",
        "endless": "does not return",
    },
}


@pytest.mark.parametrize(("isa", "name"), [(isa, name) for isa, known in WHY.items() for name in known])
def test_the_reason_is_what_it_must_not_do(isa: str, name: str) -> None:
    assert WHY[isa][name] in "\n".join(reasons(ALL[isa][name], isa))
