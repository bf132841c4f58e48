"""What the judge makes of proofs: levels, counterexamples as an emulator sees them, secrets, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge_objects import function_object

from intent_tool.judge.judge import judge_function
from intent_tool.judge.portfolio import Lane
from intent_tool.judge.verdict import Verdict
from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets

TARGETS = load_targets()
ADD = """
intent: Sum within 32 bits.
signature: uint32_t add(uint32_t a, uint32_t b)
returns: u32(a + b)
"""
GOOD = {"x86_64": "add:\nlea eax, [rdi + rsi]\nret", "arm64": "add:\nadd w0, w0, w1\nret",
        "riscv64": "add:\naddw a0, a0, a1\nret"}


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENT_PROOFS", str(tmp_path / "proofs"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def judged(name: str, intent: str, assembly: str, seconds: float = 3.0) -> Verdict:
    target = TARGETS[name]
    contract = load_text(intent)
    return judge_function(contract, target, function_object(assembly, target.isa, contract.name), contract.name,
                          seconds=seconds)


@pytest.mark.parametrize("name", GOOD)
def test_a_function_that_is_right_is_proved(name: str) -> None:
    verdict = judged(name, ADD, GOOD[name])
    assert verdict.accepted and verdict.evidence == "proved" and verdict.unchecked == () and verdict.vectors == 10_000


@pytest.mark.parametrize("name", GOOD)
def test_without_time_for_a_proof_it_is_tested(name: str) -> None:
    verdict = judged(name, ADD, GOOD[name], seconds=0)
    assert verdict.accepted and verdict.evidence == "tested" and verdict.unchecked == ("not proved: not asked for",)


TRAPS = {
    "x86_64": "add:\nlea eax, [rdi + rsi]\ncmp edi, 0x1b873593\njne 1f\ncmp esi, 0x2f0b4a29\njne 1f\ninc eax\n1: ret",
    "arm64": "add:\nmovz w2, #0x3593\nmovk w2, #0x1b87, lsl #16\nmovz w3, #0x4a29\nmovk w3, #0x2f0b, lsl #16\n"
             "cmp w0, w2\nadd w0, w0, w1\nbne 1f\ncmp w1, w3\nbne 1f\nadd w0, w0, #1\n1: ret",
    "riscv64": "add:\nlui a2, 0x1b873\naddiw a2, a2, 0x593\nlui a3, 0x2f0b5\naddiw a3, a3, -1495\nsext.w a4, a0\n"
               "addw a0, a0, a1\nbne a4, a2, 1f\nsext.w a5, a1\nbne a5, a3, 1f\naddiw a0, a0, 1\n1: ret",
}


@pytest.mark.parametrize("name", TRAPS)
def test_one_wrong_pair_of_inputs_is_found_and_replayed(name: str) -> None:
    verdict = judged(name, ADD, TRAPS[name])
    a, b = 0x1b873593, 0x2f0b4a29
    assert verdict.problems == (f"add({a}, {b}) is {a + b + 1}, must be {a + b}",)
    assert not verdict.accepted and verdict.evidence == "none"


JUNK = {
    # Right but for one value of a register that the caller leaves anything in.
    "x86_64": "add:\ncmp r10d, 0x1b873593\nlea eax, [rdi + rsi]\njne 1f\ninc eax\n1: ret",
    "arm64": "add:\nmovz w2, #0x3593\nmovk w2, #0x1b87, lsl #16\ncmp w9, w2\nadd w0, w0, w1\nbne 1f\n"
             "add w0, w0, #1\n1: ret",
    "riscv64": "add:\nlui a2, 0x1b873\naddiw a2, a2, 0x593\naddw a0, a0, a1\nbne t3, a2, 1f\naddiw a0, a0, 1\n1: ret",
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_in_a_register_is_replayed_too(name: str) -> None:
    verdict = judged(name, ADD, JUNK[name])
    assert verdict.problems == ("add(0, 0) is 1, must be 0",)


UPPER = {
    # Right but for one value of the upper half of an argument's register.
    "x86_64": "add:\nmov rcx, rdi\nshr rcx, 32\nlea eax, [rdi + rsi]\ncmp ecx, 0x1b873593\njne 1f\ninc eax\n1: ret",
    "arm64": "add:\nmovz w2, #0x3593\nmovk w2, #0x1b87, lsl #16\nlsr x3, x0, #32\nadd w0, w0, w1\ncmp w3, w2\n"
             "bne 1f\nadd w0, w0, #1\n1: ret",
}


@pytest.mark.parametrize("name", UPPER)
def test_the_upper_half_of_an_argument_is_replayed_too(name: str) -> None:
    verdict = judged(name, ADD, UPPER[name])
    assert verdict.problems == ("add(0, 0) is 1, must be 0",)


def test_a_counterexample_that_does_not_replay_is_a_fault_of_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intent_tool.judge.evidence.replay", lambda subject, arguments, model: None)
    verdict = judged("x86_64", ADD, TRAPS["x86_64"])
    assert not verdict.accepted
    assert "says the proof, but not the emulator: this is a fault of the tool" in verdict.problems[0]


SECRET = """
intent: The first where the secret is odd, else the second.
signature: uint64_t pick(uint64_t key, uint64_t a, uint64_t b)
returns: a if key & 1 else b
secret: [key]
"""
PICKS = {
    "x86_64": ("pick:\nmov rax, rdx\ntest dil, 1\ncmovne rax, rsi\nret",
               "pick:\nmov rax, rdx\ntest dil, 1\nje 1f\nmov rax, rsi\n1: ret", "at offset 0x7, a branch"),
    "arm64": ("pick:\ntst x0, #1\ncsel x0, x1, x2, ne\nret",
              "pick:\ntbz x0, #0, 1f\nmov x0, x1\nret\n1: mov x0, x2\nret", "at offset 0x0, a branch"),
    "riscv64": ("pick:\nandi a0, a0, 1\nneg a0, a0\nxor a1, a1, a2\nand a0, a0, a1\nxor a0, a0, a2\nret",
                "pick:\nandi a0, a0, 1\nbeqz a0, 1f\nmv a0, a1\nret\n1: mv a0, a2\nret", "a branch"),
}


@pytest.mark.parametrize("name", PICKS)
def test_a_secret_may_not_decide_a_branch(name: str) -> None:
    constant_time, leaking, place = PICKS[name]
    verdict = judged(name, SECRET, constant_time)
    assert verdict.evidence == "proved" and verdict.unchecked == ()
    (problem,) = judged(name, SECRET, leaking).problems
    assert place in problem and problem.endswith("depends on the secret key")


def test_a_secret_may_not_decide_an_address_or_be_divided() -> None:
    table = """
