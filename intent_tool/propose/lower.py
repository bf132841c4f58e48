"""Lowering: from a contract's terms to the intermediate representation."""

from __future__ import annotations

from collections.abc import Iterable

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import error
from intent_tool.language.elaborate import Each, Elaborated
from intent_tool.language.terms import Term, walk
from intent_tool.machine.target import Target
from intent_tool.propose.ir import Block, Branch, Function, Jump, Return
from intent_tool.propose.lower_division import Division
from intent_tool.propose.lower_values import Words


def lower(contract: Contract, elaborated: Elaborated, target: Target) -> Function:
    """The function's intermediate representation. Raises IntentError for what cannot be generated."""
    return _Lowering(contract, elaborated, target).run()


class _Lowering(Division):
    def run(self) -> Function:
        signature = self.contract.signature
        assert signature is not None
        results: Words = ()
        if self.elaborated.result is not None and signature.result is not None:
            results = (self.returned(self.elaborated.result),)
        self.write_all()
        self.b.block.end = Return(results)
        _in_order(self.b.function)
        _drop_unused(self.b.function)
        self.b.function.verify()
        return self.b.function

    def returned(self, term: Term) -> int:
        """The result as the ABI wants it: narrow values are extended to 32 bits by their type everywhere, so that
        callers that rely on it (clang does on x86-64) are right too."""
        type = self.contract.signature.result if self.contract.signature is not None else None
        assert type is not None
        if type.bits == 64:
            return self.low(term, 64)[0]
        if term.lo < type.minimum or term.hi > type.maximum:
            term = self.terms.wrap(term, type.bits, type.signed)
        return self.low(term, 32)[0]

    def write_all(self) -> None:
        loops = [(name, c) for name, c in self.elaborated.writes.items() if isinstance(c, Each)]
        for name, each in loops:
            if each.count.op != "const":
                raise error("E712", f"cannot generate yet: writing the buffer `{name}`, whose length is known only "
                            "at run time", each.span, "a buffer of constant length can be generated")
        elements = [(name, k, element) for name, c in self.elaborated.writes.items() if not isinstance(c, Each)
                    for k, element in enumerate(c)]
        reads = [self._reads([element]) for _, _, element in elements]
        loop_reads = self._reads([each.value for _, each in loops])
        waiting: list[tuple[str, int, int]] = []
        for number, (name, k, element) in enumerate(elements):
            value = self.word(element, self.types[name].bits)
            # What is still to be computed reads the contents on entry: a store over them has to wait.
            size = self.types[name].bytes
            if any(memory == self._memory(name) and start < (k + 1) * size and end > k * size
                   for some in (loop_reads, *reads[number + 1:]) for memory, start, end in some):
                waiting.append((name, k, value))
            else:
                self.store(name, k, value)
        for name, each in loops:
            self.write_loop(name, each, {other: {t.data for t in walk([c.value]) if t.op == "load"}
                                         for other, c in loops})
        for name, k, value in waiting:
            self.store(name, k, value)

    def _reads(self, terms: Iterable[Term]) -> list[tuple[str, int, int]]:
        """The bytes of buffers that the terms may read, from and up to; a varying index reads its whole interval."""
        found = []
        for t in walk(terms):
            if t.op == "load":
                size, index = self.types[t.data].bytes, t.args[0]
                found.append((self._memory(t.data), index.lo * size, (index.hi + 1) * size))
        return found

    def _memory(self, name: str) -> str:
        """One name for all buffers that start at the same address."""
        group, grown = {name}, True
        while grown:
            more = {other for pair in self.contract.aliases if group & pair for other in pair}
            grown = not more <= group
            group |= more
        return min(group)

    def store(self, name: str, k: int, value: int) -> None:
        size = self.types[name].bytes
        self.b.emit("store", (), (value, self.raw[name]), (k * size, size, 1), share=False)

    def write_loop(self, name: str, each: Each, read: dict[str, set[str]]) -> None:
        shares = {other for other in self.types if self._memory(other) == self._memory(name)}
        for t in walk([each.value]):
            if t.op == "load" and t.data in shares and (
                    t.args[0].bare is not each.index.bare or self.types[t.data].bits != self.types[name].bits):
                raise error("E712", f"cannot generate yet: an element of `{name}` that is made of other elements of "
                            f"the same memory, {each.count.data} times", each.span,
                            "a buffer with fewer elements, or a second one for the result, can be generated")
        for other, names in read.items():
            if other != name and names & shares:
                raise error("E712", f"cannot generate yet: `{other}` and `{name}` written from each other's old "
                            "content in a loop", each.span)
        if each.count.data == 0:
            return
        size = self.types[name].bytes

        def body(index: int, states: tuple[Words, ...]) -> list[Words]:
            value = self.low(each.value, 64 if size == 8 else 32)[0]
            self.b.emit("store", (), (value, self.raw[name], index), (0, size, size), share=False)
            return []
        self.loop(each.index, each.count.data, (), (), body)


def _in_order(function: Function) -> None:
    """Reverse postorder, a loop's body before what follows the loop."""
    order: list[Block] = []
    seen: set[int] = set()
    stack: list[tuple[Block, bool]] = [(function.blocks[0], False)]
    while stack:
        block, done = stack.pop()
        if done:
            order.append(block)
        elif block.number not in seen:
            seen.add(block.number)
            stack.append((block, True))
            # The way on is visited first, so that it comes last.
            stack.extend((s, False) for s in block.successors())
    function.blocks = order[::-1]


def _drop_unused(function: Function) -> None:
    used: set[int] = set()
    for block in function.blocks:
        match block.end:
            case Return(values):
                used.update(values)
            case Jump(_, args):
                used.update(args)
            case Branch(condition, _, _):
                used.add(condition)
    changed = True
    while changed:
        changed = False
        for block in function.blocks:
            for i in reversed(block.instructions):
                if (i.op == "store" or used & set(i.dest)) and not used.issuperset(i.args):
                    used.update(i.args)
                    changed = True
    for block in function.blocks:
        block.instructions = [i for i in block.instructions if i.op == "store" or used & set(i.dest)]
