"""Every buffer of every length ends, and begins, at a page that may not be accessed: what goes past it is found, even
when it happens for one length alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pytest
from judge_objects import TRIPLES, function_object

from intent_tool.judge.calls import Arguments, Batch, make_batch
from intent_tool.judge.embedded import run_embedded, run_harness_embedded
from intent_tool.judge.emulate import run_harness, runner_path
from intent_tool.judge.harness.protocol import Job, Outcome
from intent_tool.judge.image import read_image
from intent_tool.judge.judge import judge_function
from intent_tool.judge.trial import PAGE, Run, Subject, run_trial
from intent_tool.judge.verdict import Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly
from intent_tool.machine.elf import write_object
from intent_tool.machine.target import load_targets

TARGETS = load_targets()
TOTAL = load_text("""intent: The sum of bytes.
signature: uint64_t total(const uint8_t data[n], size_t n)
returns: u64(sum(data))
""")
FILL = load_text("""intent: The same byte everywhere.
signature: void fill(uint8_t out[n], size_t n, uint8_t c)
writes:
  out: (c for _ in range(n))
""")
FIRST = load_text("""intent: The first eight bytes of a block as a number.
signature: uint64_t first(const uint8_t block[64])
returns: sum(block[i] << 8 * i for i in range(8))
""")
LENGTHS = (0, 1, 17, 130, 4097)

SUMS = {
    # The pointer is in rdi, x0 or a0, the length in rsi, x1 or a1.
    "x86_64": """{fault}
        xor eax, eax
        xor ecx, ecx
        .L1:
        cmp rcx, rsi
        jae .L2
        movzx edx, byte ptr [rdi + rcx]
        add rax, rdx
        inc rcx
        jmp .L1
        .L2:
        ret""",
    "arm64": """{fault}
        mov x9, x0
        mov x0, #0
        add x10, x9, x1
        .L1:
        cmp x9, x10
        b.hs .L2
        ldrb w11, [x9], #1
        add x0, x0, x11
        b .L1
        .L2:
        ret""",
    "riscv64": """{fault}
        add t0, a0, a1
        addi t1, a0, 0
        addi a0, zero, 0
        .L1:
        bgeu t1, t0, .L2
        lbu t2, 0(t1)
        add a0, a0, t2
        addi t1, t1, 1
        jal zero, .L1
        .L2:
        jalr zero, 0(ra)""",
}
FILLS = {
    "x86_64": """{fault}
        xor ecx, ecx
        .L1:
        cmp rcx, rsi
        jae .L2
        mov byte ptr [rdi + rcx], dl
        inc rcx
        jmp .L1
        .L2:
        ret""",
    "arm64": """{fault}
        add x10, x0, x1
        .L1:
        cmp x0, x10
        b.hs .L2
        strb w2, [x0], #1
        b .L1
        .L2:
        ret""",
    "riscv64": """{fault}
        add t0, a0, a1
        .L1:
        bgeu a0, t0, .L2
        sb a2, 0(a0)
        addi a0, a0, 1
        jal zero, .L1
        .L2:
        jalr zero, 0(ra)""",
}
ONLY_FOR = {
    # What follows is done for one length alone.
    "x86_64": "cmp rsi, {length}\njne .L9\n{what}\n.L9:",
    "arm64": "mov x9, #{length}\ncmp x1, x9\nb.ne .L9\n{what}\n.L9:",
    "riscv64": "lui t0, {upper}\naddi t0, t0, {lower}\nbne a1, t0, .L9\n{what}\n.L9:",
}
READS = {
    "x86_64": {"before": "movzx eax, byte ptr [rdi - 1]", "past": "movzx eax, byte ptr [rdi + rsi]",
               "wide": "mov rax, qword ptr [rdi + rsi - 1]"},
    "arm64": {"before": "ldurb w9, [x0, #-1]", "past": "ldrb w9, [x0, x1]",
              "wide": "add x9, x0, x1\nldur x9, [x9, #-1]"},
    "riscv64": {"before": "lbu t0, -1(a0)", "past": "add t0, a0, a1\nlbu t0, 0(t0)",
                "wide": "add t0, a0, a1\nld t0, -1(t0)"},
}
VECTORS = {"x86_64": "movups xmm0, xmmword ptr [rdi + rsi - 1]", "arm64": "add x9, x0, x1\nldur q0, [x9, #-1]"}
"""Loads of 16 bytes from the last element on."""
WRITES = {
    "x86_64": {"before": "mov byte ptr [rdi - 1], dl", "past": "mov byte ptr [rdi + rsi], dl"},
    "arm64": {"before": "sturb w2, [x0, #-1]", "past": "strb w2, [x0, x1]"},
    "riscv64": {"before": "sb a2, -1(a0)", "past": "add t0, a0, a1\nsb a2, 0(t0)"},
}
ASSUMES_ALIGNMENT = {
    "x86_64": "and rdi, -16\nmov rax, qword ptr [rdi]\nret",
    "arm64": "and x0, x0, #-16\nldr x0, [x0]\nret",
    "riscv64": "andi a0, a0, -16\nld a0, 0(a0)\njalr zero, 0(ra)",
}


def source(isa: str, body: str, length: int = 0, what: str = "") -> str:
    """The function's lines, with `what` done for buffers of `length`."""
    upper = length + 0x800 >> 12
    fault = ONLY_FOR[isa].format(length=length, upper=upper, lower=length - (upper << 12), what=what) if what else ""
    return "\n".join(line.strip() for line in body.format(fault=fault).splitlines() if line.strip())


