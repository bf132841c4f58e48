"""Readings that differ become questions."""

from __future__ import annotations

from scripted_model import LOWERED, TO_LOWER, Desk, formula, model

EVERY_LATIN = "c + 32 if 65 <= c <= 90 or 192 <= c <= 222 else c"


def test_readings_that_differ_are_open_questions(desk: Desk) -> None:
    with model(formula(LOWERED), formula(EVERY_LATIN)) as divided:
        found = desk.formalise(divided, desk.write(TO_LOWER), "--samples", "2", "--json").json
    assert found["contract"]["returns"] == LOWERED
    assert found["questions"] == [f"to_lower({c}): {c} by one reading, {c + 32} by another" for c in range(192, 200)]
    assert "2 of 2 readings passed; on 256 inputs 2 behave differently" in found["checked"]


def test_the_majority_is_proposed(desk: Desk) -> None:
    same = "c | 32 if 65 <= c < 91 else c"
    with model(formula(EVERY_LATIN), formula(LOWERED), formula(same)) as divided:
        found = desk.formalise(divided, desk.write(TO_LOWER), "--samples", "3", "--json").json
    assert found["contract"]["returns"] == LOWERED
    assert found["questions"][0] == "to_lower(192): 192 by one reading, 224 by another"


def test_a_reading_that_excludes_inputs(desk: Desk) -> None:
    with model(formula(LOWERED, requires=["c < 128"]), formula(LOWERED)) as divided:
        ran = desk.formalise(divided, desk.write(TO_LOWER), "--samples", "2")
    assert "  to_lower(128): not allowed by one reading, 128 by another\n" in ran.out
    assert "the proposal asks every caller to keep, which the prose should say:\n  c < 128\n" in ran.out


def test_readings_are_independent(desk: Desk) -> None:
    with model(formula("c"), formula(LOWERED), formula("c + 1"), formula(LOWERED)) as wavering:
        found = desk.formalise(wavering, desk.write(TO_LOWER), "--samples", "2", "--json").json
    assert found["rounds"] == 4
    assert ["wrong" in prompt for prompt in wavering.prompts] == [False, True, False, True]
    assert "returns: c\n" not in wavering.prompts[3]


def test_a_further_reading_that_fails_is_no_failure(desk: Desk) -> None:
    with model(formula(LOWERED), formula("c")) as once:
        ran = desk.formalise(once, desk.write(TO_LOWER), "--samples", "2")
    assert ran.status == 0
    assert "1 of 2 readings passed, so there is nothing to compare it with" in ran.out


def test_conditions_on_the_result_are_compared_too(desk: Desk) -> None:
    file = desk.write("intent: The integer square root.\nsignature: uint8_t root(uint8_t x)\nexamples:\n"
                      "  - root(9) == 3\n  - root(0) == 0\n")
    exact = formula(ensures=["result * result <= x", "(result + 1) * (result + 1) > x"])
    loose = formula(ensures=["result * result <= x", "x < 4 or (result + 1) * (result + 1) > x"])
    with model(exact, loose) as divided:
        found = desk.formalise(divided, file, "--samples", "2", "--json").json
    assert found["questions"][0] == "root(1): 1 by one reading, any of [0, 1] by another"
    assert "open: whether every input has a result that `ensures` allows" in found["checked"]
