"""What the commands share that find code: where from, and whether an AI provider is asked."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from intent_tool.commands.common import project_root
from intent_tool.propose.ai.provider import GENERATORS

if TYPE_CHECKING:
    from intent_tool.ask import Asking
    from intent_tool.machine.target import Target
    from intent_tool.pipeline import Built, Wishes


def add_finding_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generator", choices=GENERATORS, default="auto", metavar="WHO",
                        help="who finds code that is not locked: auto (this tool, then the AI provider if one is set "
                             "up; default), ai (the provider first), local (never a provider)")


def lock_path(options: argparse.Namespace, file: Path) -> Path:
    """Beside the project's SConstruct, or next to a lone intent."""
    from intent_tool.emit.lockfile import LOCK

    root = project_root(options, file)
    is_project = options.root is not None or (root / "SConstruct").is_file()
    return (root if is_project else file.resolve().parent) / LOCK


def name_in_lock(path: Path, file: Path) -> str:
    """The intent's path as the lockfile in `path` has it."""
    return Path(os.path.relpath(file.resolve(), path.resolve().parent)).as_posix()


def wishes(options: argparse.Namespace, file: Path, evidence: str = "tested", *, locked: bool = False,
           updating: bool = False, renew: bool = False) -> Wishes:
    """What the options ask for. Raises `IntentError` for a lockfile that is malformed."""
    from intent_tool.emit.lockfile import read_lock
    from intent_tool.pipeline import Wishes

    path = lock_path(options, file)
    return Wishes(evidence, options.generator, None if renew else read_lock(path), name_in_lock(path, file), locked,
                  updating)


def asking(options: argparse.Namespace) -> Asking | None:
    """Who is asked, if anybody; what is going on there is said on standard error. Raises `IntentError`."""
    from intent_tool.ask import asking

    return asking(options.generator, lambda line: print(line, file=sys.stderr, flush=True))


def build(options: argparse.Namespace, file: Path, target: Target, wanted: Wishes, ask: Asking | None) -> Built:
    """Raises `IntentError`."""
    from intent_tool.ask import build_asking

    return build_asking(file, target, project_root(options, file), wanted, ask)