intent: A table's entry.
signature: uint8_t entry(const uint8_t table[16], uint8_t i)
requires: [i < 16]
returns: table[i]
secret: [i]
"""
    (problem,) = judged("arm64", table, "entry:\nand x1, x1, #15\nldrb w0, [x0, x1]\nret").problems
    assert problem == "at offset 0x4, an address depends on the secret i"
    quotient = """
intent: A quotient.
signature: uint32_t quotient(uint32_t a, uint32_t b)
requires: [b != 0]
returns: a // b
secret: [a]
"""
    (problem,) = judged("arm64", quotient, "quotient:\nudiv w0, w0, w1\nret").problems
    assert problem == "at offset 0x0, a division depends on the secret a"


def test_every_length() -> None:
    total = """
intent: The sum of all bytes.
signature: uint64_t total(const uint8_t data[n], size_t n)
returns: sum(data)
"""
    loop = ("total:\nmov x2, #0\ncbz x1, 2f\n1: ldrb w3, [x0], #1\nadd x2, x2, x3\nsubs x1, x1, #1\nbne 1b\n"
            "2: mov x0, x2\nret")
    verdict = judged("arm64", total, loop)
    assert verdict.accepted and verdict.evidence == "proved" and verdict.longest is None
    one_more = loop.replace("cbz x1, 2f\n", "")
    assert not judged("arm64", total, one_more).accepted


MIXED = """
intent: All bytes, one over the other.
signature: uint8_t mixed(const uint8_t data[n], size_t n)
where:
  step(s, x): s ^ x
