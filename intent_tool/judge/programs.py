"""The judge of programs: static executables that read, write and exit."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from intent_tool.judge.embedded import supports
from intent_tool.judge.emulate import runner_path
from intent_tool.judge.kernel import Process
from intent_tool.judge.program_image import admit_program, read_program
from intent_tool.judge.refusal import Refused
from intent_tool.judge.verdict import Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle, OracleFault, shown
from intent_tool.machine.target import Target

_CPU_SECONDS = 10
_PATIENCE = 120
"""Seconds of real time for one run."""
_EXTRA_INPUTS = (b"", b"\n", b"a", b"ab cd\n\n", b"\x00\xff", bytes(range(256)), b"0123456789 " * 700)
_EXTRA_ARGUMENTS: tuple[tuple[bytes, ...], ...] = ((), (b"",), (b"1",), (b"-1", b"x y"))
_SLICE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """What a program is given, and what must come of it; None where the contract has no formula."""

    args: tuple[bytes, ...]
    stdin: bytes
    stdout: bytes | None
    stderr: bytes | None
    exit: int | None


def judge_program(contract: Contract, target: Target, executable: bytes) -> Verdict:
    """Judges a static executable against a program's contract. Whatever is wrong with it is in the verdict."""
    instructions = size = 0
    try:
        image = read_program(executable, target)
        decoded, problems = admit_program(image, contract, target)
        instructions, size = len(decoded), len(image.code)
        if problems:
            raise Refused(*problems)
        runner = runner_path(target)
        lacking = supports(target, {i.mnemonic for i in decoded})
        if runner is None and lacking is not None:
            raise Refused(f"it cannot be run: {target.runner[0]} is not installed, and {lacking}")
        verdict = _run_all(contract, target, executable, runner, lacking)
    except Refused as refused:
        verdict = Verdict(False, "none", refused.problems, 0, (), 0, 0)
    except OracleFault as fault:
        verdict = Verdict(False, "none", (f"the contract has no value for an input: {fault.message}",), 0, (), 0, 0)
    return replace(verdict, instructions=instructions, bytes=size)


def _run_all(contract: Contract, target: Target, executable: bytes, runner: str | None,
             lacking: str | None) -> Verdict:
    """Every run in unicorn first, where nothing can happen to this machine, then under the user-mode emulator."""
    problems: list[str] = []
    runs = list(_runs(contract))
    ran = []
    if lacking is None:
        ran.append("unicorn")
        for run in runs:
            found = _execute_embedded(contract, target, executable, run) if not problems else None
            problems += _problems(contract, found, run) if found is not None else []
    if runner is not None and not problems:
        ran.insert(0, target.runner[0])
        with tempfile.TemporaryDirectory(prefix="intent-judge-") as folder:
            path = Path(folder) / "program"
            path.write_bytes(executable)
            path.chmod(0o755)
            for run in runs:
                found = _execute([runner, *target.runner[1:], str(path)], run, folder) if not problems else None
                problems += _problems(contract, found, run) if found is not None else []
    return Verdict(not problems, "none" if problems else "tested", tuple(problems), len(runs), tuple(ran), 0, 0,
                   tuple(_unchecked(contract, target, runner, lacking)))


def _execute_embedded(contract: Contract, target: Target, executable: bytes, run: Run) -> tuple[bytes, bytes, int]:
    process = Process(target.isa, executable, (contract.name.encode(), *run.args), run.stdin)
    process.run(_SLICE_SECONDS, lambda: sum(map(len, process.output.values())))
    status = process.status if process.status is not None else -process.signal
    return bytes(process.output[1]), bytes(process.output[2]), status


def _runs(contract: Contract) -> Iterator[Run]:
    """The examples, and some more where the contract has formulas."""
    for example in contract.program_examples:
        yield Run(example.args, example.stdin, example.stdout, example.stderr, example.exit)
    if contract.stdout is None and contract.stderr is None and contract.exit is None:
        return
    oracle = Oracle(contract)
    tried = {(e.args, e.stdin) for e in contract.program_examples}
    for args, stdin in [*((a, b"") for a in _EXTRA_ARGUMENTS), *(((), i) for i in _EXTRA_INPUTS)]:
        if (args, stdin) in tried:
            continue
        tried.add((args, stdin))
        stdout, stderr, status = oracle.program(args, stdin)
        # A contract that gives any of the three leaves the others empty or 0.
        yield Run(args, stdin, stdout, stderr, status)


def _execute(command: list[str], run: Run, folder: str) -> tuple[bytes, bytes, int]:
    """Standard output, standard error, and the exit status, or minus the signal."""
    import resource

    process = subprocess.Popen([*command, *(os.fsdecode(a) for a in run.args)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env={"PATH": os.defpath})
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS + 1))
    resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    try:
        stdout, stderr = process.communicate(run.stdin, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return b"", b"", -9
    return stdout, stderr, process.returncode


def _problems(contract: Contract, found: tuple[bytes, bytes, int], run: Run) -> Iterator[str]:
    stdout, stderr, status = found
    given = " ".join([contract.name, *(shown(a) for a in run.args)])
    if run.stdin:
        given += f" with {shown(run.stdin)} on its standard input"
    if status < 0:
        why = {4: "SIGILL", 8: "SIGFPE", 11: "SIGSEGV"}.get(-status)
        yield f"{given} stops with {why}" if why else f"{given} does not end (signal {-status})"
        return
    for name, is_, must in (
            ("stdout", stdout, run.stdout), ("stderr", stderr, run.stderr), ("exit", status, run.exit)):
        if must is not None and is_ != must:
            yield f"{given}: {name} is {shown(is_)}, must be {shown(must)}"


def _unchecked(contract: Contract, target: Target, runner: str | None, lacking: str | None) -> Iterable[str]:
    if runner is None:
        yield f"a second emulator: {target.runner[0]} is not installed"
    elif lacking is not None:
        yield f"a second emulator: {lacking}"
    if "stack" in contract.limits:
        yield "stack: a program's stack is not measured"
    if contract.stdout is None and contract.stderr is None and contract.exit is None:
        yield "the output, but for the examples: the contract has no formula"
