"""How long the buffers of the inputs to try may be: every short length, some long ones, and what all of them cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import log2

from intent_tool.language.contract import Contract, Parameter
from intent_tool.language.oracle import Arguments, Oracle, OracleFault
from intent_tool.language.oracle_runtime import BUDGET
from intent_tool.language.tree import Call
from intent_tool.language.walk import descendants

EVERY_LENGTH = 130
"""Up to here each length is tried: two of the widest vector registers and a rest, unrolled four times."""
LONG_LENGTHS = (1000, 4097, 65_537, 4096, 4095, 65_536, 65_535)
"""Around a page and around what 16 bits hold, most telling first."""
LONGEST_OF_COSTLY = 1000
"""Of what may take more than a fixed time for each element: it may take it in the machine code, too."""
ROUNDS = 4
"""How often each short length is tried, where there are inputs enough."""

BYTES_EACH, STEPS_EACH = 200, 600
"""What one input may hold and cost on the average: 2 MB and half a second of the oracle for 10,000 of them."""
LONG_BYTES, LONG_STEPS = 2_000_000, 4_000_000
"""Of all inputs of `LONG_LENGTHS` together, at most; for fewer inputs than 10,000 less."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the oracle charges for an evaluation of the contract (`oracle_runtime.BUDGET`)."""

    elements: int
    """In the buffers of the inputs that it was measured on."""
    steps: int
    power: float
    """Twice the elements, 2**power times the steps."""
    costly: bool
    """More than a fixed time for each element, or something that hides such a thing."""

    def of(self, elements: int) -> int:
        """An estimate for inputs of so many elements."""
        if not self.elements:
            return self.steps
        return int(self.steps * (elements / self.elements) ** self.power)


def cost_of(contract: Contract, oracle: Oracle, shorter: Iterable[Arguments], longer: Iterable[Arguments]) -> Cost:
    """Measured on a few inputs, of which the `longer` ones have twice the lengths of the `shorter` ones."""
    (few, low), (many, high) = _dearest(contract, oracle, shorter), _dearest(contract, oracle, longer)
    power = log2(high / low) / log2(many / few) if 0 < few < many and 0 < low < high else 1.0
    # Within a measurement's accuracy it is linear.
    power = max(1.0, power) if power > 1.25 else 1.0
    return Cost(many, high, power, power > 1 or _sorts(contract))


def _dearest(contract: Contract, oracle: Oracle, inputs: Iterable[Arguments]) -> tuple[int, int]:
    """Elements and steps of the input that costs most."""
    found = (0, 0)
    for arguments in inputs:
        elements = element_count(arguments)
        found = max(found, (elements, _steps(contract, oracle, arguments) + elements), key=lambda pair: pair[1])
    return found


def element_count(arguments: Arguments) -> int:
    return sum(len(a) for a in arguments if isinstance(a, tuple))


def byte_count(parameters: Sequence[Parameter], arguments: Arguments) -> int:
    return sum(p.type.bytes * len(a) for p, a in zip(parameters, arguments, strict=True) if isinstance(a, tuple))


def _steps(contract: Contract, oracle: Oracle, arguments: Arguments) -> int:
    budget, steps = oracle.runtime.budget, 0
    for evaluate in (oracle.requires, oracle.returns if contract.returns is not None else None, oracle.writes,
                     (lambda given: oracle.ensures(given, 0, {})) if contract.ensures else None):
        if evaluate is not None:
            budget[0] = BUDGET
            # What was charged before a fault counts.
            with suppress(OracleFault):
                evaluate(arguments)
            steps += BUDGET - budget[0]
    budget[0] = BUDGET
    return steps


def _sorts(contract: Contract) -> bool:
    roots = [d.body for d in contract.where.values()] + list(contract.writes.values()) + list(contract.ensures)
    roots += [contract.returns] if contract.returns is not None else []
    return any(isinstance(node, Call) and node.function == "sorted" for root in roots for node in descendants(root))
