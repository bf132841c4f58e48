"""What some lines of an ISA come to in the judge's meaning."""

from __future__ import annotations

import functools
from collections.abc import Callable

from instruction_lines import BY_NAME
from symbolic_instances import Recorded

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.semantics import Semantics, Step
from intent_tool.machine.target import load_targets

targets = functools.cache(load_targets)
HERE = 0x40_0000


class After:
    """The graph, memory, state and last step after some lines of an ISA's largest target; registers start as
    variables of their names."""

    def __init__(self, isa: str, *lines: str, memory: Callable[[Graph], Recorded] = Recorded) -> None:
        self.graph = Graph()
        semantics = Semantics(targets()[BY_NAME[isa].full_target], self.graph)
        code = b""
        for line in lines:
            code += BY_NAME[isa].assemble(line, HERE + len(code), HERE)
        self.state = {name: self.graph.var(name, width) for name, width in semantics.registers}
        self.before = dict(self.state)
        self.memory = memory(self.graph)
        self.step = Step()
        for instruction in semantics.lift(code, HERE).values():
            self.step = semantics.execute(instruction, self.state, self.memory)

    def low(self, name: str, width: int) -> Term:
        return self.graph.extract(self.before[name], width - 1, 0)
