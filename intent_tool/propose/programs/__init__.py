"""Programs: from what they print to a script of reads, writes and calls, and to functions that do the work.

A program's contract is taken apart into *parts*, each a function with a contract of its own that is lowered and
proved like any other, and a *script* that calls them: it reads, carries values from one part to the next, buffers
output, and exits. Where standard input can be gone through once, from block to block, it is; else it is gathered
first.

resolve.py puts definitions in place, parts.py makes functions (as intents that unparse.py writes), plan.py and
one_pass.py say what is read when; output.py and what it is built on (pieces, numbers, sequences, inputs, values)
write the script, whose statements are in script.py; and glue.py makes instructions of it, by the machine_ISA.py of
each ISA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intent_tool.language.contract import Contract
    from intent_tool.machine.assembly import Assembly
    from intent_tool.machine.target import Target
    from intent_tool.propose.candidate import Candidate


def lower_program(contract: Contract, target: Target, given: Mapping[str, Assembly] | None = None) -> Candidate:
    """A program and its parts, with the code `given` for some of them by their symbols. Raises IntentError for what
    cannot be generated yet."""
    from intent_tool.propose.candidate import Candidate
    from intent_tool.propose.lowering import lower_function, lower_in_vectors
    from intent_tool.propose.programs.constant import constant_program
    from intent_tool.propose.programs.glue import program_assembly
    from intent_tool.propose.programs.plan import plan
    from intent_tool.propose.programs.targets import MACHINES

    constant = constant_program(contract, target)
    if constant is not None:
        return Candidate(constant, "lowering")
    script = plan(contract)
    given = given or {}
    code = {part.symbol: given.get(part.symbol) or lower_in_vectors(part.contract, target)
            or lower_function(part.contract, target) for part in script.parts}
    assembly = program_assembly(script, MACHINES[target.isa](), code)
    return Candidate(assembly, "lowering", parts=tuple((part.symbol, part.contract) for part in script.parts))