returns: reduce(step, data, 0)
"""
TWO_A_ROUND = (
    "mixed:\nmov w2, #0\nmov x4, x1\ntbz x1, #0, 1f\nldrb w2, [x0], #1\nsub x4, x4, #1\n1: cbz x4, 2f\n"
    "ldrb w3, [x0], #1\nldrb w5, [x0], #1\neor w2, w2, w3\neor w2, w2, w5\nsubs x4, x4, #2\nbne 1b\n"
    "2: mov w0, w2\nret")
"""No word on how: nothing that the judge would come to by itself."""


def test_lengths_up_to_a_bound() -> None:
    verdict = judged("arm64", MIXED, TWO_A_ROUND)
    assert verdict.accepted and verdict.evidence == "bounded" and verdict.longest is not None and verdict.longest >= 8
    assert any("not proved for every length" in line for line in verdict.unchecked)


@pytest.mark.parametrize("requires", ["n >= 40", "sum(data) > 255 * 20"])
def test_a_bound_within_which_nothing_is_asked_is_none(requires: str) -> None:
    verdict = judged("arm64", f"{MIXED}requires: ['{requires}']\n", TWO_A_ROUND)
    assert verdict.accepted and verdict.evidence == "tested"
    assert any("up to 16 elements are known that keep `requires`" in line for line in verdict.unchecked)


def test_a_bound_within_which_nothing_is_asked_keeps_no_secret() -> None:
    """Bytes that are zero are passed over, which takes less time."""
    leaking = TWO_A_ROUND.replace("eor w2, w2, w3\n", "cbz w3, 3f\neor w2, w2, w3\n3: ")
    verdict = judged("arm64", f"{MIXED}requires: [n >= 40]\nsecret: [data]\n", leaking)
    assert verdict.evidence == "tested"
    assert "secret: whether data influence timing" in verdict.unchecked


def test_proofs_are_kept_and_not_believed_when_somebody_changed_them(tmp_path: Path) -> None:
    assert not judged("arm64", ADD, GOOD["arm64"]).kept
    assert judged("arm64", ADD, GOOD["arm64"]).kept
    # Another function, another target, another contract: proved anew.
    assert not judged("arm64", ADD, "add:\nadd w0, w1, w0\nret").kept
    assert not judged("x86_64", ADD, GOOD["x86_64"]).kept
    entries = [p for p in (tmp_path / "proofs").rglob("*.proof")]
    assert len(entries) == 4
    for path in entries:
        path.write_text(path.read_text().replace("proved", "bounded"))
    again = judged("arm64", ADD, GOOD["arm64"])
    assert again.evidence == "proved" and not again.kept


def test_what_no_solver_knows_stays_tested_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    average = """
intent: Average.
signature: uint32_t average(uint32_t a, uint32_t b)
returns: (a + b) // 2
"""
    assembly = "average:\nand w2, w0, w1\neor w3, w0, w1\nadd w0, w2, w3, lsr #1\nret"
    clueless = Lane("clueless", 0.0, 1.0, lambda graph, conditions: ("unknown", {}), "os")
    with monkeypatch.context() as patch:
        patch.setattr("intent_tool.judge.portfolio.lanes", lambda: (clueless,))
        verdict = judged("arm64", average, assembly)
        assert verdict.accepted and verdict.evidence == "tested" and verdict.solvers == ()
        assert verdict.unchecked == ("not proved: no solver could tell in time whether its result is right",)
    # It was looked for with all the time there is, so the next run does not look again; one with more time does.
    assert judged("arm64", average, assembly).kept
    assert judged("arm64", average, assembly, seconds=4.0).evidence == "proved"
