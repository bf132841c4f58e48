"""What a model achieves on eight trivial intents: `python tests/bench/model.py [--targets T,T] [INTENT …]`.

Asks the provider that the environment describes (INTENT_AI_…), round by round as builds do, and prints for each
intent and target in which round its code was proved, and the code. Nothing here passes or fails."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from intent_tool.ask import Asking
from intent_tool.language.diagnostics import IntentError
from intent_tool.machine.target import Target, load_targets, select_targets
from intent_tool.pipeline import Asked, Wishes, build
from intent_tool.propose.ai.client import Client
from intent_tool.propose.ai.provider import provider_from

INTENTS = {
    "answer": ("Return 42.", "uint32_t answer(void)", "42"),
    "add": ("The sum of two words, wrapping around.", "uint32_t add(uint32_t a, uint32_t b)", "u32(a + b)"),
    "subtract": ("The difference of two words, wrapping around.", "uint32_t subtract(uint32_t a, uint32_t b)",
                 "u32(a - b)"),
    "exclusive_or": ("The exclusive or of two words.", "uint32_t exclusive_or(uint32_t a, uint32_t b)", "a ^ b"),
    "and_not": ("The bits of a that are not set in b.", "uint32_t and_not(uint32_t a, uint32_t b)", "a & ~b"),
    "triple": ("Three times a word, wrapping around.", "uint32_t triple(uint32_t a)", "u32(3 * a)"),
    "larger": ("The larger of two unsigned words.", "uint32_t larger(uint32_t a, uint32_t b)", "max(a, b)"),
    "clear_lowest": ("A word without its lowest set bit.", "uint32_t clear_lowest(uint32_t x)", "u32(x & (x - 1))"),
}
"""Prose, signature, and what is returned."""


@dataclass(frozen=True)
class Outcome:
    intent: str
    target: str
    round: int | None
    """In which its code was proved; None when no round brought any."""
    code: str


def outcomes(targets: list[Target], environment: Mapping[str, str], names: list[str]) -> Iterator[Outcome]:
    asking = Asking(Client(provider_from(environment)), lambda line: print(line, file=sys.stderr, flush=True))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            prose, signature, returns = INTENTS[name]
            file = Path(folder) / f"{name}.intent"
            file.write_text(f"intent: {prose}\nsignature: {signature}\nreturns: {returns}\n")
            for target in targets:
                yield outcome(file, target, asking)


def outcome(file: Path, target: Target, asking: Asking) -> Outcome:
    # Nothing but the model's code counts here, so what this tool finds by itself is left out of it.
    wishes = Wishes("proved", "ai", may_ask=True, rounds=asking.rounds)
    dialog = None
    while True:
        try:
            found = build(file, target, file.parent, wishes, dialog)
        except IntentError:
            return Outcome(file.stem, target.name, None, "")
        if not isinstance(found, Asked):
            break
        dialog = asking.answer(found.question, found.dialog, file.stem, target.name)
    if not found.answered or dialog is None:
        return Outcome(file.stem, target.name, None, "")
    return Outcome(file.stem, target.name, len(dialog.attempts) + 1, " / ".join((dialog.answer or "").split("\n")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", default="x86_64,arm64")
    parser.add_argument("intents", nargs="*", default=list(INTENTS))
    options = parser.parse_args()
    targets = list(select_targets(options.targets, load_targets()))
    good = dict.fromkeys((t.name for t in targets), 0)
    print(f"{'intent':13} {'target':8} round  code")
    for made in outcomes(targets, os.environ, options.intents):
        good[made.target] += made.round is not None
        print(f"{made.intent:13} {made.target:8} {made.round or '-':>5}  {made.code}", flush=True)
    print(", ".join(f"{target}: {number} of {len(options.intents)}" for target, number in good.items()))


if __name__ == "__main__":
    main()
