"""What programs are run on."""

from __future__ import annotations

from intent_tool.judge.program_cases import piece_cases, trouble_cases
from intent_tool.judge.program_inputs import Run, choose_runs
from intent_tool.judge.program_outcome import Outcome, outcome_problems
from intent_tool.language.load import load_text

COUNT = load_text("""intent: Count the lines of standard input.
program: lines
where:
  lines: sum(c == 10 for c in stdin)
stdout: f"{lines}\\n"
examples:
  - stdin: "one\\ntwo\\n"
    stdout: "2\\n"
""")
TAKE = load_text("""intent: Print one of the arguments, by its number.
program: take
stdout: args[int(args[0])]
examples:
  - args: [2, a, b]
    stdout: b
""")


def test_inputs_lie_around_blocks() -> None:
    runs = choose_runs(COUNT, (1000, 70_000)).runs
    assert {0, 1, 2, 3, 999, 1001, 4095, 4096, 4097, 69_999, 70_001} <= {len(r.stdin) for r in runs}
    assert {65535, 65536, 65537, 131071, 131072, 131073} <= {len(r.stdin) for r in runs}
    assert runs[0] == Run((), b"one\ntwo\n", b"2\n", b"", 0)


def test_inputs_are_the_same_every_time() -> None:
    assert choose_runs(COUNT) == choose_runs(COUNT)
    assert len({(r.args, r.stdin) for r in choose_runs(COUNT).runs}) == len(choose_runs(COUNT).runs)


def test_there_are_lines_and_long_runs_without_a_newline() -> None:
    large = [r.stdin for r in choose_runs(COUNT).runs if len(r.stdin) > 4000]
    assert any(len(max(text.split(b"\n"), key=len)) >= 4000 for text in large)
    assert any(text.count(b"\n") > 500 for text in large)


def test_arguments_are_missing_odd_and_too_many() -> None:
    given = {r.args for r in choose_runs(TAKE).runs}
    assert () in given and (b"1",) in given
    assert any(len(args) >= 40 for args in given)
    assert any(args[1:] == (b"a", b"b") and args != (b"2", b"a", b"b") for args in given)
    assert not any(b"\0" in a for args in given for a in args)


def test_where_the_contract_has_no_value_nothing_is_demanded_of_the_output() -> None:
    chosen = choose_runs(TAKE)
    unknown = [r for r in chosen.runs if not r.is_known]
    assert unknown and all(r.stdout is None and r.stderr is None for r in unknown)
    what, long = chosen.unchecked
    assert what.startswith("what it does where the contract has no value, as for take: an index")
    assert long.endswith("and the like: the contract takes too long to evaluate")
    assert list(outcome_problems("take", unknown[0], Outcome(b"?", b"?", 7))) == []
    assert list(outcome_problems("take", unknown[0], Outcome(b"", b"", -11))) == ["take stops with SIGSEGV"]


def test_what_takes_the_oracle_too_long_is_left_out() -> None:
    square = load_text("""intent: Count the pairs of equal bytes.
program: pairs
stdout: f"{sum(a == b for a in stdin for b in stdin)}"
""")
    chosen = choose_runs(square)
    assert max(len(r.stdin) for r in chosen.runs) < 4096
    assert chosen.unchecked[0].startswith("standard input of ")


def test_the_rest_of_long_outputs_is_compared_where_it_differs() -> None:
    run = Run((), b"", b"x" * 1000, b"", 0)
    assert list(outcome_problems("p", run, Outcome(b"x" * 999 + b"y", b"", 0))) == [
        "p: stdout is of 1,000 bytes, must be of 1,000; from byte 999 on it is b'y', must be b'x'"]


def test_after_a_failure_the_output_is_a_part_and_the_status_not_0() -> None:
    run = Run((), b"", b"abc", b"", 0)
    assert list(outcome_problems("p", run, Outcome(b"ab", b"no room", 1, failed=True))) == []
    assert list(outcome_problems("p", run, Outcome(b"ab", b"", 0, failed=True))) == ["p: exit is 0, must be another"]
    assert list(outcome_problems("p", run, Outcome(b"x", b"", 1, failed=True))) == [
        "p: stdout is b'x', must be the start of b'abc'"]
    assert list(outcome_problems("p", run, Outcome(b"", b"no", 1, failed=True, errors_before=2))) == [
        "p: stderr is b'no', must begin like b''"]


def test_a_program_may_do_without_what_was_refused() -> None:
    run = Run((), b"", b"abc", b"", 0)
    assert list(outcome_problems("p", run, Outcome(b"abc", b"", 0, failed=None))) == []
    assert list(outcome_problems("p", run, Outcome(b"a", b"", 1, failed=None))) == []
    assert list(outcome_problems("p", run, Outcome(b"ab", b"", 0, failed=None))) == [
        "p: stdout is b'ab', must be b'abc'"]


def test_pieces_end_around_blocks() -> None:
    runs = choose_runs(COUNT).runs
    first = {c.situation.reads.first[0] for c in piece_cases(runs, {1000}) if c.situation.reads.first}
    assert {1, 2, 3, 999, 1000, 1001, 4095, 4097, 65535, 65537, 131071, 131072} <= first
    assert any(c.situation.reads.then == 1 and len(c.run.stdin) > 4096 for c in piece_cases(runs))


def test_there_is_trouble_with_those_calls_alone_that_a_program_makes() -> None:
    runs = choose_runs(COUNT).runs
    assert not list(trouble_cases(runs, {"exit"}))
    assert all("read" in c.when for c in trouble_cases(runs, {"read"}))
    assert all("memory" in c.when for c in trouble_cases(runs, {"mmap"}))
