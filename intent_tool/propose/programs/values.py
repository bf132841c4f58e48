"""Integers of a script: each expression becomes a call of a part, whose result has a variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from intent_tool.language import tree
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span, error
from intent_tool.language.oracle import Oracle, OracleFault
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.parts import SIGNED, UNSIGNED, Part, Parts
from intent_tool.propose.programs.resolve import free_names, fresh, rebuilt, substitute
from intent_tool.propose.programs.script import (
    Call,
    Fail,
    If,
    Operand,
    Place,
    Set,
    Statement,
    Test,
    Text,
    Variable,
)
from intent_tool.propose.programs.unparse import text_of

MOST_ARGUMENTS = 14
"""Of a part: six registers, and eight words of stack."""
MOST_VARIABLES = 240
FEW = 1024
"""Values of a variable that are tried one by one."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes in memory."""

    name: str
    address: Operand
    length: Variable | int


@dataclass
class Interface:
    """Of a part: what it is given. Names are the part's own, so that equal parts of a program are one."""

    parameters: list[str] = field(default_factory=list)
    arguments: tuple[Operand, ...] = ()
    requires: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """The part's names of the script's variables and buffers."""

    def text(self, node: Expression) -> str:
        return text_of(node, self.names)


@dataclass
class Values:
    program: Contract
    parts: Parts
    body: list[Statement] = field(default_factory=list)
    variables: dict[str, Variable] = field(default_factory=dict)
    buffers: dict[str, Buffer] = field(default_factory=dict)
    facts: list[Expression] = field(default_factory=list)
    """What holds at this place, over variables."""
    known: dict[str, Operand] = field(default_factory=dict)
    """What was computed on the way to this place, by its text."""
    holding: frozenset[str] = frozenset()
    """Texts of conditions that hold at this place."""
    narrowed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Variables of which more is known at this place."""
    defined: dict[str, Expression] = field(default_factory=dict)
    """Variables that are sums or differences of others."""
    finished: dict[str, dict[int, Variable]] = field(default_factory=dict)
    """The last states of folds that have put out what they had to, by the fold's text."""

    # Statements

    def add(self, *statements: Statement) -> None:
        self.body += statements

    @contextmanager
    def block(self, body: list[Statement]) -> Iterator[None]:
        """Statements go to `body`; what is known there is forgotten after."""
        kept = self.body, self.facts, self.known, self.narrowed, self.holding
        self.body, self.facts, self.known, self.narrowed = (
            body, list(self.facts), dict(self.known), dict(self.narrowed))
        yield
        self.body, self.facts, self.known, self.narrowed, self.holding = kept

    def variable(self, lo: int = UNSIGNED[0], hi: int = UNSIGNED[1]) -> Variable:
        if len(self.variables) >= MOST_VARIABLES:
            raise error("E714", f"cannot generate yet: a program with more than {MOST_VARIABLES} intermediate values",
                        self.program.span)
        made = Variable(len(self.variables), lo, hi)
        self.variables[made.name] = made
        return made

    def buffer(self, address: Operand, length: Variable | int) -> Buffer:
        made = Buffer(f"b{len(self.buffers)}", address, length)
        self.buffers[made.name] = made
        return made

    def tree(self, like: tree.Node, operand: Operand) -> Expression:
        if isinstance(operand, int):
            return kinds.number(like, operand)
        assert isinstance(operand, Variable)
        return tree.Name(like.span, operand.name)

    def kind(self, node: Expression) -> str:
        return kinds.kind(node, frozenset(self.buffers))

    def test(self, op: str, left: Operand, right: Operand) -> Test:
        ranges = [self.ends(x) for x in (left, right) if not isinstance(x, Place | Text)]
        assert self.are_comparable(left, right)
        return Test(op, left, right, any(lo < 0 for lo, _ in ranges))

    def are_comparable(self, *operands: Operand) -> bool:
        """Whether 64 bits tell these apart: not a number below 0 from one from 2**63 on."""
        ranges = [self.ends(x) for x in operands if not isinstance(x, Place | Text)]
        return not (any(lo < 0 for lo, _ in ranges) and any(hi >= 1 << 63 for _, hi in ranges))

    def ends(self, value: Operand) -> tuple[int, int]:
        """The least and the greatest value here."""
        if isinstance(value, Variable) and value.name in self.narrowed:
            return self.narrowed[value.name]
        return ends(value)

    def learn(self, *facts: Expression) -> None:
        """They hold from here on: also said of what variables are sums of, as a part may be given only that."""
        for fact in facts:
            self.facts.append(fact)
            further = substitute(fact, self.defined)
            if text_of(further) != text_of(fact):
                self.facts.append(further)

    def narrow(self, left: Operand, op: str, right: Operand) -> None:
        """What a comparison that holds says of a variable."""
        (a, b), (c, d) = self.ends(left), self.ends(right)
        found = {"==": ((max(a, c), min(b, d)),) * 2, "<": ((a, min(b, d - 1)), (max(c, a + 1), d)),
                 ">=": ((max(a, c), b), (c, min(d, b)))}.get(op, ())
        for value, (lo, hi) in zip((left, right), found, strict=False):
            if isinstance(value, Variable) and lo <= hi:
                self.narrowed[value.name] = lo, hi

    def cannot(self, what: str, span: Span, help: str | None = None) -> Exception:
        return error("E714", f"cannot generate yet: {what}", span, help)

    # Integers

    def computed(self, node: Expression) -> Operand:
        """The value of an expression over variables and buffers, by a part."""
        if isinstance(node, tree.Integer):
            return node.value
        if isinstance(node, tree.Name) and node.name in self.variables:
            return self.variables[node.name]
        node = self.powers(self.remembered(node))
        if isinstance(node, tree.Name) and node.name in self.variables:
            return self.variables[node.name]
        key = text_of(node)
        if key not in self.known:
            added = self.added(node)
            self.known[key] = self.by_part(node) if added is None else added
        return self.known[key]

    def remembered(self, node: Expression) -> Expression:
        """`node` with what is known already as variables: of these more may be known."""
        found = self.known.get(text_of(node))
        if isinstance(found, int | Variable):
            return self.tree(node, found)
        if isinstance(node, tree.Comprehension | tree.Lambda | tree.Bytes | tree.Integer | tree.Name):
            return node
        return rebuilt(node, lambda child: self.remembered(child) if not isinstance(child, tree.Clause) else child)

    def powers(self, node: Expression) -> Expression:
        """Powers whose exponent has become a variable of the script, as the language has it otherwise."""
        if isinstance(node, tree.Comprehension | tree.Lambda):
            return node
        if isinstance(node, tree.Binary) and node.op == "**" and not isinstance(node.right, tree.Integer):
            if isinstance(node.left, tree.Integer) and node.left.value == 2:
                return tree.Binary(node.span, "<<", kinds.number(node, 1), node.right)
            product, other = (tree.Name(node.span, fresh(name)) for name in ("p", "k"))
            step = tree.Lambda(node.span, (product.name, other.name), tree.Binary(
                node.span, "*", product, self.powers(node.left)))
            return tree.Call(node.span, "reduce", (step, tree.Call(node.span, "range", (node.right,)),
                                                   kinds.number(node, 1)))
        return rebuilt(node, self.powers)

    def added(self, node: Expression) -> Operand | None:
        """A sum or difference of what is there already, where it fits 64 bits."""
        if not isinstance(node, tree.Binary) or node.op not in "+-" or not (self.is_atom(node.left)
                                                                            and self.is_atom(node.right)):
            return None
        left, right = self.computed(node.left), self.computed(node.right)
        (a, b), (c, d) = self.ends(left), self.ends(right)
        lo, hi = (a + c, b + d) if node.op == "+" else (a - d, b - c)
        if not fits(lo, hi):
            return None
        result = self.variable(lo, hi)
        self.defined[result.name] = substitute(node, self.defined)
        self.add(Set(result, left, node.op, right))
        return result

    def is_atom(self, node: Expression) -> bool:
        return isinstance(node, tree.Integer) or (isinstance(node, tree.Name) and node.name in self.variables)

    def by_part(self, node: Expression) -> Operand:
        lo, hi = self.range_of(node)
        if lo == hi:
            return lo
        kept, is_checked = ((lo, hi), False) if fits(lo, hi) else (SIGNED if lo < 0 else UNSIGNED, True)
        face = self.interface([node])
        text = face.text(node)
        if is_checked:
            # A number that is too large for the machine ends the program, so it is never taken for another one.
            text = f"min({text}, {kept[1]})" if lo >= 0 else f"min(max({text}, {kept[0]}), {kept[1]})"
        part = self.parts.make("value", face.parameters, node.span, result="int64_t" if lo < 0 else "uint64_t",
                               requires=face.requires, returns=text, used=[node])
        result = self.variable(*kept)
        self.add(Call(part.symbol, face.arguments, result))
        if is_checked:
            for limit in kept if lo < 0 else kept[1:]:
                self.add(If(self.test("==", result, limit), [Fail()]))
        return result

    def range_of(self, node: Expression, ranges: Mapping[str, tuple[int, int]] = {}) -> tuple[int, int]:
        """The values of an integer; `ranges` are other ones of variables than they have."""
        face = self.interface([node], ranges)
        scratch = Parts(self.program)
        part = scratch.make("value", face.parameters, node.span, result="uint64_t", requires=face.requires,
                            returns=face.text(node), used=[node])
        found = scratch.elaborated(part, node.span).result
        assert found is not None
        if found.op != "const" and len(face.arguments) == 1 and isinstance(face.arguments[0], Variable):
            lo, hi = ranges.get(face.arguments[0].name, self.ends(face.arguments[0]))
            if hi - lo < FEW:
                return _tried(part, range(lo, hi + 1)) or (found.lo, found.hi)
        return found.lo, found.hi

    def interface(self, nodes: Sequence[Expression], ranges: Mapping[str, tuple[int, int]] = {}, *,
                  first: int = 0) -> Interface:
        """What a part needs for what is free in `nodes`; `first` registers are taken by others."""
        names = list(dict.fromkeys(name for node in nodes for name in free_names(node)
                                   if name in self.variables or name in self.buffers))
        face = Interface()
        lengths = [b.length.name for b in map(self.buffers.get, names) if b and isinstance(b.length, Variable)]
        for name in names:
            if name in self.buffers:
                self._pass_buffer(face, self.buffers[name])
        for name in names:
            if name in self.variables and name not in lengths:
                self._pass_variable(face, self.variables[name], ranges)
        for fact in self.facts:
            if set(free_names(fact)) <= face.names.keys():
                face.requires.append(face.text(fact))
        if len(face.arguments) + first > MOST_ARGUMENTS:
            raise self.cannot(f"an expression over more than {MOST_ARGUMENTS - first} values at once", nodes[0].span,
                              "compute parts of it in `where`")
        return face

    def _pass_buffer(self, face: Interface, buffer: Buffer) -> None:
        face.names[buffer.name] = f"data{len(face.names)}"
        face.arguments += (buffer.address,)
        if isinstance(buffer.length, int):
            face.parameters.append(f"const uint8_t {face.names[buffer.name]}[{buffer.length}]")
            return
        length = face.names.setdefault(buffer.length.name, f"n{len(face.names)}")
        face.parameters += [f"const uint8_t {face.names[buffer.name]}[{length}]", f"size_t {length}"]
        face.arguments += (buffer.length,)
        if buffer.length.lo > 0:
            face.requires.append(f"{length} >= {buffer.length.lo}")
        if buffer.length.hi < 1 << 47:
            face.requires.append(f"{length} <= {buffer.length.hi}")

    def _pass_variable(self, face: Interface, variable: Variable, ranges: Mapping[str, tuple[int, int]]) -> None:
        lo, hi = ranges.get(variable.name, self.ends(variable))
        # The narrower the type, the narrower the vectors in which it is compared.
        type_, whole = ("int64_t", SIGNED) if lo < 0 else ("uint8_t", (0, 255)) if hi < 256 else \
            ("uint16_t", (0, 65535)) if hi < 65536 else ("uint64_t", UNSIGNED)
        name = face.names[variable.name] = f"v{len(face.names)}"
        face.parameters.append(f"{type_} {name}")
        face.arguments += (variable,)
        face.requires += [f"{name} >= {lo}"] if lo > whole[0] else []
        face.requires += [f"{name} <= {hi}"] if hi < whole[1] else []

    def assign(self, target: Variable, value: Operand) -> None:
        if value is not target:
            self.add(Set(target, value))

    def copied(self, value: Operand) -> Variable:
        """A variable of its own with that value, which may be changed."""
        lo, hi = (value, value) if isinstance(value, int) else (value.lo, value.hi)  # type: ignore[union-attr]
        made = self.variable(lo, hi)
        self.assign(made, value)
        return made


def _tried(part: Part, values: range) -> tuple[int, int] | None:
    """The exact range of a function of one integer; None where it has no value for one of these."""
    oracle = Oracle(part.contract)
    try:
        results = [oracle.returns((v,)) for v in values if oracle.requires((v,))]
    except OracleFault:
        return None
    return (min(results), max(results)) if results else None


def ends(value: Operand) -> tuple[int, int]:
    """The least and the greatest value."""
    if isinstance(value, int):
        return value, value
    assert isinstance(value, Variable)
    return value.lo, value.hi


def fits(lo: int, hi: int) -> bool:
    return (lo >= 0 and hi <= UNSIGNED[1]) or (lo >= SIGNED[0] and hi <= SIGNED[1])
