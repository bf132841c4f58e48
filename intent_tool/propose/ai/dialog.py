"""Asking for one intent on one target, round by round. Where it stands is plain data, so that whoever holds the key
asks and whoever has the judge answers, in different processes if need be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from intent_tool.propose.ai.prompt import Attempt


@dataclass(frozen=True, slots=True)
class Dialog:
    attempts: tuple[Attempt, ...] = ()
    """What was asked and refused so far."""
    answer: str | None = None
    """The text that came back last, not looked at yet."""
    by: tuple[str, str] = ("", "")
    """Names of the provider and of the model that it came from."""
    over: str = ""
    """Why nothing more is asked."""
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Generators that had their turn before, and why each was refused."""

    def answered(self, text: str, provider: str, model: str) -> Dialog:
        return replace(self, answer=text, by=(provider, model))

    def refused(self, code: str, problems: Sequence[str]) -> Dialog:
        return replace(self, attempts=(*self.attempts, Attempt(code, tuple(problems))), answer=None)

    def ended(self, why: str) -> Dialog:
        return replace(self, answer=None, over=why)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Dialog:
        attempts = tuple(Attempt(a["code"], tuple(a["problems"])) for a in data["attempts"])
        others = tuple((name, tuple(problems)) for name, problems in data["others"])
        return Dialog(attempts, data["answer"], (data["by"][0], data["by"][1]), data["over"], others)
