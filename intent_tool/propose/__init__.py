"""Propose (untrusted): finds code for a contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intent_tool.language.contract import Contract
    from intent_tool.machine.assembly import Assembly
    from intent_tool.machine.target import Target
    from intent_tool.propose.candidate import Candidate


def candidates(contract: Contract, target: Target) -> Iterator[Candidate]:
    """Proposals for a contract, best first. Raises IntentError for what no generator can do yet."""
    from intent_tool.propose.candidate import Candidate

    if contract.program is not None:
        from intent_tool.propose.programs import lower_program
        yield lower_program(contract, target)
    else:
        from intent_tool.propose.lowering import EASIER, FAST, lower_function, lower_in_vectors
        last = None
        for ways in (FAST, *EASIER):
            assembly = lower_in_vectors(contract, target, ways)
            if assembly not in (None, last):
                yield Candidate(assembly, "lowering")
            last = assembly
        scalar = lower_function(contract, target)
        yield Candidate(scalar, "lowering")
        rolled = lower_function(contract, target, is_rolled=True)
        if rolled != scalar:
            yield Candidate(rolled, "lowering")


def with_parts(contract: Contract, target: Target, parts: Mapping[str, Assembly]) -> Candidate:
    """The program with this code for some of its parts, by their symbols."""
    from intent_tool.propose.programs import lower_program

    return lower_program(contract, target, parts)
