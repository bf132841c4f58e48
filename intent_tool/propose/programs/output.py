"""What a program prints: byte sequences as statements that put them out, one after the other."""

from __future__ import annotations

from intent_tool.language import tree
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.parts import SIGNED, UNSIGNED
from intent_tool.propose.programs.pieces import Pieces
from intent_tool.propose.programs.reachable import reachable
from intent_tool.propose.programs.resolve import fresh, substitute
from intent_tool.propose.programs.script import (
    Advance,
    Call,
    Descriptor,
    Exit,
    If,
    Operand,
    Place,
    Put,
    PutByte,
    PutMemory,
    Room,
    Set,
    Variable,
    While,
)
from intent_tool.propose.programs.unparse import text_of

_MAY_BE_FIXED = (tree.Formatted, tree.List, tree.Tuple, tree.Comprehension, tree.Binary)
MOST_LISTED = 64
"""Values of a state that parts are told one by one."""
_OUT = "output so far"
"""The name of a fold's state that only grows at its end: output."""


class Output(Pieces):
    def put_all(self, stdout: Expression, stderr: Expression, status: Expression) -> None:
        self.put_sequence(stdout)
        if not (isinstance(stderr, tree.Bytes) and not stderr.value):
            self.add(Descriptor(2))
            self.put_sequence(stderr)
        self.add(Exit(self.status(status)))

    def status(self, node: Expression) -> Operand:
        value = self.integer(node)
        lo, hi = self.ends(value)
        if lo < 0 or hi > 255:
            raise self.cannot("an exit status that may not be in 0 to 255", node.span)
        return value

    def put_sequence(self, node: Expression) -> None:
        match node:
            case tree.Bytes():
                self.add(*([Put(node.value)] if node.value else []))
            case _ if isinstance(node, _MAY_BE_FIXED) and self.put_fixed(node):
                pass
            case tree.Formatted():
                for part in node.parts:
                    if isinstance(part, bytes):
                        self.add(*([Put(part)] if part else []))
                    else:
                        self.put_field(part)
            case tree.Binary(op="+"):
                self.put_sequence(node.left)
                self.put_sequence(node.right)
            case tree.Conditional():
                then, otherwise = node.then, node.otherwise
                self.either(node.test, lambda: self.put_sequence(then), lambda: self.put_sequence(otherwise))
            case tree.Call(function="bytes"):
                self.put_sequence(node.arguments[0])
            case tree.List() | tree.Tuple():
                for item in node.items:
                    self.put_byte(item)
            case _ if self.is_bytes(node):
                source = self.bytes_of(node)
                self.add(PutMemory(source.address, source.length))
            case tree.Comprehension():
                self.put_comprehension(node)
            case tree.Call(function="reduce"):
                self.put_reduced(node, None)
            case tree.Index(sequence=tree.Call(function="reduce") as fold, index=tree.Integer(value=place)):
                self.put_reduced(fold, place)
            case tree.Index(sequence=tree.List(items=items) | tree.Tuple(items=items)) \
                    if self.kind(node) == kinds.SEQUENCE:
                self.put_chosen(items, node.index)
            case tree.Call(function="reversed") if self.is_bytes(node.arguments[0]):
                name = tree.Pattern(node.span, "x'", ())
                self.put_comprehension(tree.Comprehension(node.span, tree.Name(node.span, "x'"), (
                    tree.Clause(node.span, name, node, ()),)))
            case tree.Call(function="sorted") if self.is_bytes(node.arguments[0]):
                self.put_sorted(node)
            case tree.Call(function="range" | "reversed" | "enumerate" | "zip"):
                self.each(node, self.put_byte)
            case _:
                raise self.cannot("output of this kind", node.span)

    def put_chosen(self, items: tuple[Expression, ...], index: Expression) -> None:
        at = self.tree(index, self.integer(index))
        lo, hi = self.range_of(at)
        if lo < 0 or hi >= len(items):
            raise self.cannot("an index that may be outside of its list", index.span)

        def choose(number: int) -> None:
            if number == len(items) - 1:
                self.put_sequence(items[number])
                return
            test = kinds.compare(at, "==", kinds.number(index, number))
            self.either(test, lambda: self.put_sequence(items[number]), lambda: choose(number + 1))
        choose(0)

    def put_sorted(self, node: tree.Call) -> None:
        """Each byte value as often as it occurs."""
        source = tree.Name(node.span, self.bytes_of(node.arguments[0]).name)
        x = tree.Name(node.span, fresh("x"))
        clause = tree.Clause(node.span, tree.Pattern(node.span, x.name, ()), source, ())

        def one(value: Expression) -> None:
            many = self.integer(kinds.call("sum", tree.Comprehension(
                node.span, kinds.compare(x, "==", value), (clause,))))
            left = self.copied(many)
            loop = While(self.test("!=", left, 0))
            loop.body.extend([PutByte(self.integer(value)), Set(left, left, "-", 1)])
            self.add(loop)
        self.counted(node, 0, 256, 1, one)

    def put_byte(self, node: Expression) -> None:
        if self.kind(node) == kinds.SEQUENCE:
            raise self.cannot("a sequence where a byte belongs", node.span)
        value = self.integer(node)
        if isinstance(value, int):
            if not 0 <= value <= 255:
                raise self.cannot(f"the byte {value}", node.span)
            self.add(Put(bytes([value])))
            return
        assert isinstance(value, Variable)
        if self.ends(value)[0] < 0 or self.ends(value)[1] > 255:
            raise self.cannot("a byte that may not be in 0 to 255", node.span, "mask it: `x & 255`, or `u8(x)`")
        self.add(PutByte(value))

    # Comprehensions

    def put_comprehension(self, node: tree.Comprehension) -> None:
        last = node.clauses[-1]
        if self.is_mapped(node):
            self.put_mapped(node)
            return

        def level(number: int, env: dict[str, Expression]) -> None:
            if number == len(node.clauses):
                self.put_byte(substitute(node.element, env))
                return
            clause = node.clauses[number]
            sequence = substitute(clause.sequence, env)
            if clause is last and not clause.conditions and isinstance(node.element, tree.Name) \
                    and node.element.name == clause.target.name:
                self.put_sequence(sequence)
                return

            def each(element: Expression) -> None:
                inner = env | self.bind(clause.target, element)
                self.when([substitute(c, inner) for c in clause.conditions], lambda: level(number + 1, inner))
            self.each(sequence, each)
        level(0, {})

    def is_mapped(self, node: tree.Comprehension) -> bool:
        """Whether a part can do it for many elements at once."""
        clause = node.clauses[0]
        sequence = clause.sequence
        if isinstance(sequence, tree.Call) and sequence.function in ("enumerate", "reversed"):
            sequence = sequence.arguments[0]
        return len(node.clauses) == 1 and not clause.conditions and self.is_bytes(sequence) \
            and not kinds.has_effects(node.element) and not (
                isinstance(clause.sequence, tree.Call) and clause.sequence.function == "enumerate"
                and len(clause.sequence.arguments) > 1)

    def put_mapped(self, node: tree.Comprehension) -> None:
        clause = node.clauses[0]
        sequence, how = clause.sequence, ""
        if isinstance(sequence, tree.Call) and sequence.function in ("enumerate", "reversed"):
            how, sequence = sequence.function, sequence.arguments[0]
        source = self.bytes_of(sequence)
        address, left = self.copied(source.address), self.copied(source.length)
        number = self.variable(0, 1 << 48)
        self.add(Set(number, 0))
        if how == "reversed":
            self.add(Set(address, address, "+", left))
        many, room = self.variable(1, 1 << 16), self.variable(1, 1 << 16)
        loop = While(self.test("!=", left, 0))
        with self.block(loop.body):
            self.add(Room(1, room), If(self.test("<", left, room), [Set(many, left)], [Set(many, room)]))
            if how == "reversed":
                self.add(Set(address, address, "-", many))
            self.map_block(node, how, address, many, number)
            if how != "reversed":
                self.add(Set(address, address, "+", many))
            self.add(Set(left, left, "-", many), Set(number, number, "+", many))
        self.add(loop)

    def map_block(self, node: tree.Comprehension, how: str, address: Operand, many: Operand,
                  number: Variable) -> None:
        """The elements of a block of input, to where output goes."""
        clause = node.clauses[0]
        data = tree.Name(node.span, "data")
        sequence: Expression = data
        if how == "enumerate":
            sequence = tree.Call(node.span, how, (data, tree.Name(node.span, number.name)))
        elif how == "reversed":
            sequence = tree.Call(node.span, how, (data,))
        element = node.element
        inside = tree.Comprehension(node.span, element, (tree.Clause(node.span, clause.target, sequence, ()),))
        face = self.interface([inside], first=3)
        part = self.parts.make("map", ["uint8_t out[n]", "const uint8_t data[n]", "size_t n", *face.parameters],
                               node.span, requires=face.requires, writes={"out": face.text(inside)}, used=[element])
        self.add(Call(part.symbol, (Place("out"), address, many, *face.arguments)), Advance(many))

    # Folds whose state is output

    def put_reduced(self, node: tree.Call, place: int | None) -> None:
        function, sequence, initial = node.arguments
        if not isinstance(function, tree.Lambda):
            raise self.cannot("`reduce` with a function that is not written out", node.span)
        items = (initial,) if place is None else initial.items if isinstance(initial, tree.Tuple) else ()
        if not items:
            raise self.cannot("a fold whose initial state is not written as a tuple", initial.span)
        place = place or 0
        self.put_sequence(items[place])
        numbers = [k for k in range(len(items)) if k != place]
        if any(self.kind(items[k]) != kinds.INTEGER for k in numbers):
            raise self.cannot("a fold with several sequences in its state", initial.span)
        states = self.states_of(node, numbers, items, place)
        names: dict[int, Expression] = {k: self.tree(node, states[k]) for k in numbers}
        whole = [tree.Name(node.span, _OUT) if k == place else names[k] for k in range(len(items))]
        is_tuple = isinstance(initial, tree.Tuple)
        state: Expression = tree.Tuple(node.span, tuple(whole)) if is_tuple else whole[0]

        def one(element: Expression) -> None:
            given = dict(zip(function.parameters, (state, self.atom(element)), strict=True))
            after = substitute(function.body, given)
            following = {k: self.integer(component(after, k)) for k in numbers}
            kept = {k: self.copied(v) if len(numbers) > 1 else v for k, v in following.items()}
            self.put_appended(component(after, place) if is_tuple else after)
            for k in numbers:
                self.assign(states[k], kept[k])
        self.each(sequence, one)
        self.finished[text_of(node)] = states

    def states_of(self, node: tree.Call, numbers: list[int], items: tuple[Expression, ...], place: int
                  ) -> dict[int, Variable]:
        """Variables for the states that are integers, as wide as what the fold may come to."""
        function = node.arguments[0]
        assert isinstance(function, tree.Lambda)
        start = {k: self.integer(items[k]) for k in numbers}
        ranges = {k: self.ends(v) for k, v in start.items()}
        probes = {k: self.variable(*ranges[k]) for k in numbers}
        state = tree.Tuple(node.span, tuple(
            tree.Name(node.span, _OUT) if k == place else tree.Name(node.span, probes[k].name)
            for k in range(len(items))))
        element = self.variable(0, 255)
        body = substitute(function.body, dict(zip(
            function.parameters, (state, tree.Name(node.span, element.name)), strict=True)))
        found = reachable(self, [component(body, k) for k in numbers], [probes[k].name for k in numbers],
                          element.name, [start[k] for k in numbers])
        if found is not None:
            made = {}
            for number, k in enumerate(numbers):
                values = sorted({values[number] for values in found})
                made[k] = self.variable(values[0], values[-1])
                self.assign(made[k], start[k])
                if len(values) <= values[-1] - values[0] and len(values) <= MOST_LISTED:
                    name = self.tree(node, made[k])
                    self.learn(kinds.compare(name, "in", tree.List(node.span, tuple(
                        kinds.number(node, v) for v in values))))
            return made
        for limit in (None, None, 255, (1 << 16) - 1, (1 << 32) - 1, 1 << 48):
            try:
                reached = {k: self.range_of(component(body, k), {probes[j].name: ranges[j] for j in numbers})
                           for k in numbers}
            except IntentError:
                reached = dict.fromkeys(numbers, (-(1 << 63), (1 << 63) - 1))
            wider = {k: (min(ranges[k][0], reached[k][0]), max(ranges[k][1], reached[k][1])) for k in numbers}
            if wider == ranges:
                break
            ranges = {k: wider[k] if limit is None or wider[k] == ranges[k] else
                      (min(wider[k][0], -limit - 1) if wider[k][0] < 0 else wider[k][0],
                       max(wider[k][1], limit)) for k in numbers}
        else:
            # What only grows keeps where it starts, and a number too large ends the program.
            growing = {k: (lo, UNSIGNED[1]) if lo >= 0 else SIGNED for k, (lo, _) in ranges.items()}
            by_name = {probes[k].name: growing[k] for k in numbers}
            sinks = any(self.range_of(component(body, k), by_name)[0] < growing[k][0] for k in numbers)
            ranges = dict.fromkeys(numbers, SIGNED) if sinks else growing
        made = {}
        for k in numbers:
            lo, hi = ranges[k]
            made[k] = self.variable(max(lo, SIGNED[0]), min(hi, UNSIGNED[1] if lo >= 0 else SIGNED[1]))
            self.assign(made[k], start[k])
        return made

    def put_appended(self, node: Expression) -> None:
        if isinstance(node, tree.Name) and node.name == _OUT:
            return
        if isinstance(node, tree.Binary) and node.op == "+":
            self.put_appended(node.left)
            self.put_sequence(node.right)
            return
        if isinstance(node, tree.Conditional):
            self.either(node.test, lambda: self.put_appended(node.then), lambda: self.put_appended(node.otherwise))
            return
        raise self.cannot("a fold over bytes that does more than to append to them", node.span)


def component(node: Expression, number: int) -> Expression:
    """Item `number` of what a step of a fold makes."""
    if isinstance(node, tree.Conditional):
        return kinds.choice(node.test, component(node.then, number), component(node.otherwise, number))
    if isinstance(node, tree.Tuple):
        return node.items[number]
    return tree.Index(node.span, node, kinds.number(node, number))
