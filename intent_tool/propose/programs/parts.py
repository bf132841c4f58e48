"""Parts of programs: functions with contracts of their own, written as intents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from intent_tool.language import tree
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import IntentError, Span, error
from intent_tool.language.elaborate import CannotElaborate, Elaborated, elaborate
from intent_tool.language.load import load_text, project_root
from intent_tool.language.tree import Expression
from intent_tool.language.walk import descendants
from intent_tool.propose.programs.unparse import own_name, text_of

UNSIGNED, SIGNED = (0, (1 << 64) - 1), (-(1 << 63), (1 << 63) - 1)


@dataclass(frozen=True, slots=True)
class Part:
    symbol: str
    text: str
    """The intent."""
    contract: Contract


@dataclass(slots=True)
class Parts:
    """The parts of one program; equal ones are one."""

    program: Contract
    made: dict[str, Part] = field(default_factory=dict)

    def make(self, what: str, parameters: Sequence[str], span: Span, *, result: str = "void",
             requires: Iterable[str] = (), returns: str = "", writes: Mapping[str, str] = {},
             where: Mapping[str, str] = {}, used: Sequence[Expression] = ()) -> Part:
        """`what` names it; `span` is the place in the program that it comes from. Raises IntentError."""
        lines = ["", f"signature: {result} SYMBOL({', '.join(parameters) or 'void'})"]
        used = [*used, *(self.program.where[name].body for name in self._called(used))]
        calls = sorted({n.name for e in used for n in descendants(e) if isinstance(n, tree.CallIntent)})
        if calls:
            folder = os.path.dirname(os.path.abspath(self.program.source.path))
            lines += ["uses:", *(f"  - {os.path.relpath(self.program.uses[c].files[0], folder)}" for c in calls)]
        definitions = self._definitions(used) | dict(where)
        lines += ["where:"] if definitions else []
        lines += [f"  {name}: |\n    {text}" for name, text in definitions.items()]
        wanted = list(dict.fromkeys(requires))
        lines += ["requires:", *(f"  - |\n    {text}" for text in wanted)] if wanted else []
        lines += [f"returns: |\n  {returns}"] if returns else []
        lines += ["writes:", *(f"  {name}: |\n    {text}" for name, text in writes.items())] if writes else []
        body = "\n".join(lines) + "\n"
        if body not in self.made:
            symbol = f"{what}_{len(self.made) + 1}"
            lines[0] = f"intent: A part of the program {self.program.name}."
            text = "\n".join(lines).replace(" SYMBOL(", f" {symbol}(", 1) + "\n"
            self.made[body] = Part(symbol, text, self._loaded(text, span))
        return self.made[body]

    def _called(self, used: Sequence[Expression]) -> list[str]:
        """The program's definitions that these call, in the order in which they were written."""
        where, found, waiting = self.program.where, set(), list(used)
        while waiting:
            for node in descendants(waiting.pop()):
                if isinstance(node, tree.CallDefinition | tree.FunctionReference) and node.name in where \
                        and node.name not in found:
                    found.add(node.name)
                    waiting.append(where[node.name].body)
        return [name for name in where if name in found]

    def _definitions(self, used: Sequence[Expression]) -> dict[str, str]:
        found = {}
        for name in self._called(used):
            definition = self.program.where[name]
            names = {p: own_name(p) for p in definition.parameters or ()}
            head = f"{own_name(name)}({', '.join(names.values())})" if names else own_name(name)
            found[head] = text_of(definition.body, names)
        return found

    def _loaded(self, text: str, span: Span) -> Contract:
        path = self.program.source.path
        try:
            return load_text(text, path, project_root_of(path))
        except IntentError as problem:
            first = problem.diagnostics[0]
            raise error("E714", f"cannot generate yet: a part of this program: {first.message}", span) from None

    def elaborated(self, part: Part, span: Span) -> Elaborated:
        try:
            return elaborate(part.contract)
        except CannotElaborate as problem:
            raise error("E711", f"cannot generate yet: {problem.construct}", span, problem.help) from None


def project_root_of(path: str):  # type: ignore[no-untyped-def]
    from pathlib import Path

    return project_root(Path(os.path.abspath(path)))
