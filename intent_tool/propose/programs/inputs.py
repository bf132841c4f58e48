"""Integers that depend on arguments and on numbers read from bytes, which are found step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from intent_tool.language import tree
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.parts import SIGNED, UNSIGNED
from intent_tool.propose.programs.resolve import free_names, rebuilt
from intent_tool.propose.programs.script import (
    Argument,
    Call,
    CountArguments,
    Fail,
    If,
    Operand,
    Place,
    Set,
    Text,
    Variable,
)
from intent_tool.propose.programs.unparse import pattern_names, text_of
from intent_tool.propose.programs.values import Buffer, Values

# Python's int() of bytes: blanks, a sign, digits with single underscores between them, blanks.
_IS_NUMBER = {
    "blank(c)": "c == 32 or 9 <= c <= 13",
    "digit(c)": "48 <= c <= 57",
    # 0 at the start, 1 behind the sign, 2 behind a digit, 3 behind an underscore, 4 behind the number, 5 wrong.
    "before(s, c)": "2 if digit(c) else 5 if s == 1 else 1 if c == 43 or c == 45 else 0 if blank(c) else 5",
    "within(s, c)": "2 if digit(c) else 5 if s == 3 else 3 if c == 95 else 4 if blank(c) else 5",
    "step(s, c)": "before(s, c) if s < 2 else within(s, c) if s < 4 else 4 if s == 4 and blank(c) else 5",
}
LARGEST = (1 << 63) - 1
_MAGNITUDE = {"step(v, c)": f"min(v * 10 + (c - 48), {LARGEST + 1}) if 48 <= c <= 57 else v"}
_BYTES = ["const uint8_t data[n]", "size_t n"]


class Inputs(Values):
    stdin: Buffer | None = None
    """Where standard input is, once it is gathered."""

    def integer(self, node: Expression) -> Operand:
        if not kinds.has_effects(node):
            return self.computed(self.plain(node))
        key = f"={text_of(node)}"
        if key not in self.known:
            self.known[key] = self.computed(self.plain(node))
        return self.known[key]

    def atom(self, node: Expression) -> Expression:
        """An integer as a variable or a constant; anything else as it is."""
        if self.kind(node) == kinds.INTEGER:
            return self.tree(node, self.integer(node))
        if isinstance(node, tree.Tuple):
            return tree.Tuple(node.span, tuple(map(self.atom, node.items)))
        return node

    def plain(self, node: Expression) -> Expression:
        """The integer (or sequence) as an expression over variables and buffers."""
        if not kinds.has_effects(node):
            return self.shared(self.lengths(node))
        match node:
            case tree.Name(name="stdin"):
                if self.stdin is None:
                    raise self.cannot("this use of `stdin`", node.span)
                return tree.Name(node.span, self.stdin.name)
            case tree.Name():
                raise self.cannot("this use of `args`", node.span, "index it, or go over it with `for`")
            case tree.Call(function="len"):
                return self.length(node.arguments[0])
            case tree.Call(function="int"):
                return self.tree(node, self.parsed(self.bytes_of(node.arguments[0]), node))
            case tree.Index(sequence=tree.Slice() as part) if self.is_bytes(part):
                # Of its own length more may be known.
                return self.plain(replace(node, sequence=tree.Name(node.span, self.bytes_of(part).name)))
            case tree.Index() if self.kind(node) == kinds.SEQUENCE:
                return tree.Name(node.span, self.bytes_of(node).name)
            case tree.Index(sequence=tree.Call(function="reduce") as fold, index=tree.Integer(value=place)) \
                    if isinstance(fold.arguments[2], tree.Tuple) and not self.is_stepwise(fold):
                plain = rebuilt(fold, self.plain)
                assert isinstance(plain, tree.Call)
                return self.shared(tree.Index(node.span, plain, node.index))
            case tree.Conditional() if self.kind(node) == kinds.SEQUENCE and self.is_bytes(node):
                return tree.Name(node.span, self.bytes_of(node).name)
            case tree.Conditional() if kinds.has_effects(node.then) or kinds.has_effects(node.otherwise):
                return self.tree(node, self.chosen(node))
            case tree.Logical() if any(map(kinds.has_effects, node.operands[1:])):
                first, *others = node.operands
                rest = others[0] if len(others) == 1 else tree.Logical(node.span, node.op, tuple(others))
                deciding: Expression = kinds.number(node, 0 if node.op == "and" else 1)
                if not kinds.is_truth(first):
                    first = deciding = self.tree(node, self.integer(first))
                return self.plain(kinds.choice(first, rest, deciding) if node.op == "and" else
                                  kinds.choice(first, deciding, rest))
            case tree.Index(sequence=tree.Call() as fold, index=tree.Integer(value=place)) \
                    if text_of(fold) in self.finished:
                return self.tree(node, self.finished[text_of(fold)][place])
            case tree.Call(function=function) if function in kinds.FOLDS and self.is_stepwise(node):
                assert isinstance(node, tree.Call)
                return self.tree(node, self.folded(node))
            case tree.Comprehension() | tree.Lambda():
                return self.plain_inside(node)
        return rebuilt(node, self.plain)

    def plain_inside(self, node: Expression, bound: frozenset[str] = frozenset()) -> Expression:
        """What is the same for all values of the variables that `node` binds, put in front of it."""
        match node:
            case _ if not kinds.has_effects(node):
                return node
            case tree.Lambda():
                return replace(node, body=self.plain_inside(node.body, bound | frozenset(node.parameters)))
            case tree.Comprehension():
                clauses = []
                for clause in node.clauses:
                    sequence = self.plain_inside(clause.sequence, bound)
                    bound |= frozenset(pattern_names(clause.target))
                    clauses.append(replace(clause, sequence=sequence, conditions=tuple(
                        self.plain_inside(c, bound) for c in clause.conditions)))
                return replace(node, clauses=tuple(clauses), element=self.plain_inside(node.element, bound))
            case _ if not bound & set(free_names(node)):
                return self.plain(node)
            case tree.Name() | tree.Call(function="int"):
                raise self.cannot("an argument, or a number read from bytes, that depends on a variable here",
                                  node.span)
        return rebuilt(node, lambda child: self.plain_inside(child, bound))

    def lengths(self, node: Expression) -> Expression:
        """Lengths of buffers as the variables that they are."""
        if not self.buffers:
            return node
        if isinstance(node, tree.Call) and node.function == "len" and isinstance(node.arguments[0], tree.Name) \
                and node.arguments[0].name in self.buffers:
            return self.tree(node, self.buffers[node.arguments[0].name].length)
        if isinstance(node, tree.Comprehension | tree.Lambda):
            return node
        return rebuilt(node, self.lengths)

    def shared(self, node: Expression) -> Expression:
        """Folds with several states are gone through once, whatever number of these is asked for."""
        match node:
            case tree.Index(sequence=tree.Call(function="reduce", arguments=(_, _, tree.Tuple(items=items))) as fold,
                            index=tree.Integer(value=place)) if self.is_closed(fold) and all(
                                self.kind(i) == kinds.INTEGER for i in items) and -len(items) <= place < len(items):
                states = self.states(fold, len(items))
                return self.tree(node, states[place]) if states else node
            case tree.Comprehension() | tree.Lambda() | tree.Name() | tree.Integer() | tree.Bytes():
                return node
        return rebuilt(node, lambda child: child if isinstance(child, tree.Clause) else self.shared(child))

    def is_closed(self, node: Expression) -> bool:
        """Whether all that it takes is at hand."""
        return all(name in self.variables or name in self.buffers for name in free_names(node))

    def states(self, fold: tree.Call, many: int) -> list[Variable]:
        """The last states: they lie one behind the other in the frame, where a part puts them. None where one of them
        may need more than 64 bits."""
        key = text_of(fold)
        if f"{key}[0]" not in self.known:
            ranges = [self.range_of(tree.Index(fold.span, fold, kinds.number(fold, k))) for k in range(many)]
            signed = any(lo < 0 for lo, _ in ranges)
            whole = SIGNED if signed else UNSIGNED
            if any(lo < whole[0] or hi > whole[1] for lo, hi in ranges):
                return []
            states = [self.variable(lo, hi) for lo, hi in ranges]
            face = self.interface([fold], first=1)
            part = self.parts.make(
                "fold", [f"{'int64_t' if signed else 'uint64_t'} state[{many}]", *face.parameters], fold.span,
                requires=face.requires, where={"after": face.text(fold)}, used=[fold],
                writes={"state": "[" + ", ".join(f"after[{k}]" for k in range(many)) + "]"})
            self.add(Call(part.symbol, (Place(f"&{states[0].number}"), *face.arguments)))
            self.known |= {f"{key}[{k}]": state for k, state in enumerate(states)}
        found = [self.known[f"{key}[{k}]"] for k in range(many)]
        return [state for state in found if isinstance(state, Variable)]

    def length(self, node: Expression) -> Expression:
        if isinstance(node, tree.Name) and node.name == "args":
            return self.tree(node, self.arguments())
        if self.is_bytes(node):
            return self.tree(node, self.bytes_of(node).length)
        if self.is_stepwise(node):
            return self.tree(node, self.folded(tree.Call(node.span, "len", (node,))))
        return kinds.call("len", self.plain(node))

    def chosen(self, node: tree.Conditional) -> Operand:
        result, ranges, ways = self.variable(), [], []

        def arm(value: Expression) -> None:
            found = self.integer(value)
            ranges.append(self.ends(found))
            ways.append(Set(result, found))
            self.add(ways[-1])
        self.either(node.test, lambda: arm(node.then), lambda: arm(node.otherwise))
        # What it may be is known only now, and nothing has asked before.
        exact = replace(result, lo=min(lo for lo, _ in ranges), hi=max(hi for _, hi in ranges))
        self.variables[result.name] = exact
        return exact

    # Bytes in memory

    def is_bytes(self, node: Expression) -> bool:
        """Whether it is bytes that lie somewhere in memory."""
        match node:
            case tree.Name():
                return node.name in self.buffers or (node.name == "stdin" and self.stdin is not None)
            case tree.Bytes():
                return bool(node.value)
            case tree.Slice():
                return self.is_bytes(node.sequence)
            case tree.Index():
                return isinstance(node.sequence, tree.Name) and node.sequence.name == "args"
            case tree.Call(function="bytes"):
                return self.is_bytes(node.arguments[0])
            case tree.Conditional():
                return all(self.is_bytes(arm) or (isinstance(arm, tree.Bytes) and not arm.value)
                           for arm in (node.then, node.otherwise)) and any(
                               self.is_bytes(arm) for arm in (node.then, node.otherwise))
        return False

    def bytes_of(self, node: Expression) -> Buffer:
        match node:
            case tree.Name() if node.name in self.buffers:
                return self.buffers[node.name]
            case tree.Name(name="stdin") if self.stdin is not None:
                return self.stdin
            case tree.Call(function="bytes"):
                return self.bytes_of(node.arguments[0])
            case tree.Bytes():
                return self.buffer(Text(node.value), len(node.value))
            case tree.Slice():
                return self.sliced(node)
            case tree.Conditional():
                return self.one_of(node)
            case tree.Index(sequence=tree.Name(name="args")):
                return self.argument(self.index_of(node.index), node)
        raise self.cannot("bytes of this kind", node.span, "they have to be `stdin`, an argument, or a part of these")

    def one_of(self, node: tree.Conditional) -> Buffer:
        key = f"@{text_of(node)}"
        if key not in self.known:
            address, length = self.variable(), self.variable(0, 1 << 47)

            def arm(value: Expression) -> None:
                source = None if isinstance(value, tree.Bytes) and not value.value else self.bytes_of(value)
                self.add(Set(address, source.address if source else 0), Set(length, source.length if source else 0))
            self.either(node.test, lambda: arm(node.then), lambda: arm(node.otherwise))
            self.known[key] = address
            return self.buffer(address, length)
        return next(b for b in self.buffers.values() if b.address is self.known[key])

    def index_of(self, node: Expression) -> Operand:
        index = self.integer(node)
        if not isinstance(index, int) or index < 0:
            count = self.tree(node, self.arguments())
            from_end = kinds.binary("+", self.tree(node, index), count)
            index = self.computed(kinds.choice(kinds.compare(self.tree(node, index), "<", kinds.number(node, 0)),
                                               from_end, self.tree(node, index)))
        return index

    def arguments(self) -> Variable:
        if "len(args)" not in self.known:
            self.known["len(args)"] = self.variable(0, 1 << 31)
            self.add(CountArguments(self.known["len(args)"]))  # type: ignore[arg-type]
        return self.known["len(args)"]  # type: ignore[return-value]

    def argument(self, number: Operand, node: Expression) -> Buffer:
        key = f"args[{text_of(self.tree(node, number))}]"
        found = self.known.get(key)
        if found is not None:
            return next(b for b in self.buffers.values() if b.address is found)
        # Without it the contract says nothing, and there is nothing to be read.
        self.add(If(self.test(">=", number, self.arguments()), [Fail()]))
        if self.ends(number)[0] < 0:
            self.add(If(self.test("<", number, 0), [Fail()]))
        address, length = self.variable(), self.variable(0, 1 << 47)
        self.add(Argument(number, address, length))
        self.known[key] = address
        return self.buffer(address, length)

    def sliced(self, node: tree.Slice) -> Buffer:
        whole = self.bytes_of(node.sequence)
        count = self.tree(node, whole.length)
        start = self.bound(node.start, count, kinds.number(node, 0))
        stop = self.bound(node.stop, count, count)
        length = self.computed(kinds.call("max", kinds.binary("-", stop, start), kinds.number(node, 0)))
        if isinstance(start, tree.Integer) and start.value == 0:
            address = whole.address
        else:
            key = f"{whole.name}+{self.integer(start)}"
            if key not in self.known:
                moved = self.variable()
                self.add(Set(moved, whole.address, "+", self.integer(start)))
                self.known[key] = moved
            address = self.known[key]
        if not isinstance(length, int):
            assert isinstance(length, Variable)
        return self.buffer(address, length)

    def bound(self, node: Expression | None, count: Expression, missing: Expression) -> Expression:
        """Where a slice starts or ends, as Python clamps it."""
        if node is None:
            return missing
        value = self.tree(node, self.integer(node))
        lo, hi = self.range_of(value)
        if lo < 0:
            zero = kinds.number(node, 0)
            from_end = kinds.call("max", kinds.binary("+", value, count), zero)
            value = from_end if hi < 0 else kinds.choice(kinds.compare(value, "<", zero), from_end, value)
        return self.tree(node, self.computed(kinds.call("min", value, count)))

    # Numbers in bytes

    def parsed(self, source: Buffer, node: Expression) -> Operand:
        """The number that the bytes are. Those that are none, or too large, have no meaning: the program fails."""
        key = f"int({source.name})"
        if key in self.known:
            return self.known[key]
        place = (source.address, source.length)
        valid, size = self.variable(0, 1), self.variable(0, LARGEST + 1)
        part = self.parts.make("is_number", _BYTES, node.span, result="uint64_t", where=_IS_NUMBER,
                               returns="reduce(step, data, 0) in [2, 4]")
        self.add(Call(part.symbol, place, valid), If(self.test("==", valid, 0), [Fail()]))
        part = self.parts.make("magnitude", _BYTES, node.span, result="uint64_t", where=_MAGNITUDE,
                               returns="reduce(step, data, 0)")
        self.add(Call(part.symbol, place, size), If(self.test("==", size, LARGEST + 1), [Fail()]))
        if f"all(((48 <= x0 <= 57) for x0 in {source.name}))" in self.holding:
            self.known[key] = self.variable(0, LARGEST)
            self.assign(self.known[key], size)  # type: ignore[arg-type]
            return self.known[key]
        negative = self.variable(0, 1)
        part = self.parts.make("is_negative", _BYTES, node.span, result="uint64_t",
                               returns="any(c == 45 for c in data)")
        self.add(Call(part.symbol, place, negative))
        value = self.variable(-LARGEST, LARGEST)
        self.add(If(self.test("!=", negative, 0), [Set(value, 0, "-", size)], [Set(value, size)]))
        self.known[key] = value
        return value

    # Folds, and what depends on conditions: see sequences.py

    def either(self, test: Expression, then: Callable[[], None], otherwise: Callable[[], None] | None) -> None:
        raise NotImplementedError

    def is_stepwise(self, node: Expression) -> bool:
        raise NotImplementedError

    def folded(self, node: tree.Call) -> Operand:
        raise NotImplementedError

