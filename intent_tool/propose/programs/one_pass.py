"""Going through standard input once, block by block: what is printed element by element, in order, and folds that are
not asked for before the end."""

from __future__ import annotations

from dataclasses import replace

from intent_tool.language import tree
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.chunks import CHUNK, Chunks, chunks
from intent_tool.propose.programs.output import Output
from intent_tool.propose.programs.parts import Part, Parts
from intent_tool.propose.programs.resolve import free_names, fresh, rebuilt, substitute
from intent_tool.propose.programs.script import (
    Break,
    Call,
    Consume,
    Fill,
    If,
    LoadByte,
    Operand,
    Place,
    PutMemory,
    Room,
    Set,
    Test,
    Variable,
    While,
)
from intent_tool.propose.programs.sequences import Each
from intent_tool.propose.programs.unparse import text_of
from intent_tool.propose.programs.values import Buffer, fits


class NotInOnePass(Exception):
    """More of the input has to be at hand."""


class OnePass:
    """One pass over standard input."""

    def __init__(self, planner: Output) -> None:
        self.p = planner
        self.folds: dict[str, Expression] = {}
        self.position: Variable | None = None
        self.blocks: list[tuple[Call, Variable | None]] = []
        self.results: list[Expression] = []
        self.output_fold = ""
        self.ends: dict[int, str] = {}
        """Names for the states of that fold, by their place."""

    def run(self, stdout: Expression, stderr: Expression, status: Expression) -> None:
        p = self.p
        segments = _segments(stdout)
        streams = [k for k, s in enumerate(segments) if self.is_stream(s)]
        if len(streams) > 1:
            raise NotInOnePass
        at = streams[0] if streams else None
        self.stream_fold(segments[at] if at is not None else None)
        others = [s if k == at else self.extracted(s) for k, s in enumerate(segments)]
        stderr, status = self.extracted(stderr), self.extracted(status)
        rest = [s for k, s in enumerate(others) if k != at]
        if any(kinds.mentions(e, "stdin") for e in (*rest, stderr, status)):
            raise NotInOnePass
        names = {n for e in self.results for n in free_names(e)} | \
            ({self.position.name} if self.position is not None else set())
        early = others[:at] if at is not None else []
        names |= set(self.ends.values())
        if any(names & set(free_names(e)) for e in early):
            raise NotInOnePass
        for segment in early:
            p.put_sequence(segment)
        self.go(others[at] if at is not None else None)
        known = {name: p.tree(stdout, p.finished[self.output_fold][place]) for place, name in self.ends.items()}
        for segment in others[at + 1 if at is not None else 0:]:
            p.put_sequence(substitute(segment, known))
        p.put_all(tree.Bytes(stdout.span, b""), substitute(stderr, known), substitute(status, known))

    def stream_fold(self, node: Expression | None) -> None:
        """The fold whose output is streamed: its other states are known afterwards."""
        while isinstance(node, tree.Call) and node.function == "bytes":
            node = node.arguments[0]
        if isinstance(node, tree.Index):
            self.output_fold = text_of(node.sequence)

    # What is made element by element

    def is_stream(self, node: Expression) -> bool:
        match node:
            case tree.Name(name="stdin"):
                return True
            case tree.Call(function="bytes"):
                return self.is_stream(node.arguments[0])
            case tree.Slice(sequence=tree.Name(name="stdin")):
                return self.is_simple_slice(node)
            case tree.Comprehension() if chunks(node) is not None:
                return True
            case tree.Comprehension():
                rest = [node.element, *(c for clause in node.clauses for c in clause.conditions),
                        *(clause.sequence for clause in node.clauses[1:])]
                return self.is_source(node.clauses[0].sequence) and not any(kinds.mentions(e, "stdin") for e in rest)
            case tree.Call(function="reduce") if self.p.kind(node) == kinds.SEQUENCE:
                return self.is_source(node.arguments[1]) and not kinds.mentions(node.arguments[0], "stdin")
            case tree.Index(sequence=tree.Call(function="reduce")) if self.p.kind(node) == kinds.SEQUENCE:
                call = node.sequence
                assert isinstance(call, tree.Call)
                return self.is_source(call.arguments[1]) and not kinds.mentions(call.arguments[0], "stdin")
        return False

    def is_simple_slice(self, node: tree.Slice) -> bool:
        bounds = [b for b in (node.start, node.stop) if b is not None]
        return not any(kinds.mentions(b, "stdin") for b in bounds) and all(map(self.is_natural, bounds))

    def is_natural(self, node: Expression) -> bool:
        return self.p.ends(self.p.integer(node))[0] >= 0

    def is_source(self, node: Expression) -> bool:
        if isinstance(node, tree.Call) and node.function == "enumerate" and len(node.arguments) == 1:
            node = node.arguments[0]
        return isinstance(node, tree.Name) and node.name == "stdin"

    # Folds

    def extracted(self, node: Expression) -> Expression:
        """`node` with what comes of whole standard input as variables."""
        if not kinds.mentions(node, "stdin"):
            return node
        if isinstance(node, tree.Index) and isinstance(node.index, tree.Integer) \
                and text_of(node.sequence) == self.output_fold and self.p.kind(node) == kinds.INTEGER:
            return tree.Name(node.span, self.ends.setdefault(node.index.value, fresh("end")))
        if isinstance(node, tree.Formatted):
            return replace(node, parts=tuple(part if isinstance(part, bytes) else replace(
                part, value=self.extracted(part.value)) for part in node.parts))
        key = text_of(node) if not isinstance(node, tree.Formatted) and self.is_fold(node) else None
        if key is not None:
            if key not in self.folds:
                self.folds[key] = self.fold(node)
            return self.folds[key]
        return rebuilt(node, self.extracted)

    def is_fold(self, node: Expression) -> bool:
        match node:
            case tree.Call(function="len" | "sum" | "any" | "all", arguments=[tree.Name(name="stdin")]):
                return True
            case tree.Call(function="len" | "sum" | "any" | "all", arguments=[tree.Comprehension()]):
                return self.is_simple(node.arguments[0])
            case tree.Call(function="next"):
                return self.is_simple(node.arguments[0]) and not kinds.mentions(node.arguments[1], "stdin")
            case tree.Call(function="reduce") if self.p.kind(node) == kinds.INTEGER:
                return self.is_source(node.arguments[1]) and self.is_closed_here(node)
            case tree.Index(sequence=tree.Call(function="reduce"), index=tree.Integer()):
                call = node.sequence
                assert isinstance(call, tree.Call)
                initial = call.arguments[2]
                return isinstance(initial, tree.Tuple) and self.is_source(call.arguments[1]) \
                    and self.is_closed_here(call) and all(self.p.kind(i) == kinds.INTEGER for i in initial.items)
            case tree.Compare(rest=[("in", tree.Name(name="stdin"))]):
                return self.p.kind(node.first) == kinds.INTEGER and not kinds.mentions(node.first, "stdin")
        return False

    def is_simple(self, node: Expression) -> bool:
        if not isinstance(node, tree.Comprehension) or not self.is_source(node.clauses[0].sequence):
            return False
        rest = [node.element, *(c for clause in node.clauses for c in clause.conditions),
                *(clause.sequence for clause in node.clauses[1:])]
        return not any(kinds.mentions(e, "stdin") for e in rest) and self.p.kind(node.element) == kinds.INTEGER \
            and self.is_closed_here(node)

    def is_closed_here(self, node: Expression) -> bool:
        return all(name in ("stdin", "args") or name in self.p.variables or name in self.p.buffers
                   for name in free_names(node))

    def fold(self, node: Expression) -> Expression:
        """A variable, or an expression over variables, that is `node` at the end of input."""
        p, zero, one = self.p, kinds.number(node, 0), kinds.number(node, 1)
        match node:
            case tree.Call(function="len", arguments=[tree.Name()]):
                return p.tree(node, self.count())
            case tree.Call(function="len" | "sum"):
                inside = self.inside(node)
                return self.single(node, zero, lambda s: kinds.binary("+", s, inside))
            case tree.Call(function="any") | tree.Compare():
                inside = self.inside(node)
                return self.single(node, zero, lambda s: kinds.choice(s, one, kinds.choice(inside, one, zero)))
            case tree.Call(function="all"):
                inside = self.inside(node)
                return self.single(node, one, lambda s: kinds.choice(s, kinds.choice(inside, one, zero), zero))
            case tree.Call(function="next"):
                return self.found(node)
            case tree.Call(function="reduce"):
                function, _, initial = node.arguments
                source = self.inside(node.arguments[1])
                return self.single(node, initial, lambda s: tree.Call(node.span, "reduce", (
                    self.plain_function(function), source, s)))
            case tree.Index():
                return self.several(node)
        raise AssertionError(node)

    def plain_function(self, function: Expression) -> Expression:
        return self.p.plain(function)

    def inside(self, node: Expression) -> Expression:
        """`node` over a block of input, which is `data`, instead of all of it."""
        data = tree.Name(node.span, "data")

        def change(child: Expression) -> Expression:
            if isinstance(child, tree.Call) and child.function == "enumerate" and self.is_source(child):
                return tree.Call(child.span, "enumerate", (data, self.p.tree(child, self.count())))
            if isinstance(child, tree.Name) and child.name == "stdin":
                return data
            if isinstance(child, tree.Comprehension):
                first, *others = child.clauses
                return replace(child, clauses=(replace(first, sequence=change(first.sequence)), *others))
            return rebuilt(child, change)
        return self.p.plain(change(node))

    def count(self) -> Variable:
        """How many bytes of input are done."""
        if self.position is None:
            self.position = self.p.variable(0, (1 << 48) - 1)
            self.p.assign(self.position, 0)
        return self.position

    def whole_range(self, node: Expression) -> tuple[int, int]:
        """What the fold over all of the input may come to."""
        length = self.p.variable(0, (1 << 48) - 1)
        whole = self.p.buffer(0, length)
        # Only asked, not computed.
        with self.p.block([]):
            return self.p.range_of(self.p.plain(substitute(node, {"stdin": tree.Name(node.span, whole.name)})))

    def single(self, node: Expression, initial: Expression, step) -> Expression:  # type: ignore[no-untyped-def]
        p = self.p
        start = p.integer(initial)
        lo, hi = self.whole_range(node)
        lo, hi = min(lo, *p.ends(start)), max(hi, *p.ends(start))
        state = p.variable(max(lo, -(1 << 63)), min(hi, (1 << 64) - 1 if lo >= 0 else (1 << 63) - 1))
        p.assign(state, start)
        after = step(p.tree(node, state))
        part, arguments, kept = self.block_part(node, after)
        result = p.variable(*kept)
        self.blocks.append((Call(part.symbol, arguments, result), state))
        found = p.tree(node, state)
        self.results.append(found)
        return found

    def block_part(self, node: Expression, after: Expression) -> tuple[Part, tuple[Operand, ...], tuple[int, int]]:
        p = self.p
        face = p.interface([after], first=2)
        shape = ["const uint8_t data[n]", "size_t n", *face.parameters]
        scratch = Parts(p.program)
        probe = scratch.make("fold", shape, node.span, result="uint64_t", requires=face.requires,
                             returns=face.text(after), used=[after])
        found = scratch.elaborated(probe, node.span).result
        assert found is not None
        if not fits(found.lo, found.hi):
            raise p.cannot("a fold over standard input whose value may need more than 64 bits", node.span,
                           "wrap the state into a type, such as u64(...), or bound it with min()")
        part = p.parts.make("fold", shape, node.span, result="int64_t" if found.lo < 0 else "uint64_t",
                            requires=face.requires, returns=face.text(after), used=[after])
        return part, (Place("in"), Place("available"), *face.arguments), (found.lo, found.hi)

    def found(self, node: tree.Call) -> Expression:
        p = self.p
        default = p.atom(node.arguments[1])
        search = self.inside(node.arguments[0])
        assert isinstance(search, tree.Comprehension)
        lo, hi = self.whole_range(node)
        none = kinds.number(node, hi + 1)
        state = p.variable(lo, hi + 1)
        p.assign(state, hi + 1)
        after = kinds.choice(kinds.compare(p.tree(node, state), "==", none),
                             tree.Call(node.span, "next", (search, none)), p.tree(node, state))
        part, arguments, kept = self.block_part(node, after)
        result = p.variable(*kept)
        self.blocks.append((Call(part.symbol, arguments, result), state))
        self.results.append(p.tree(node, state))
        return kinds.choice(kinds.compare(p.tree(node, state), "==", none), default, p.tree(node, state))

    def several(self, node: tree.Index) -> Expression:
        """A fold with several states: they lie one behind the other in the frame, and a part changes them there."""
        p, call = self.p, node.sequence
        assert isinstance(call, tree.Call) and isinstance(node.index, tree.Integer)
        key = text_of(call)
        initial = call.arguments[2]
        assert isinstance(initial, tree.Tuple)
        many = len(initial.items)
        if key not in self.folds:
            start = [p.integer(item) for item in initial.items]
            ranges = [self.whole_range(tree.Index(node.span, call, kinds.number(node, k))) for k in range(many)]
            ranges = [(min(lo, *p.ends(v)), max(hi, *p.ends(v))) for (lo, hi), v in zip(ranges, start, strict=True)]
            signed = any(lo < 0 for lo, _ in ranges)
            if any(lo < -(1 << 63) or hi >= 1 << (63 if signed else 64) for lo, hi in ranges):
                raise p.cannot("a fold over standard input whose state may need more than 64 bits", node.span,
                               "wrap the states into types, such as u64(...)")
            states = [p.variable(lo, hi) for lo, hi in ranges]
            for state, value in zip(states, start, strict=True):
                p.assign(state, value)
            names = [tree.Index(node.span, tree.Name(node.span, "state"), kinds.number(node, k)) for k in range(many)]
            function, source = p.plain(call.arguments[0]), self.inside(call.arguments[1])
            after = tree.Call(node.span, "reduce", (function, source, tree.Tuple(node.span, tuple(names))))
            face = p.interface([after], first=3)
            type_ = "int64_t" if signed else "uint64_t"
            limits = []
            for k, (lo, hi) in enumerate(ranges):
                limits += [f"state[{k}] >= {lo}"] if lo > (-(1 << 63) if signed else 0) else []
                limits += [f"state[{k}] <= {hi}"] if hi < (1 << (63 if signed else 64)) - 1 else []
            part = p.parts.make(
                "fold", [f"{type_} state[{many}]", "const uint8_t data[n]", "size_t n", *face.parameters], node.span,
                requires=[*limits, *face.requires], where={"after": face.text(after)},
                writes={"state": "[" + ", ".join(f"after[{k}]" for k in range(many)) + "]"}, used=[after])
            self.blocks.append((Call(part.symbol, (Place(f"&{states[0].number}"), Place("in"), Place("available"),
                                                   *face.arguments)), None))
            found = tree.Tuple(node.span, tuple(p.tree(node, s) for s in states))
            self.folds[key] = found
            self.results.append(found)
        whole = self.folds[key]
        assert isinstance(whole, tree.Tuple)
        return whole.items[node.index.value]

    # The pass itself

    def go(self, stream: Expression | None) -> None:
        p = self.p
        while isinstance(stream, tree.Call) and stream.function == "bytes":
            stream = stream.arguments[0]
        if isinstance(stream, tree.Slice):
            if self.blocks or self.position is not None:
                raise NotInOnePass
            self.copy_slice(stream)
            return
        if stream is not None and isinstance(stream, tree.Comprehension) and isinstance(
                stream.clauses[0].sequence, tree.Call):
            self.count()
        grouped = chunks(stream) if stream is not None else None
        if grouped is not None:
            if self.blocks:
                raise NotInOnePass
            self.by_chunks(grouped)
            return
        loop = While(None)
        if isinstance(stream, tree.Call | tree.Index):
            p.going_through = self.each_byte
            p.put_sequence(stream)
            p.going_through = None
            return
        with p.block(loop.body):
            self.start_block()
            if stream is not None:
                self.put_block(stream)
            self.end_block()
        p.add(loop)

    def start_block(self) -> None:
        p = self.p
        p.add(Fill(1), If(Test("==", Place("available"), 0), [Break()]))
        p.add(*(call for call, _ in self.blocks))
        for call, state in self.blocks:
            if state is not None and call.result is not None:
                p.add(Set(state, call.result))

    def end_block(self, consume: bool = True) -> None:
        p = self.p
        if self.position is not None and consume:
            p.add(Set(self.position, self.position, "+", Place("available")))
        if consume:
            p.add(Consume(Place("available")))

    def put_block(self, stream: Expression) -> None:
        p = self.p
        if isinstance(stream, tree.Name):
            p.add(PutMemory(Place("in"), Place("available")))
            return
        assert isinstance(stream, tree.Comprehension)
        address, length = p.variable(), p.variable(1, 1 << 20)
        p.add(Set(address, Place("in")), Set(length, Place("available")))
        block = p.buffer(address, length)
        first, *others = stream.clauses
        sequence: Expression = tree.Name(stream.span, block.name)
        numbered = isinstance(first.sequence, tree.Call)
        if numbered:
            sequence = tree.Call(stream.span, "enumerate", (sequence, p.tree(stream, self.count())))
        inside = replace(stream, clauses=(replace(first, sequence=sequence), *others))
        if len(stream.clauses) == 1:
            # What is the same for all of them is found once a block.
            found = p.plain_inside(inside)
            assert isinstance(found, tree.Comprehension)
            inside, stream = found, replace(stream, element=found.element)
        if numbered and p.is_mapped(replace(stream, clauses=(replace(first, sequence=tree.Call(
                stream.span, "enumerate", (tree.Name(stream.span, block.name),))), *others))):
            self.put_numbered_map(inside, block.address, length)
            return
        p.put_comprehension(inside)

    def put_numbered_map(self, node: tree.Comprehension, address: Operand, length: Variable) -> None:
        p = self.p
        at, left, number = p.copied(address), p.copied(length), p.copied(self.count())
        many, room = p.variable(1, 1 << 20), p.variable(1, 1 << 20)
        loop = While(p.test("!=", left, 0))
        with p.block(loop.body):
            p.add(Room(1, room), If(p.test("<", left, room), [Set(many, left)], [Set(many, room)]))
            p.map_block(node, "enumerate", at, many, number)
            p.add(Set(at, at, "+", many), Set(left, left, "-", many), Set(number, number, "+", many))
        p.add(loop)

    def each_byte(self, node: Expression, body: Each) -> bool:
        """Goes over standard input byte by byte, in blocks; False for anything else."""
        p = self.p
        if not self.is_source(node):
            return False
        numbered = isinstance(node, tree.Call)
        if numbered:
            self.count()
        loop = While(None)
        with p.block(loop.body):
            self.start_block()
            at, left = p.variable(), p.variable(0, 1 << 20)
            p.add(Set(at, Place("in")), Set(left, Place("available")))
            inner = While(p.test("!=", left, 0))
            number = p.copied(self.count()) if numbered else None
            with p.block(inner.body):
                element = p.variable(0, 255)
                p.add(LoadByte(element, at), Set(at, at, "+", 1), Set(left, left, "-", 1))
                item: Expression = p.tree(node, element)
                if number is not None:
                    here = p.copied(number)
                    p.add(Set(number, number, "+", 1))
                    item = tree.Tuple(node.span, (p.tree(node, here), item))
                body(item)
            p.add(inner)
            self.end_block()
        p.add(loop)
        return True

    def by_chunks(self, grouped: Chunks) -> None:
        """Groups that are complete first, whose size is known; then what is left."""
        p, start, width = self.p, self.count(), grouped.width
        whole = width + grouped.ahead
        loop, rest = While(None), While(p.test("!=", Place("available"), 0))
        with p.block(loop.body):
            p.add(Fill(whole), If(p.test("<", Place("available"), whole), [Break()]))
            address = p.variable()
            p.add(Set(address, Place("in")))
            self.put_chunk(grouped, p.buffer(address, whole))
            p.add(Consume(width), Set(start, start, "+", width))
        p.add(loop)
        if whole > 1:
            with p.block(rest.body):
                address, length, done = p.variable(), p.variable(1, whole - 1), p.variable(1, width)
                p.add(Set(address, Place("in")), Set(length, Place("available")))
                self.put_chunk(grouped, p.buffer(address, length))
                p.add(If(p.test("<", length, width), [Set(done, length)], [Set(done, width)]),
                      Set(start, start, "+", done), Consume(done))
            p.add(rest)

    def put_chunk(self, grouped: Chunks, source: Buffer) -> None:
        p, node = self.p, grouped.node
        # The variable goes on; within a group it stays.
        here = p.copied(self.count())
        env = {grouped.start: p.tree(node, here), CHUNK: tree.Name(node.span, source.name)}
        first, *others = node.clauses
        conditions = [substitute(c, env) for c in first.conditions]
        body: Expression = tree.List(node.span, (node.element,))
        if others:
            body = tree.Comprehension(node.span, node.element, tuple(others))
        body = substitute(body, env)
        p.when(conditions, lambda: p.put_sequence(body))

    def copy_slice(self, node: tree.Slice) -> None:
        p, zero = self.p, kinds.number(node, 0)
        start = p.integer(node.start) if node.start is not None else 0
        limit: Operand | None = None
        if node.stop is not None:
            stop = p.tree(node, p.integer(node.stop))
            limit = p.integer(kinds.call("max", kinds.binary("-", stop, p.tree(node, start)), zero))
        many = p.variable(0, 1 << 20)
        if start != 0:
            skip = p.copied(start)
            loop = While(p.test("!=", skip, 0))
            with p.block(loop.body):
                self.some(many, skip)
                p.add(Consume(many), Set(skip, skip, "-", many))
            p.add(loop)
        left = p.copied(limit) if limit is not None else None
        loop = While(p.test("!=", left, 0) if left is not None else None)
        with p.block(loop.body):
            self.some(many, left)
            p.add(PutMemory(Place("in"), many), Consume(many))
            if left is not None:
                p.add(Set(left, left, "-", many))
        p.add(loop)

    def some(self, many: Variable, most: Variable | None) -> None:
        """At least one byte of input, or out of the loop; `many` is how many there are, of those that are wanted."""
        p = self.p
        p.add(Fill(1), Set(many, Place("available")), If(p.test("==", many, 0), [Break()]))
        if most is not None:
            p.add(If(p.test("<", most, many), [Set(many, most)]))


def _segments(node: Expression) -> list[Expression]:
    """Parts of output, one after the other."""
    if isinstance(node, tree.Binary) and node.op == "+":
        return [*_segments(node.left), *_segments(node.right)]
    if isinstance(node, tree.Call) and node.function == "bytes" and kinds.kind(node.arguments[0]) == kinds.SEQUENCE \
            and isinstance(node.arguments[0], tree.Binary):
        return _segments(node.arguments[0])
    if isinstance(node, tree.Formatted):
        found: list[Expression] = []
        for part in node.parts:
            if isinstance(part, bytes):
                found.append(tree.Bytes(node.span, part))
            elif kinds.kind(part.value) == kinds.SEQUENCE and part.spec in ("", "s"):
                found += _segments(part.value)
            else:
                found.append(tree.Formatted(node.span, (part,)))
        return found
    return [node]
