"""From a program's contract to its script: what is read when, and what is kept.

Standard input is gone through once, in blocks, where everything that the program prints and returns can be had that
way: output that is made element by element, in order, and folds that are not asked for before the end. Else all of it
is gathered in memory first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intent_tool.language import tree
from intent_tool.language.contract import Contract
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.comparisons import elementwise
from intent_tool.propose.programs.one_pass import NotInOnePass, OnePass
from intent_tool.propose.programs.output import Output
from intent_tool.propose.programs.parts import Part, Parts
from intent_tool.propose.programs.resolve import resolve
from intent_tool.propose.programs.script import (
    Call,
    ReadAll,
    Statement,
    inner_blocks,
)
from intent_tool.propose.programs.unparse import text_of


@dataclass(frozen=True, slots=True)
class Script:
    statements: list[Statement]
    parts: tuple[Part, ...]
    variables: int


def plan(contract: Contract) -> Script:
    """Raises IntentError for what cannot be generated yet."""
    parts = Parts(contract)
    planner = _Planner(contract, parts)
    nothing: Expression = tree.Bytes(contract.span, b"")
    zero: Expression = tree.Integer(contract.span, 0)
    wanted = ((contract.stdout, nothing), (contract.stderr, nothing), (contract.exit, zero))
    planner.whole(*(elementwise(resolve(e, contract.where)) if e is not None else default for e, default in wanted))
    used = {s for s in _symbols(planner.body)}
    return Script(planner.body, tuple(p for p in parts.made.values() if p.symbol in used), len(planner.variables))


def _symbols(body: Sequence[Statement]) -> set[str]:
    found = {s.symbol for s in body if isinstance(s, Call)}
    return found.union(*(_symbols(inner) for s in body for inner in inner_blocks(s)))


class _Planner(Output):
    def whole(self, stdout: Expression, stderr: Expression, status: Expression) -> None:
        wanted = (stdout, stderr, status)
        test = next((e.test for e in wanted if isinstance(e, tree.Conditional)
                     and not kinds.mentions(e.test, "stdin")), None)
        if test is not None and any(kinds.mentions(e, "stdin") for e in wanted):
            # What is read depends on it.
            self.either(test, lambda: self.whole(*(given(e, test, True) for e in wanted)),
                        lambda: self.whole(*(given(e, test, False) for e in wanted)))
            return
        if any(kinds.mentions(e, "stdin") for e in (stdout, stderr, status)):
            mark = len(self.body)
            known, facts = dict(self.known), list(self.facts)
            try:
                OnePass(self).run(stdout, stderr, status)
                return
            except NotInOnePass:
                del self.body[mark:]
                self.known, self.facts = known, facts
            address, length = self.variable(), self.variable(0, 1 << 47)
            self.add(ReadAll(address, length))
            self.stdin = self.buffer(address, length)
        self.put_all(stdout, stderr, status)
        self.stdin = None


def given(node: Expression, test: Expression, holds: bool) -> Expression:
    """`node` where it is known whether `test` holds."""
    if not isinstance(node, tree.Conditional):
        return node
    then, otherwise = given(node.then, test, holds), given(node.otherwise, test, holds)
    asked, is_inverted = node.test, False
    while isinstance(asked, tree.Unary) and asked.op == "not":
        asked, is_inverted = asked.operand, not is_inverted
    wanted, was_inverted = test, False
    while isinstance(wanted, tree.Unary) and wanted.op == "not":
        wanted, was_inverted = wanted.operand, not was_inverted
    if text_of(asked) == text_of(wanted):
        return then if holds == (is_inverted == was_inverted) else otherwise
    return kinds.choice(node.test, then, otherwise)
