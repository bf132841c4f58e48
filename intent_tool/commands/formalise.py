"""`intent-tool formalise`"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from pathlib import Path

from intent_tool.commands.common import Failed, Reply, Usage, project_root

SUMMARY = "have an AI provider propose the contract for an intent with prose and examples, and check it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--write", action="store_true", help="put the contract into the file (default: show it)")
    parser.add_argument("--rounds", type=int, metavar="N",
                        help="how often to ask until a contract passes (default: INTENT_AI_ROUNDS, else 10)")
    parser.add_argument("--samples", type=int, default=3, metavar="K",
                        help="independent contracts to compare; where they differ, the prose is open (default: 3)")


def run(options: argparse.Namespace) -> Reply:
    """Raises `IntentError` (E950 to E952, E960, E961, and what is wrong with the file)."""
    from intent_tool.emit.files import write_whole
    from intent_tool.formalise import formalise
    from intent_tool.language.diagnostics import error
    from intent_tool.propose.ai.client import Client
    from intent_tool.propose.ai.contract_bare import bare_contract
    from intent_tool.propose.ai.provider import SETUP, is_configured, provider_from

    for name, value in (("--rounds", options.rounds), ("--samples", options.samples)):
        if value is not None and not 1 <= value <= 100:
            raise Usage(f"{name} {value}: it is a number from 1 to 100")
    file, root = options.file, project_root(options, options.file)
    if not file.is_file():
        raise error("E100", f"{file}: {'not a file' if file.exists() else 'no such file'}")
    data = file.read_bytes()
    bare_contract(file, data, root)
    if not is_configured(os.environ):
        raise error("E950", "no AI provider is set up", help=SETUP)
    client = Client(provider_from(os.environ))
    progress = _Progress(file.name)
    try:
        found = formalise(file, data, root, client, options.rounds or client.provider.limits.rounds, options.samples,
                          progress.show)
    finally:
        client.stop.set()
        progress.clear()
    diff = unified_diff(data.decode("utf-8"), found.text, str(file))
    written = f"the proposal is not written; --write writes it into {file}"
    if options.write:
        if file.read_bytes() != data:
            raise Failed(f"{file}: was changed meanwhile, and stays as it is")
        write_whole(file, found.text)
        written = f"{file}: written"
    lines = [diff.rstrip("\n"), ""]
    if found.questions:
        lines += ["open questions, to which the prose has more than one answer (the proposal is the first):",
                  *(f"  {line}" for line in found.questions), ""]
    if found.formula.requires:
        lines += ["the proposal asks every caller to keep, which the prose should say:",
                  *(f"  {line}" for line in found.formula.requires), ""]
    if found.uncovered:
        lines += ["no example covers these; add to `examples` those that are meant:",
                  *("  - " + line.replace("\n", "\n  ") for line in found.uncovered), ""]
    lines += [f"checked ({found.model} at {found.provider}, {found.rounds} round{'s' if found.rounds != 1 else ''}):",
              *(f"  {line}" for line in found.checked), written]
    return Reply("\n".join(lines), {
        "file": str(file), "written": options.write, "diff": diff, "contract": found.formula.to_json(),
        "questions": list(found.questions), "uncovered": list(found.uncovered), "checked": list(found.checked),
        "rounds": found.rounds, "provider": found.provider, "model": found.model})


def unified_diff(old: str, new: str, path: str) -> str:
    """What `patch` takes."""
    split = re.compile(r"[^\n]*\n|[^\n]+$")
    lines = difflib.unified_diff(split.findall(old), split.findall(new), path, path)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


class _Progress:
    """One line on standard error that stays in its place, on a terminal."""

    def __init__(self, name: str) -> None:
        self.name, self.is_shown = name, sys.stderr.isatty()

    def show(self, about: str, tokens: int, seconds: float) -> None:
        if self.is_shown:
            sys.stderr.write(f"\r\x1b[K{self.name}: {about}: {tokens} tokens, {seconds:.0f} s")
            sys.stderr.flush()

    def clear(self) -> None:
        if self.is_shown:
            sys.stderr.write("\r\x1b[K")
