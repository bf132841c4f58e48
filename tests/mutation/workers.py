"""Campaigns side by side, in processes that may die."""

from __future__ import annotations

import faulthandler
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from outcomes import FAULT, Campaign, Judged

_GRACE = 20
"""How many times its own time a proof may take, before its process is ended."""
_LEAST = 600
"""Seconds in which a step that is no proof has to be through."""


@dataclass(frozen=True)
class Task:
    """One function on some targets, one after the other, since they share the inputs."""

    path: Path
    targets: tuple[str, ...]
    mutants: int
    seed: int
    seconds: float
    vectors: int

    @property
    def intent(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"


def run_tasks(tasks: Iterable[Task], jobs: int) -> Iterator[Campaign]:
    """The campaigns in the order in which they are through. One whose process dies is a fault of the judge."""
    left = list(tasks)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        broken = []
        with _pool(jobs) as pool:
            running = {pool.submit(run_task, task, Path(folder)): task for task in left}
            for future in as_completed(running):
                try:
                    yield from future.result()
                except BrokenProcessPool:
                    # All that were on their way break with it; which one was to blame shows when each is alone.
                    broken.append(running[future])
        for task in broken:
            _note_file(task, Path(folder)).unlink(missing_ok=True)
            for target in task.targets:
                yield from _alone(Task(task.path, (target,), *_settings(task)), Path(folder))


def _alone(task: Task, folder: Path) -> list[Campaign]:
    with _pool(1) as pool:
        try:
            return pool.submit(run_task, task, folder).result()
        except BrokenProcessPool:
            file = _note_file(task, folder)
            doing = file.read_text() if file.exists() else "its start"
            died = Judged(task.intent, task.targets[0], "", doing, FAULT, "the judge's process died, or was ended "
                          "since it did not keep its time", 0.0)
            return [Campaign(task.intent, task.targets[0], "unknown", "", (died,))]


def run_task(task: Task, folder: Path) -> list[Campaign]:
    """Runs in a process of its own."""
    from equivalence import inputs_of
    from mutants import of_first_candidate
    from outcomes import original_status, run_campaign

    from intent_tool.language.diagnostics import IntentError
    from intent_tool.language.load import load_intent
    from intent_tool.machine.target import load_targets

    inputs = inputs_of(load_intent(task.path), task.vectors)
    note = partial(_note, _note_file(task, folder), max(_LEAST, _GRACE * task.seconds))
    found = []
    for name in task.targets:
        note("its assembly")
        try:
            original = of_first_candidate(task.path, load_targets()[name])
        except IntentError as failure:
            judged = Judged(task.intent, name, "", "its assembly", FAULT, str(failure), 0.0)
            found.append(Campaign(task.intent, name, "not made", str(failure), (judged,)))
            continue
        note("the original")
        status = original_status(original, task.seconds)
        found.append(run_campaign(task.intent, original, task.mutants, task.seed, task.seconds, inputs, note, status))
    faulthandler.cancel_dump_traceback_later()
    return found


def _note(file: Path, patience: float, what: str) -> None:
    """Says what is worked on, and gives it so many seconds."""
    file.write_text(what)
    faulthandler.dump_traceback_later(patience, exit=True)


def _note_file(task: Task, folder: Path) -> Path:
    return folder / f"{task.path.parent.name}-{task.path.stem}"


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _settings(task: Task) -> tuple[int, int, float, int]:
    return task.mutants, task.seed, task.seconds, task.vectors


