"""The driver of builds that may ask an AI provider: it holds the client, and with it the key.

`build_asking` does that in this process. `Asking.answer` is one step of it, for those who have the judging done by
workers."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from intent_tool.language.diagnostics import IntentError
from intent_tool.machine.target import Target
from intent_tool.propose.ai.client import Client, Question, Spent
from intent_tool.propose.ai.dialog import Dialog
from intent_tool.propose.ai.provider import is_configured, provider_from

if TYPE_CHECKING:
    from intent_tool.pipeline import Built, Wishes

Say = Callable[[str], None]


@dataclass(slots=True)
class Asking:
    """What one run asks, on behalf of all its intents."""

    client: Client
    say: Say
    """Prints a line."""
    spent: dict[tuple[str, str], Spent] = field(default_factory=dict)
    """By intent and target."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    shown: float = 0.0

    @property
    def rounds(self) -> int:
        return self.client.provider.limits.rounds

    def answer(self, question: Question, dialog: Dialog, intent: str, target: str) -> Dialog:
        """The dialog with an answer, or ended by a provider that gives none, or by the budget."""
        with self.lock:
            spent = self.spent.setdefault((intent, target), Spent())
        about = f"{Path(intent).stem} for {target}, round {len(dialog.attempts) + 1}"
        if dialog.attempts:
            self.say(f"ai: {Path(intent).stem} for {target}, round {len(dialog.attempts)} refused: "
                     f"{dialog.attempts[-1].problems[0][:160]}")
        try:
            answer = self.client.ask(question, spent, lambda tokens, seconds: self.progress(about, tokens, seconds))
        except IntentError as failure:
            self.progress("", 0, 0.0)
            why = "; ".join(d.message for d in failure.diagnostics)
            self.say(f"ai: {about}: {why}")
            return dialog.ended(why)
        finally:
            self.progress("", 0, 0.0)
        self.say(f"ai: {about}: {answer.tokens_out} tokens, {answer.seconds:.1f} s"
                 + (f", ${answer.cost:.4f}" if answer.cost is not None else ""))
        if answer.is_cut:
            return dialog.refused("", (f"the answer was cut off after {answer.tokens_out} tokens: it is too long",))
        return dialog.answered(answer.text, self.client.provider.name, self.client.provider.model)

    def progress(self, about: str, tokens: int, seconds: float) -> None:
        """One line that stays in its place, on a terminal; with nothing to say it is removed."""
        if not sys.stderr.isatty():
            return
        now = time.monotonic()
        with self.lock:
            if about and now - self.shown < 0.1:
                return
            self.shown = now if about else 0.0
            sys.stderr.write(f"\r\x1b[Kai: {about}: {tokens} tokens, {seconds:.0f} s" if about else "\r\x1b[K")
            sys.stderr.flush()


def asking(generator: str, say: Say) -> Asking | None:
    """What can be asked, as the environment has it; None where nobody set a provider up, or none is wanted. Raises
    `IntentError` (E950) for one that is set up wrongly, or is wanted and not set up."""
    if generator == "local" or (generator == "auto" and not is_configured(os.environ)):
        return None
    return Asking(Client(provider_from(os.environ)), say)


def build_asking(path: Path, target: Target, root: Path | None, wishes: Wishes, ask: Asking | None) -> Built:
    """`pipeline.build`, with the questions answered. Raises what that raises."""
    from intent_tool import pipeline

    if ask is not None:
        wishes = replace(wishes, rounds=ask.rounds, may_ask=True)
    found = pipeline.build(path, target, root, wishes)
    while isinstance(found, pipeline.Asked):
        assert ask is not None
        dialog = ask.answer(found.question, found.dialog, str(path), target.name)
        found = pipeline.build(path, target, root, wishes, dialog)
    return found
