"""What a proposer offers."""

from __future__ import annotations

from dataclasses import dataclass

from intent_tool.machine.assembly import Assembly


@dataclass(frozen=True, slots=True)
class Candidate:
    """Code that may keep a contract; nobody has to believe it."""

    assembly: Assembly
    generator: str
    """How it came about: ``lowering``, …"""
