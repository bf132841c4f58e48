"""The judge's proof against mutants of the whole gallery: ``python tests/mutation/campaign.py --help``.

Each function is assembled once for each target; each mutant of it is put to the proof. Those that the proof accepts
are run beside the original: where they differ, the proof was wrong. Exit status 1 when there is such a survivor, or
when the judge went wrong itself.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from equivalence import VECTORS
from figures import figures, table
from outcomes import FAULT, SURVIVOR, Campaign, Judged
from workers import Task, run_tasks

from intent_tool.language.load import load_intent
from intent_tool.machine.target import load_targets, select_targets

ROOT = Path(__file__).parents[2]


def functions(pattern: str) -> list[Path]:
    """The gallery's files of functions whose path below `intents/` matches."""
    found = sorted((ROOT / "intents").glob(pattern))
    return [path for path in found if load_intent(path).signature is not None]


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The judge's proof against mutants of the gallery's functions.")
    parser.add_argument("--target", default="all", help="targets, separated by commas, or `all`")
    parser.add_argument("--mutants", type=int, default=10, help="of each function on each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each proof")
    parser.add_argument("--vectors", type=int, default=VECTORS, help="to run a mutant on that was proved")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--intents", default="**/*.intent", help="a pattern below intents/")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    return parser.parse_args(arguments)


def tasks(chosen: argparse.Namespace) -> list[Task]:
    targets = tuple(target.name for target in select_targets(chosen.target, load_targets()))
    return [Task(path, targets, chosen.mutants, chosen.seed, chosen.seconds, chosen.vectors)
            for path in functions(chosen.intents)]


def report(judged: Judged, seed: int) -> str:
    """What somebody needs to see it again."""
    head = f"{judged.outcome}: {judged.intent} for {judged.target}, seed {seed}: {judged.kind}, {judged.what}"
    return f"{head}\n{judged.listing.rstrip()}\n{judged.detail.rstrip()}\n"


def progress(campaigns: Iterable[Campaign], total: int, seed: int) -> list[Campaign]:
    """Collects them, with a line on standard error that keeps changing, and a report of what must not be."""
    done: list[Campaign] = []
    seen: Counter[str] = Counter()
    start = time.monotonic()
    for campaign in campaigns:
        done.append(campaign)
        seen.update(j.outcome for j in campaign.judged)
        for judged in campaign.judged:
            if judged.outcome in (SURVIVOR, FAULT):
                print("\n" + report(judged, seed), flush=True)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(seen.items()))
        line = f"[{len(done)}/{total}] {time.monotonic() - start:.0f} s: {counts}"
        end = "\r" if sys.stderr.isatty() else "\n"
        if sys.stderr.isatty() or len(done) % 50 == 0 or len(done) == total:
            print(line, end=end, file=sys.stderr, flush=True)
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = options(arguments)
    todo = tasks(chosen)
    total = sum(len(task.targets) for task in todo)
    done = progress(run_tasks(todo, chosen.jobs), total, chosen.seed)
    result = figures(done)
    print(table(result))
    if chosen.output:
        settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(chosen).items()}
        listed = [asdict(j) for c in done for j in c.judged if j.outcome in (SURVIVOR, FAULT)]
        everything = {"settings": settings, **result, "to look into": listed}
        chosen.output.write_text(json.dumps(everything, indent=1) + "\n")
    return 1 if any(j.outcome in (SURVIVOR, FAULT) for c in done for j in c.judged) else 0


if __name__ == "__main__":
    raise SystemExit(main())
