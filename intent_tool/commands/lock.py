"""`intent-tool lock`"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from intent_tool.commands.common import Reply, project_root, rendered
from intent_tool.commands.finding import add_finding_arguments, asking, build, lock_path, name_in_lock, wishes
from intent_tool.language.diagnostics import Diagnostic, IntentError

SUMMARY = "find code for intents and write it to the lockfile, which builds then take it from"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--target", required=True, metavar="T", help="one target, several (T,T), or all")
    parser.add_argument("--evidence", choices=("tested", "bounded", "proved"), default="tested", metavar="LEVEL",
                        help="the least that is good enough: tested (default), bounded or proved")
    parser.add_argument("--renew", action="store_true", help="find code anew for what is locked already")
    add_finding_arguments(parser)


def run(options: argparse.Namespace) -> Reply:
    """What is found is locked even when something else is not found."""
    from intent_tool.emit.files import write_whole
    from intent_tool.emit.lockfile import read_lock, updated
    from intent_tool.machine.target import load_targets, select_targets
    from intent_tool.pipeline import lock_entry

    ask = asking(options)
    failures: list[Diagnostic] = []
    found: dict[Path, list[str]] = {}
    lines: list[str] = []
    for file in options.files:
        path = lock_path(options, file)
        for target in select_targets(options.target, load_targets(project_root(options, file))):
            wanted = wishes(options, file, options.evidence, updating=True, renew=options.renew)
            try:
                built = build(options, file, target, wanted, ask)
            except IntentError as failure:
                failures += failure.diagnostics
                continue
            found.setdefault(path, []).append(lock_entry(built, name_in_lock(path, file)))
            verdict, how = built.verdict, "kept" if built.locked else "locked"
            lines.append(f"{how:6}  {target.name:10}  {built.contract.name}  {verdict.instructions} insn  "
                         f"{verdict.evidence}, by {built.candidate.generator}")
    for path, entries in found.items():
        write_whole(path, updated(read_lock(path), entries, partial(_is_there, path.resolve().parent)))
        lines.append(f"wrote {path}")
    data = {"locked": {str(path): len(entries) for path, entries in found.items()},
            "diagnostics": [d.to_json() for d in failures]}
    return Reply("\n".join(lines), data, not failures, rendered(tuple(failures)))


def _is_there(folder: Path, intent: str, _: str) -> bool:
    return (folder / intent).is_file()
