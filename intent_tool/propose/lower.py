"""Lowering: from a contract's terms to the intermediate representation."""

from __future__ import annotations

from collections.abc import Iterable

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span, error
from intent_tool.language.elaborate import Each, Elaborated
from intent_tool.language.terms import Term, walk
from intent_tool.machine.target import Target
from intent_tool.propose.element_groups import Group, grouped
from intent_tool.propose.fold_plan import Plan, with_running_folds
from intent_tool.propose.ir import Block, Formula, Function, Return, drop_unused
from intent_tool.propose.loop_motion import improve_loops
from intent_tool.propose.lower_division import Division
from intent_tool.propose.lower_loops import TooLong
from intent_tool.propose.lower_values import TooNarrow, Words
from intent_tool.propose.substitute import Substitution
from intent_tool.propose.vector_loops import NotThisWay, VectorWishes


def lower(contract: Contract, elaborated: Elaborated, target: Target, vectors: VectorWishes | None = None,
          is_rolled: bool = False) -> Function:
    """The function's intermediate representation, with loops in vectors as far as they can be where `vectors` are
    wished for. All others do one round at a time if `is_rolled`. Raises IntentError for what cannot be generated."""
    is_narrow = True
    rolled: set[int] = set()
    # Their indices are what loops are known by when all is lowered anew.
    groups = {} if vectors is None else vectors.groups
    while True:
        try:
            return _Lowering(contract, elaborated, target, is_narrow).run(vectors, rolled, is_rolled, groups)
        except TooNarrow:
            is_narrow = False
        except TooLong as loop:
            rolled.add(loop.index)
        except NotThisWay:
            pass


