"""The states that a fold over bytes can be in at all, where they are few: found by going through all of them."""

from __future__ import annotations

from collections.abc import Sequence

from intent_tool.language.oracle import Oracle, OracleFault
from intent_tool.language.tree import Expression
from intent_tool.propose.programs.parts import Parts
from intent_tool.propose.programs.resolve import free_names
from intent_tool.propose.programs.script import Operand
from intent_tool.propose.programs.unparse import text_of
from intent_tool.propose.programs.values import Values

MOST = 300
"""States."""


def reachable(values: Values, following: Sequence[Expression], names: Sequence[str], element: str,
              start: Sequence[Operand]) -> set[tuple[int, ...]] | None:
    """All states from `start` on, by any bytes; `following` are the next ones, over `names` and `element`. None where
    they are too many, or depend on more than that."""
    known = {*names, element}
    if not all(isinstance(s, int) for s in start) or any(not set(free_names(e)) <= known for e in following):
        return None
    terms = [text_of(e, {n: f"v{k}" for k, n in enumerate([*names, element])}) for e in following]
    parameters = [*(f"int64_t v{k}" for k in range(len(names))), f"uint8_t v{len(names)}"]
    parts = Parts(values.program)
    steps = [Oracle(parts.make("value", parameters, e.span, result="int64_t", returns=text, used=following).contract)
             for e, text in zip(following, terms, strict=True)]
    first = tuple(s for s in start if isinstance(s, int))
    found, waiting = {first}, [first]
    try:
        while waiting:
            state = waiting.pop()
            for byte in range(256):
                after = tuple(step.returns((*state, byte)) for step in steps)
                if after not in found:
                    if len(found) >= MOST:
                        return None
                    found.add(after)
                    waiting.append(after)
    except OracleFault:
        return None
    return found
