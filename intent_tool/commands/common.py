"""What the commands share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intent_tool.language.diagnostics import Diagnostic, IntentError
from intent_tool.machine.target import Target


class Usage(Exception):
    """The command line is wrong; its text is for the user."""


class Failed(Exception):
    """What was asked for did not work out, through no fault of the tool; its text is for the user."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command has to say: `text` on standard output, or `data` with ``--json``."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    good: bool = True
    complaints: str = ""
    """For standard error, whole; `data` holds them too."""


def project_root(options: argparse.Namespace, file: Path | None = None) -> Path:
    """``--root``, or the nearest folder from `file` (or from here) upwards that holds an SConstruct, or the folder
    to start from."""
    if options.root is not None:
        root = Path(options.root)
        if not root.is_dir():
            raise Usage(f"--root {root}: there is no such folder")
        return root
    here = (file.parent if file is not None else Path()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / "SConstruct").is_file()),
                Path().resolve() if here.is_relative_to(Path().resolve()) else here)


def one_target(options: argparse.Namespace, root: Path) -> Target:
    """The target that ``--target`` names; a name that is not known is a usage error that lists those that are."""
    from intent_tool.machine.target import load_targets, select_targets

    known = load_targets(root)
    try:
        chosen = select_targets(options.target, known)
    except IntentError as failure:
        raise Usage(f"--target {options.target}: {failure}") from None
    if len(chosen) != 1:
        raise Usage(f"--target {options.target}: this command takes one target")
    return chosen[0]


def rendered(diagnostics: tuple[Diagnostic, ...]) -> str:
    return "\n".join(d.render() for d in diagnostics)
