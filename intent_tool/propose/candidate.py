"""What a proposer offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intent_tool.language.contract import Contract
from intent_tool.machine.assembly import Assembly


@dataclass(frozen=True, slots=True)
class Candidate:
    """Code that may keep a contract; nobody has to believe it."""

    assembly: Assembly
    generator: str
    """How it came about: ``lowering``, ``ai``."""
    origin: Mapping[str, str | int] = field(default_factory=dict)
    """Of ``ai``: `provider`, `model`, and `attempts`, how many proposals it took."""
    parts: tuple[tuple[str, Contract], ...] = ()
    """Of a program: global functions in it that keep contracts of their own, by their symbols."""