class _Lowering(Division):
    groups: dict[int, Group | None]
    """Writes of several elements at once, by the index of the elements."""

    def run(self, vectors: VectorWishes | None, rolled: set[int], is_rolled: bool,
            groups: dict[int, Group | None]) -> Function:
        self.vectors, self.rolled, self.is_rolled, self.groups = vectors, rolled, is_rolled, groups
        if vectors is not None:
            vectors.done.clear()
        signature = self.contract.signature
        assert signature is not None
        results: Words = ()
        if self.elaborated.result is not None and signature.result is not None:
            results = (self.returned(self.elaborated.result),)
        self.write_all()
        self.b.block.end = Return(results)
        _in_order(self.b.function)
        drop_unused(self.b.function)
        names = {value: name for name, value in self.raw.items()
                 if name in self.elaborated.lengths or self.types[name].bits == 64}
        improve_loops(self.b, self.target, names)
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
        stored = {name for name, _, _ in waiting}
        written: list[Formula] = [
            (f"written {name}[0 : {len(c)}]", ()) for name, c in self.elaborated.writes.items()
            if not isinstance(c, Each) and c and name not in stored]
        for name, each in loops:
            self.write_loop(name, each, {other: {t.data for t in walk([c.value]) if t.op == "load"}
                                         for other, c in loops}, tuple(written))
            length = self.text(each.count)
            written += [(f"written {name}[0 : {length}]", ())] if length else []
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

    def write_loop(self, name: str, each: Each, read: dict[str, set[str]], written: tuple[Formula, ...]) -> None:
        shares = {other for other in self.types if self._memory(other) == self._memory(name)}
        for other, names in read.items():
            if other != name and names & shares:
                raise error("E712", f"cannot generate yet: `{other}` and `{name}` written from each other's old "
                            "content in a loop", each.span)
        if each.count.hi <= 0:
            return
        plan = with_running_folds(self.terms, Plan(each.index, (), (), (), (each.value,)), self.free)
        size = self.types[name].bytes
        last = self.terms.binary("add", each.count, self.terms.const(-1))
        turned = self.terms.binary("sub", last, each.index)
        order = self.order(name, each, plan.next[0], turned, shares)
        group = self.group(each) if order == "up" and not plan.states else None
        if group is not None:
            self.write_group(name, group, each.span, written)
            return
        values, count = plan.next[:1], each.count
        done: list[Formula] = [(f"written {name}[0 : round]", ())]
        length = self.text(each.count)
        if order != "up":
            # Without folds that go on from element to element: these go up only.
            mirrored = Substitution(self.terms, {each.index.id: turned, turned.bare.id: each.index})(each.value)
            plan = Plan(each.index, (), (), (), (mirrored,))
            from_end: Formula = (f"written {name}[{length} - round : {length}]", ())
            if order == "down":
                values, done = (mirrored,), [from_end]
            else:
                values = each.value, mirrored
                count = self.terms.binary("shr", self.terms.binary("add", each.count, self.terms.const(1)),
                                          self.terms.const(1))
                done.append(from_end)

        def store(number: int, words: list[int]) -> None:
            places = [number] if order != "down" else []
            places += [self.word(turned, 64)] if order != "up" else []
            for at, word in zip(places, words, strict=True):
                known = self.b.constant_of(at)
                if known is not None:
                    self.store(name, known, word)
                else:
                    self.b.emit("store", (), (word, self.raw[name], at), (0, size, size), share=False)
        self.rounds(Plan(plan.index, plan.states, plan.initial, plan.sites, plan.next[1:]), count, each.span,
                    values, self.types[name].bits, store, (*written, *done),
                    name if order == "up" and not plan.states else None)

    def group(self, each: Each) -> Group | None:
        """Where several elements are to be written in one round."""
        if self.contract.optimize == "size":
            return None
        if each.index.id not in self.groups:
            self.groups[each.index.id] = grouped(self.terms, each)
        group = self.groups[each.index.id]
        if group is None or self.vectors is None:
            return group
        # Vectors of single elements come before groups without vectors.
        scalar = self.vectors.scalar
        return None if group.index.id in scalar and each.index.id not in scalar else group

    def write_group(self, name: str, group: Group, span: Span, written: tuple[Formula, ...]) -> None:
        size, b = self.types[name].bytes, self.b
        self.counts[group.index.id] = group.count

        def store(number: int, words: list[int]) -> None:
            first = b.op("mul", number, b.const(group.size, 64))
            for j, word in enumerate(words):
                at = b.op("add", first, b.const(j, 64))
                b.emit("store", (), (word, self.raw[name], at), (0, size, size), share=False)
        self.rounds(Plan(group.index, (), (), (), ()), group.count, span, group.values, self.types[name].bits, store,
                    (*written, (f"written {name}[0 : round]", ())), name)

    def order(self, name: str, each: Each, value: Term, turned: Term, shares: set[str]) -> str:
        """In which order the elements can be written, where one is made of the old content of others: ``up``,
        ``down``, or ``both``, an element and its mirror image at once. Raises IntentError where none will do."""
        offsets: set[int | None] = {0}
        mirrored = False
        for t in walk([value]):
            if t.op == "load" and t.data in shares:
                index = t.args[0].bare
                offset = 0 if index is each.index else index.args[1].data if index.op == "add" and \
                    index.args[0] is each.index and index.args[1].op == "const" else None
                same = self.types[t.data].bits == self.types[name].bits
                if same and index is turned.bare:
                    mirrored = True
                else:
                    offsets.add(offset if same else None)
        known = [o for o in offsets if o is not None]
        if None in offsets or (min(known) < 0 < max(known)) or (mirrored and len(offsets) > 1):
            many = f"{each.count.data} times" if each.count.op == "const" else "as often as the caller says"
            raise error("E712", f"cannot generate yet: an element of `{name}` that is made of other elements of "
                        f"the same memory, {many}", each.span,
                        "a buffer with fewer elements, or a second one for the result, can be generated")
        return "both" if mirrored else "down" if min(known) < 0 else "up"


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
            # What leaves the loop, else the way on, is visited first, so that it comes last.
            stack.extend((s, False) for s in sorted(block.successors(), key=lambda b: -b.depth))
    function.blocks = order[::-1]
