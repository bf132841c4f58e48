"""A contract is proposed, checked, shown and written."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_model import KEY, LOWERED, TO_LOWER, Desk, formula, in_a_process, model


def test_the_proposal_as_a_diff(desk: Desk) -> None:
    file = desk.write(TO_LOWER, "to_lower.intent")
    with model(formula(LOWERED)) as good:
        ran = desk.formalise(good, file, "--samples", "3")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == """\
--- to_lower.intent
+++ to_lower.intent
@@ -2,6 +2,7 @@
 intent: "Lower-case an ASCII letter; leave every other byte alone."
 signature: uint8_t to_lower(uint8_t c)   # one byte
SPACE
+returns: c + 32 if ord("A") <= c <= ord("Z") else c
 # The ends of the alphabet.
 examples:
   - to_lower(b"A"[0]) == b"a"[0]

no example covers these; add to `examples` those that are meant:
  - to_lower(64) == 64
  - to_lower(0) == 0
  - to_lower(255) == 255
  - to_lower(31) == 31

checked (m at 127.0.0.1:PORT, 3 rounds):
  4 examples agree
  proved: every result fits its type, and every operation is defined, for all inputs that keep `requires`
  3 of 3 readings passed; on 256 inputs all behave alike
the proposal is not written; --write writes it into to_lower.intent
""".replace("SPACE", " ").replace("127.0.0.1:PORT", good.url.removeprefix("http://").removesuffix("/v1"))
    assert file.read_bytes() == TO_LOWER.encode()


def test_as_json(desk: Desk) -> None:
    with model(formula(LOWERED)) as good:
        found = desk.formalise(good, desk.write(TO_LOWER), "--json").json
    assert found["contract"] == {"where": [], "requires": [], "returns": LOWERED, "ensures": [], "writes": []}
    assert found["diff"].startswith("--- f.intent\n+++ f.intent\n")
    assert (found["ok"], found["written"], found["rounds"], found["model"], found["questions"]) == (
        True, False, 1, "m", [])


def test_what_is_written_passes_the_check(desk: Desk) -> None:
    file = desk.write(TO_LOWER)
    with model(formula(LOWERED)) as good:
        ran = desk.formalise(good, file, "--write")
    assert ran.out.endswith("f.intent: written\n")
    before, formula_line, after = file.read_text().partition(f"returns: {LOWERED}\n")
    assert formula_line and before + after == TO_LOWER
    assert desk.run("check", "f.intent").status == 0


def test_a_function_that_writes(desk: Desk) -> None:
    file = desk.write("intent: XOR two buffers.\n"
                      "signature: void xor_bytes(uint8_t out[n], const uint8_t a[n], const uint8_t b[n], size_t n)\n"
                      "examples:\n  - given: out=[0], a=[1], b=[3], n=1\n    then: out == [2]\n")
    content = {"buffer": "out", "content": "(x ^ y for x, y in zip(a, b))"}
    with model(formula(writes=[content])) as good:
        ran = desk.formalise(good, file, "--samples", "2")
    assert ran.status == 0, ran.err
    assert "+writes:\n+  out: (x ^ y for x, y in zip(a, b))\n" in ran.out
    assert "  - given: out=[], a=[], b=[], n=0\n    then: out == []\n" in ran.out


def test_the_second_question_holds_what_was_wrong_with_the_first_answer(desk: Desk) -> None:
    with model(formula("c + 32"), formula(LOWERED)) as improving:
        ran = desk.formalise(improving, desk.write(TO_LOWER), "--rounds", "5")
    assert ran.status == 0
    first, second = improving.prompts
    assert "returns: c + 32" not in first
    assert "returns: c + 32\n" in second and "to_lower(91) is 123, the example says 91" in second
    assert improving.requests[0]["temperature"] < improving.requests[1]["temperature"]
    # The folder is nobody's business.
    assert str(desk.path) not in second


def test_a_model_that_repeats_itself_starts_afresh(desk: Desk) -> None:
    with model(formula("c + 32")) as stubborn:
        assert desk.formalise(stubborn, desk.write(TO_LOWER), "--rounds", "4").status == 1
    assert ["returns: c + 32\n" in prompt for prompt in stubborn.prompts] == [False, True, False, True]
    assert [request["temperature"] for request in stubborn.requests] == [0.0, 0.3, 0.6, 0.9]


def test_what_cannot_be_right_for_every_input_is_refused(desk: Desk) -> None:
    with model(formula("c if c > 64 and False else c + 32 if 65 <= c <= 90 else c if c < 250 else c + 9")) as bad:
        ran = desk.formalise(bad, desk.write(TO_LOWER))
    assert ran.status == 1
    assert "E503: the result of to_lower(250) is 259, which does not fit uint8_t (0 to 255)" in ran.err
    assert "error[E960]: no contract for `to_lower` was found in 2 rounds" in ran.err


def test_a_table_of_the_examples_is_refused(desk: Desk) -> None:
    with model(formula("97 if c == 65 else 122 if c == 90 else c"),
               formula('ord("a") if c == ord("A") else u8(122) if c == 90 else 91 if c == 91 else 48')) as bad:
        ran = desk.formalise(bad, desk.write(TO_LOWER))
    assert ran.status == 1
    assert ran.err.count("`returns` only repeats the examples, one by one") == 2


@pytest.mark.parametrize("returns", ["1 if c == 10 or c == 13 else 0", "c == 10 or c == 13", "c in b\"\\r\\n\""])
def test_a_predicate_of_few_values_is_no_table(desk: Desk, returns: str) -> None:
    file = desk.write("intent: Whether a byte ends a line, LF or CR.\nsignature: bool ends_line(uint8_t c)\n"
                      "examples:\n  - ends_line(10) == 1\n  - ends_line(13) == 1\n  - ends_line(32) == 0\n")
    with model(formula(returns)) as good:
        assert desk.formalise(good, file).status == 0


def test_no_provider(desk: Desk) -> None:
    ran = desk.run("formalise", desk.write(TO_LOWER))
    assert ran.status == 1
    assert "error[E950]: no AI provider is set up" in ran.err and "INTENT_AI_BASE_URL" in ran.err


@pytest.mark.parametrize(("text", "why"), [
    (TO_LOWER + "returns: c\n", "has a formula already"),
    (TO_LOWER + "ensures:\n  - result == c\n", "has a formula already"),
    ("intent: Greet.\nprogram: hello\nexamples:\n  - stdout: hello\n", "only functions are formalised for now"),
    ("{intent: In one line., signature: int f(int x)}\n", "nothing can be inserted"),
], ids=["returns", "ensures", "program", "flow"])
def test_nothing_to_formalise(desk: Desk, text: str, why: str) -> None:
    file = desk.write(text)
    with model() as unasked:
        ran = desk.formalise(unasked, file)
    assert ran.status == 1 and "error[E961]" in ran.err and why in ran.err
    assert file.read_text() == text and unasked.requests == []


def test_a_file_that_is_wrong_itself_costs_nothing(desk: Desk) -> None:
    with model() as unasked:
        ran = desk.formalise(unasked, desk.write(TO_LOWER + "  - to_lower(65) == 66\n"))
    assert ran.status == 1 and "error[E501]" in ran.err and unasked.requests == []


def test_a_file_that_changes_meanwhile_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = desk.write(TO_LOWER)
    with model(formula(LOWERED)) as good:
        read = Path.read_bytes

        def edited(path: Path) -> bytes:
            content = read(path)
            if path.name == "f.intent":
                path.write_text(TO_LOWER + "# edited\n")
            return content

        monkeypatch.setattr(Path, "read_bytes", edited)
        ran = desk.formalise(good, file, "--write")
    assert ran.status == 1 and "was changed meanwhile" in ran.err
    assert file.read_text() == TO_LOWER + "# edited\n"


def test_the_key_is_never_shown(tmp_path: Path) -> None:
    """As a process of its own, with a model that repeats the key."""
    (tmp_path / "f.intent").write_text(TO_LOWER)
    escaped = f"\\u{ord(KEY[0]):04x}{KEY[1:]}"
    answers = [formula(f'b"{KEY}"[0]'), KEY, formula(LOWERED, **{KEY: 1}), f'{{"{escaped}": 1}}',
               formula("c").replace('"c"', f'"c + {escaped}"'), formula(LOWERED)]
    with model(*answers) as echo:
        for words in (["--rounds", "5"], ["--write"]):
            ran = in_a_process(tmp_path, echo, "formalise", "f.intent", "--samples", "1", *words)
            assert KEY not in ran.out + ran.err
    assert all(KEY not in prompt for prompt in echo.prompts)
    assert KEY not in (tmp_path / "f.intent").read_text()
    assert f"returns: {LOWERED}\n" in (tmp_path / "f.intent").read_text()
