"""The harness itself: that it is what its source says, and that its checks see what they are for."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import lief
import pytest
from build_harness import build
from judge_objects import TRIPLES, function_object

from intent_tool.judge.calls import make_batch
from intent_tool.judge.embedded import run_embedded, run_harness_embedded
from intent_tool.judge.emulate import executable_harness, harness_path, run_harness, runner_path
from intent_tool.judge.harness.protocol import FLUSH_EACH, decode_outcome
from intent_tool.judge.image import read_image
from intent_tool.judge.trial import Run, Subject, lay_down, make_job, run_trial
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.machine.target import load_targets

TARGETS = load_targets()
INCREMENT = load_text("""intent: One more.
signature: uint64_t more(uint64_t a)
returns: u64(a + 1)
""")
ASSEMBLY = {"x86_64": "more:\n  lea rax, [rdi + 1]\n  ret", "arm64": "more:\n  add x0, x0, #1\n  ret",
            "riscv64": "more:\n  addi a0, a0, 1\n  ret"}


def parts(binary: bytes) -> dict[str, tuple[int, bytes]]:
    file = lief.ELF.parse(binary)
    assert isinstance(file, lief.ELF.Binary)
    return {str(s.name): (s.virtual_address, bytes(s.content)) for s in file.sections
            if s.name in (".text", ".rodata", ".bss")}


@pytest.mark.parametrize("isa", TRIPLES)
def test_the_shipped_harness_is_its_source(isa: str) -> None:
    rebuilt = parts(build(isa))
    assert len(rebuilt[".text"][1]) > 1000
    assert parts(harness_path(isa).read_bytes()) == rebuilt


def subject(isa: str) -> Subject:
    target = TARGETS[isa]
    image = read_image(function_object(ASSEMBLY[isa], isa, "more"), "more", target)
    runner = runner_path(target)
    assert runner is not None, f"{target.runner[0]} is not installed"
    return Subject(INCREMENT, target, Oracle(INCREMENT), image, lambda job, _: run_harness(target, runner, job))


def runs(isa: str) -> dict[str, Run]:
    """All ways to make calls."""
    target = TARGETS[isa]
    return {"qemu": subject(isa).run, "harness in unicorn": lambda job, _: run_harness_embedded(target, job),
            "unicorn": lambda job, starts: run_embedded(target, job, starts)}


@pytest.mark.parametrize("isa", TRIPLES)
def test_all_emulators_write_the_same_results(isa: str) -> None:
    inputs = [(0,), (1,), (2**64 - 1,), (2**63,)]
    here = subject(isa)
    wanted = {(i,): (i + 1) % 2**64 for (i,) in inputs}
    for run in runs(isa).values():
        trial = run_trial(replace(here, run=run), inputs, 2, asked=frozenset(inputs))
        assert trial.failures == () and trial.stop is None and trial.calls == len(inputs)
        assert {i: a.result for i, a in trial.answers.items()} == wanted


@pytest.mark.parametrize("isa", TRIPLES)
def test_a_hundred_thousand_calls(isa: str) -> None:
    """All of them come back, in order."""
    here = subject(isa)
    inputs = [(i * 0x9E3779B97F4A7C15 % 2**64,) for i in range(100_000)]
    trial = run_trial(here, inputs, 2, asked=frozenset(inputs[-1:]))
    assert trial.calls == 100_000 and not trial.failures
    assert trial.answers[inputs[-1]].result == (inputs[-1][0] + 1) % 2**64


@pytest.mark.parametrize("isa", TRIPLES)
def test_input_cut_short_is_noticed(isa: str) -> None:
    here = subject(isa)
    runner = runner_path(here.target)
    batch = make_batch(here.contract, here.target, [(1,), (2,)], page=4096, seed=2)
    job = make_job(lay_down(here.image, 2), batch, 2)
    assert runner is not None
    whole = run_harness(here.target, runner, job)
    assert whole.done == 2 and len(whole.results) == 32
    assert run_harness(here.target, runner, replace(job, flags=FLUSH_EACH)).results == whole.results
    harness = executable_harness(isa)
    done = subprocess.run([runner, *here.target.runner[1:], f"/proc/self/fd/{harness}"], input=job.encode()[:-1],
                          capture_output=True, pass_fds=[harness], check=False)
    assert done.returncode == 100 and decode_outcome(done.stdout) is None

