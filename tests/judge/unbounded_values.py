"""What a contract over buffers of any length, read as recurrences, is worth for one input: every final state by
going its rounds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from intent_tool.judge.bitvector import Graph, Term, evaluate, variables
from intent_tool.judge.calls import Arguments
from intent_tool.judge.meaning_values import NotUnderstood, Number
from intent_tool.judge.memory import INDEX_BITS
from intent_tool.judge.symbolic_lengths import LongMeaning
from intent_tool.language.contract import Contract

_STATE = re.compile(r"fold (\d+)\.(\d+) after (\d+)")
_ELEMENT = re.compile(r"(\w+)\[(#?)(\d+)\]")


class Values:
    """The values of a meaning's variables."""

    def __init__(self, contract: Contract, graph: Graph, meaning: LongMeaning, arguments: Arguments) -> None:
        assert contract.signature is not None
        self.graph, self.meaning = graph, meaning
        self.given: Mapping[str, int | tuple[int, ...]] = dict(
            zip((p.name for p in contract.signature.parameters), arguments, strict=True))
        self.folds = meaning.evaluator.folds.by_meaning
        self.model: dict[str, int] = {}
        self.by_id: dict[int, Term] = {}

    def integer(self, number: Number) -> int:
        value = self.term(number.term)
        width = number.term.width
        return value - (1 << width) if number.lo < 0 and value >> (width - 1) else value

    def term(self, term: Term) -> int:
        for name, variable in variables([term]).items():
            if name not in self.model:
                self.model[name] = self.variable(name) & (1 << variable.width) - 1
        return evaluate([term], self.model)[0]

    def variable(self, name: str) -> int:
        if found := _STATE.fullmatch(name):
            fold = list(self.folds.values())[int(found[1])]
            rounds = next(t for t in fold.values if t.id == int(found[3]))
            count = self.term(rounds)
            try:
                # As many rounds there are only on a way that is not taken, as are those that are never gone.
                states = fold.after(self.graph.const(count, INDEX_BITS)) if count < 100 else ()
                return self.integer(states[int(found[2])]) if states else 0
            except NotUnderstood:
                return 0
        if " never after " in name:
            # What a round leaves that is never gone: anything will do.
            return 0
        if found := _ELEMENT.fullmatch(name):
            content = self.given[found[1]]
            assert isinstance(content, tuple)
            index = int(found[3]) if not found[2] else self.term(self.known(int(found[3])))
            # What lies outside belongs to a way that is not taken.
            return content[index] if index < len(content) else 0
        value = self.given[name]
        assert isinstance(value, int)
        return value

    def known(self, number: int) -> Term:
        """The term of that number."""
        if number not in self.by_id:
            self.by_id |= {t.id: t for t in self.graph._known.values()}
        return self.by_id[number]
