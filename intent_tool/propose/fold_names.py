"""What notes call the folds of a contract (`judge/loop_notes.py`)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span
from intent_tool.language.terms import Loop, Term, walk
from intent_tool.language.walk import fold_sites


class FoldNames:
    """Names for all folds in `roots`, terms of the contract.

    A definition that is called with several arguments is several folds at one place of the contract, numbered in the
    order in which they came about. Those that are the same but for what is known of their values are one."""

    def __init__(self, contract: Contract, roots: Sequence[Term]) -> None:
        self.sites = {span: number for number, span in reversed([*enumerate(fold_sites(contract))])}
        self.codes: dict[Hashable, int] = {}
        self.numbers: dict[int, int] = {}
        """Which of the folds at its place a fold is, by the id of its index."""
        found = [t for t in walk(roots) if isinstance(t.data, Loop)]
        places: dict[Span, list[int]] = {}
        for t in sorted(found, key=lambda t: t.data.index.id):
            at = places.setdefault(t.data.span, [])
            code = self.shapes([t], {})[t.id]
            if code not in at:
                at.append(code)
            self.numbers[t.data.index.id] = at.index(code)

    def name(self, span: Span, index: int) -> str | None:
        """Of the fold that is written there and has the index with that id; None where it has none."""
        if span not in self.sites:
            return None
        which = self.numbers.get(index, 0)
        return f"fold({self.sites[span]}{f'.{which}' if which else ''})"

    def shapes(self, roots: Sequence[Term], bound: Mapping[int, Hashable]) -> dict[int, int]:
        """A number for each term, the same for what is the same but for `assume` and the names of variables in
        `bound`, which are there by their ids."""
        found: dict[int, int] = {}
        for t in walk(roots):
            if t.op == "assume":
                found[t.id] = found[t.args[0].id]
                continue
            data: Hashable = t.data
            if isinstance(t.data, Loop):
                loop, depth = t.data, len(bound)
                own = {v.id: (depth, k) for k, v in enumerate((loop.index, *loop.states))}
                inside = self.shapes(loop.next, {**bound, **own})
                data = tuple(inside[n.id] for n in loop.next)
            elif t.op == "var":
                data = bound.get(t.id, t.id)
            key = t.op, data, tuple(found[a.id] for a in t.args)
            found[t.id] = self.codes.setdefault(key, len(self.codes))
        return found