def judged(contract: Contract, isa: str, lines: str) -> Verdict:
    target = TARGETS[isa]
    binary = write_object(target, contract.name, assemble(Assembly(tuple(lines.splitlines())), target))
    return judge_function(contract, target, binary, contract.name, vectors=1200, seconds=0)


@pytest.mark.parametrize("isa", TRIPLES)
def test_code_that_keeps_to_its_buffers_is_accepted(isa: str) -> None:
    for contract, body in ((TOTAL, SUMS[isa]), (FILL, FILLS[isa])):
        verdict = judged(contract, isa, source(isa, body))
        assert verdict.accepted and len(verdict.emulators) == 2, verdict.problems


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", ["before", "past", "wide"])
@pytest.mark.parametrize("isa", TRIPLES)
def test_reads_outside_at_one_length(isa: str, kind: str, length: int) -> None:
    side = "1 byte before data" if kind == "before" else "past the end of data"
    if kind == "wide" and not length:
        side += "|1 byte before data"
    verdict = judged(TOTAL, isa, source(isa, SUMS[isa], length, READS[isa][kind]))
    assert re.fullmatch(rf"total\(.*, {length}\) reads or writes ({side}) at offset 0x\w+", verdict.problems[0])


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", ["before", "past"])
@pytest.mark.parametrize("isa", TRIPLES)
def test_writes_outside_at_one_length(isa: str, kind: str, length: int) -> None:
    side = {"before": "1 byte before out",
            "past": "(past the end of out|writes outside its buffers: 1 byte after the end of out)"}[kind]
    verdict = judged(FILL, isa, source(isa, FILLS[isa], length, WRITES[isa][kind]))
    assert re.fullmatch(rf"fill\(.*, {length}, \d+\) .*{side}.*", verdict.problems[0])


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize("length", [0, 17, 4097])
def test_the_same_without_a_user_mode_emulator(isa: str, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intent_tool.judge.judge.runner_path", lambda target: None)
    for kind, side in (("before", "1 byte before data"), ("past", "past the end of data")):
        verdict = judged(TOTAL, isa, source(isa, SUMS[isa], length, READS[isa][kind]))
        assert re.fullmatch(rf"total\(.*, {length}\) reads or writes {side} at offset 0x\w+", verdict.problems[0])


@pytest.mark.parametrize("isa", TRIPLES)
def test_all_emulators_name_buffer_and_side(isa: str) -> None:
    """Loads that only end outside of the buffer, too, also those of the vector registers."""
    target = TARGETS[isa]
    runner = runner_path(target)
    assert runner is not None
    runs: dict[str, Run] = {"qemu": lambda job, _: run_harness(target, runner, job),
            "harness in unicorn": lambda job, _: run_harness_embedded(target, job),
            "unicorn": lambda job, starts: run_embedded(target, job, starts)}
    inputs: list[Arguments] = [((1,) * n, n) for n in (16, 17, 17, 18)]
    kinds = [*READS[isa].values(), *([VECTORS[isa]] if isa in VECTORS else [])]
    for kind in kinds:
        code = "total:\n" + source(isa, SUMS[isa], 17, kind)
        image = read_image(function_object(code, isa, "total"), "total", target)
        for name, run in runs.items():
            trial = run_trial(Subject(TOTAL, target, Oracle(TOTAL), image, run), inputs, 2)
            side = "1 byte before data" if kind == kinds[0] else "past the end of data"
            assert trial.stop is not None and f" reads or writes {side} at offset 0x" in trial.stop.what, (name, kind)


@pytest.mark.parametrize("isa", TRIPLES)
def test_no_buffer_is_better_aligned_than_its_elements(isa: str) -> None:
    """Not even one whose ends are both multiples of 16 bytes from a page."""
    verdict = judged(FIRST, isa, ASSUMES_ALIGNMENT[isa])
    assert re.fullmatch(r"first\(.*\) (is \d+, must be \d+ .*|reads or writes .* block at .*)", verdict.problems[0])


def test_a_vector_load_that_wants_alignment() -> None:
    """unicorn does not see it."""
    target = TARGETS["x86_64"]
    runner = runner_path(target)
    assert runner is not None
    code = "total:\n" + source("x86_64", SUMS["x86_64"], 64, "movaps xmm0, xmmword ptr [rdi]")
    image = read_image(function_object(code, "x86_64", "total"), "total", target)
    subject = Subject(TOTAL, target, Oracle(TOTAL), image, lambda job, _: run_harness(target, runner, job))
    trial = run_trial(subject, [((1,) * 64, 64)] * 3, 2)
    assert trial.stop is not None and trial.stop.index == 2
    assert trial.stop.what.endswith(" or not aligned as the instruction wants it, at offset 0x6")


def placed(batch: Batch, index: int, number: int) -> tuple[bool, bool, int]:
    """Whether the buffer lies against the page before it and the page after it, and its address."""
    region, window = batch.regions[number], batch.windows[index][number]
    start = window.address + window.buffer
    assert region.address <= window.address and not window.address % 8 and not len(window.content) % 8
    assert window.address + len(window.content) <= region.address + region.size
    return start == region.address, start + window.length == region.address + region.size, start


@pytest.mark.parametrize(("element", "width"), [("uint8_t", 1), ("int16_t", 2), ("uint32_t", 4), ("uint64_t", 8)])
def test_both_ends_in_turn(element: str, width: int) -> None:
    contract = load_text(f"intent: x\nsignature: void f({element} a[n], const {element} b[n], size_t n)\n"
                         "writes:\n  a: (x for x in b)\n")
    inputs: list[Arguments] = [((1,) * n, (2,) * n, n) for n in range(131) for _ in range(10)]
    batch = make_batch(contract, TARGETS["x86_64"], inputs, page=PAGE, seed=3)
    together = Counter[tuple[bool, bool]]()
    for n in range(131):
        for number in range(2):
            places = [placed(batch, 10 * n + i, number) for i in range(10)]
            sides = [places[i][:2] for i in range(10)]
            assert sides[0] != sides[1] and {(True, False), (False, True)} == set(sides[:2])
            assert sides.count((True, False)) == sides.count((False, True)) == (5 if n % 2 else 4)
            assert all(start % width == 0 for _, _, start in places)
            assert any(start % (2 * width) for _, _, start in places)
        together[placed(batch, 10 * n, 0)[0], placed(batch, 10 * n, 1)[0]] += 1
    assert len(together) == 4 and min(together.values()) > 10


def test_a_buffer_that_starts_where_another_does() -> None:
    contract = load_text("intent: x\nsignature: void f(uint8_t out[n], const uint8_t d[n], size_t n)\n"
                         "requires: ['aliased(out, d)']\nwrites:\n  out: (0 for _ in range(n))\n")
    batch = make_batch(contract, TARGETS["x86_64"], [((7,) * 5, (7,) * 5, 5)] * 2, page=PAGE, seed=3)
    assert len(batch.regions) == 1
    assert {placed(batch, i, 0)[:2] for i in range(2)} == {(True, False), (False, True)}


def test_long_buffers_are_a_run_of_their_own() -> None:
    """A wild write to be found makes every call cost something for the whole region of the longest buffer."""
    target = TARGETS["x86_64"]
    counts: list[int] = []

    def run(job: Job, starts: Sequence[int]) -> Outcome:
        counts.append(job.count)
        return run_embedded(target, job, starts)

    lines = source("x86_64", SUMS["x86_64"]).splitlines()
    binary = write_object(target, "total", assemble(Assembly(tuple(lines)), target))
    subject = Subject(TOTAL, target, Oracle(TOTAL), read_image(binary, "total", target), run)
    inputs: list[Arguments] = [((1,) * n, n) for n in (0, 1, 5, 40_000, 65_537, 3)]
    trial = run_trial(subject, inputs, 2)
    assert counts == [3, 3] and trial.calls == 6 and not trial.failures and trial.stop is None
