"""A few mutants of functions from all over the gallery, each for two targets: the proof accepts none that differs
from its original.

`campaign.py` does this for the whole gallery and all targets, with more mutants each and a million inputs for those
that are proved.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign import functions, report
from equivalence import OriginalWrong, differences, inputs_of
from figures import figures, table
from mutants import all_mutants, of_first_candidate
from outcomes import EQUIVALENT, FAULT, OUTCOMES, REFUSED, REFUTED, SURVIVOR, Campaign, Judged, run_campaign
from workers import Task, run_tasks

from intent_tool.machine.target import load_targets

TARGETS = load_targets()
GALLERY = functions("**/*.intent")
MUTANTS, SECONDS, VECTORS = 4, 1.0, 20_000
STRIDE = 23
SAMPLE = GALLERY[5::STRIDE]


def test_the_sample_is_spread_over_the_gallery() -> None:
    assert len(SAMPLE) >= 21
    assert len({p.parent for p in SAMPLE}) > len({p.parent for p in GALLERY}) // 2


@pytest.mark.parametrize("number", range(len(SAMPLE)), ids=[p.stem for p in SAMPLE])
def test_no_wrong_mutant_is_proved(number: int) -> None:
    path, inputs, names = SAMPLE[number], None, sorted(TARGETS)
    # Neighbours in the sample are of one folder, mostly, and come to have different targets.
    for name in (names[2 * number % len(names)], names[(2 * number + 1) % len(names)]):
        target = TARGETS[name]
        original = of_first_candidate(path, target)
        inputs = inputs or inputs_of(original.contract, VECTORS)
        campaign = run_campaign(path.stem, original, MUTANTS, 7, SECONDS, inputs)
        assert len(campaign.judged) == MUTANTS, name
        wrong = [report(j, 7) for j in campaign.judged if j.outcome in (SURVIVOR, FAULT)]
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_comparison_finds_what_is_different(name: str) -> None:
    """What a survivor is known by: mutants that the proof is not asked about."""
    original = of_first_candidate(next(p for p in GALLERY if p.stem == "sort3"), TARGETS[name])
    inputs = inputs_of(original.contract, 3000)()
    for kind in ("clobbered register", "stack pointer off", "dropped instruction", "early return"):
        mutant = next(all_mutants(original, kind))
        (difference,) = differences(original, [mutant], inputs)
        assert difference is not None, mutant
    assert differences(original, [], inputs) == []


def test_a_wrong_original_is_noticed() -> None:
    original = of_first_candidate(next(p for p in GALLERY if p.stem == "sort3"), TARGETS["arm64"])
    mutant = next(all_mutants(original, "early return"))
    wrong = type(original)(original.contract, original.target, original.assembly, original.code, mutant.binary)
    with pytest.raises(OriginalWrong, match="leaves a"):
        differences(wrong, [mutant], inputs_of(original.contract, 100)())


def test_a_judge_that_believes_everything_has_survivors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outcomes._asked", lambda *_: ("proved", "", 0.0, None))
    original = of_first_candidate(GALLERY[0], TARGETS["riscv64"])
    campaign = run_campaign("x/y", original, 12, 1, 1.0, inputs_of(original.contract, 2000))
    outcomes = [j.outcome for j in campaign.judged]
    assert set(outcomes) <= {EQUIVALENT, SURVIVOR} and outcomes.count(SURVIVOR) > 6
    survivor = next(j for j in campaign.judged if j.outcome == SURVIVOR)
    assert original.contract.name in survivor.detail and "ret" in survivor.listing


def test_an_exception_of_the_judge_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("somewhere inside")

    monkeypatch.setattr("intent_tool.judge.prove.prove_function", broken)
    original = of_first_candidate(GALLERY[0], TARGETS["riscv64"])
    campaign = run_campaign("x/y", original, 3, 1, 1.0, inputs_of(original.contract, 10))
    assert [j.outcome for j in campaign.judged] == [FAULT] * 3
    assert "ZeroDivisionError: somewhere inside" in campaign.judged[0].detail


def test_workers_bring_every_campaign_back() -> None:
    paths = [p for p in GALLERY if p.stem in ("align_up", "load_be16")]
    tasks = [Task(path, ("arm64", "riscv64"), 3, 1, 2.0, 1000) for path in paths]
    done = list(run_tasks(tasks, 2))
    assert sorted((c.intent, c.target) for c in done) == sorted(
        (task.intent, target) for task in tasks for target in task.targets)
    assert all(len(c.judged) == 3 for c in done)


def test_a_worker_that_dies_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where it died is known, and the others' campaigns come back all the same."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'intent_tool.judge.prove':\n"
        "            os._exit(11)\n"
        "sys.meta_path.insert(0, Finder())\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    tasks = [Task(next(p for p in GALLERY if p.stem == "align_up"), ("arm64", "riscv64"), 2, 1, 1.0, 10)]
    done = list(run_tasks(tasks, 1))
    assert [(c.target, j.outcome) for c in done for j in c.judged] == [("arm64", FAULT), ("riscv64", FAULT)]
    assert "process died" in done[0].judged[0].detail


def test_figures_count_everything_once() -> None:
    judged = tuple(Judged("a/b", "arm64", "bit flip", "", outcome, "why", 1.5) for outcome in (
        REFUSED, REFUTED, REFUTED, EQUIVALENT, SURVIVOR, "undecided"))
    result = figures([Campaign("a/b", "arm64", "proved", "", judged, 3, 2, 1000),
                      Campaign("a/c", "riscv64", "unknown", "too hard", (), 0, 0, 0)])
    assert [result["targets"]["arm64"][outcome] for outcome in OUTCOMES] == [1, 2, 1, 1, 1, 0]
    assert result["all"]["mutants"] == 6 and result["all"]["seconds"] == 9.0
    assert result["kinds"] == {"bit flip": result["kinds"]["bit flip"]}
    assert [o["intent"] for o in result["originals not proved"]] == ["a/c"]
    assert result["undecided"] == [{"intent": "a/b", "target": "arm64", "kind": "bit flip", "what": "", "why": "why"}]
    text = table(result)
    assert "not proved itself: a/c for riscv64: unknown, too hard" in text
    assert "3 changes came to no instruction, 2 to bytes known already." in text
