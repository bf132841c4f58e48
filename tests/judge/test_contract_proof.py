"""What a contract must satisfy, for every input: found by proof where trying inputs misses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from intent_tool.contract_check import check
from intent_tool.judge.contract_proof import prove_contract
from intent_tool.language.check import check_contract
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_text


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENT_PROOFS", str(tmp_path / "proofs"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def intent(signature: str, rest: str) -> str:
    return f"intent: A contract.\nsignature: {signature}\n{rest}\n"


HIDDEN = [
    # Wrong at one input, or a few, among billions.
    ("uint32_t f(uint32_t a, uint32_t b)", "returns: 7 // ((a * 3 + b * 5) % 1000003 - 271828) % 2", "E504",
     r"f\(\d+, \d+\) has no value"),
    ("uint32_t f(uint32_t a, uint32_t b)", "returns: a if a ^ b != 0x12345678 else a + b", "E503",
     r"the result of f\(\d+, \d+\) is \d+, which does not fit uint32_t"),
    ("uint8_t f(const uint8_t t[5], uint64_t i)",
     "requires: [i % 9973 < 5]\nreturns: t[i % 9973 + (i // 9973 == 96889010407)]", "E505", r"f\(.*\) has no value"),
    ("uint64_t f(uint32_t n)", "returns: n >> ((n * 2654435761 + 1013904223) % 4294967296 - 77)", "E506",
     r"f\(\d+\) has no value"),
]


@pytest.mark.parametrize(("signature", "rest", "code", "message"), HIDDEN)
def test_what_sampling_misses(signature: str, rest: str, code: str, message: str) -> None:
    contract = load_text(intent(signature, rest))
    assert all(note.severity == "note" for note in check_contract(contract))
    with pytest.raises(IntentError, match=message) as caught:
        check(contract)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code and diagnostic.span is not None and diagnostic.span.line >= 3


def test_requires_that_nobody_can_keep() -> None:
    rest = "requires: [a * a % 7 == 3]\nreturns: a"
    assert prove_contract(load_text(intent("uint16_t f(uint16_t a)", rest))).status == "unsatisfiable"


def test_notes_go_away_when_the_proof_is_there() -> None:
    """Intervals alone cannot tell, and say so; the proof can."""
    contract = load_text(intent("uint32_t f(uint32_t a, uint32_t b)",
                                "requires: [b != 0]\nreturns: (a - a % b) // b * b"))
    assert [note.code for note in check_contract(contract)] == ["N501"]
    assert check(contract) == ()


def test_every_length_is_proved() -> None:
    contract = load_text(intent("uint32_t f(const uint32_t data[n], size_t n, uint32_t k)",
                                "requires: [n > 0]\nreturns: data[k % n]"))
    assert prove_contract(contract).status == "proved"
    missing = load_text(intent("uint32_t f(const uint32_t data[n], size_t n, uint32_t k)", "returns: data[k % n]"))
    with pytest.raises(IntentError, match=r"f\(b?.*, 0, \d+\) has no value"):
        check(missing)


def test_lengths_are_proved_up_to_a_bound_where_no_more_is_known() -> None:
    """That the mean is no more than the largest is beyond the intervals of a fold."""
    contract = load_text(intent("uint16_t f(const uint16_t data[n], size_t n)",
                                "requires: [n > 0]\nreturns: sum(data) // n"))
    proof = prove_contract(contract, 8)
    assert proof.status == "bounded" and proof.longest is not None and proof.longest >= 2


def test_the_proof_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = load_text(intent("uint32_t f(uint32_t a, uint32_t b)", "returns: (a + b) // 2"))
    assert check(contract) == ()

    def again(*_arguments: object) -> None:
        raise AssertionError("proved again")
    monkeypatch.setattr("intent_tool.judge.evidence.prove_contract", again)
    assert check(contract) == ()
