"""Expressions as Python's own syntax trees, which CPython compiles: contracts are Python, so Python evaluates them.

Sequences are tuples (in programs also byte strings). Each generated node's line number is the index of the
contract's node that it stands for, so that a traceback tells the place of a fault."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span
from intent_tool.language.fold import constant_definitions
from intent_tool.language.interval import Interval, interval, parameter_intervals
from intent_tool.language.sorts import (
    INTEGER,
    SEQUENCE,
    SEQUENCE_OF_SEQUENCES,
    definition_sorts,
    signature_sorts,
    sort_of,
)
from intent_tool.language.tree import (
    Binary,
    Bytes,
    Call,
    CallDefinition,
    CallIntent,
    Clause,
    Compare,
    Comprehension,
    Conditional,
    Expression,
    Formatted,
    FunctionReference,
    Index,
    Integer,
    Lambda,
    List,
    Logical,
    Name,
    Node,
    Pattern,
    Slice,
    Tuple,
    Unary,
)
from intent_tool.language.vocabulary import CASTS
from intent_tool.language.walk import Size, definition_reads, pattern_names, unfolded_size

FILE_NAME = "<contract>"

_OPERATORS: dict[str, Callable[[], ast.operator]] = {
    "+": ast.Add, "-": ast.Sub, "*": ast.Mult, "//": ast.FloorDiv, "%": ast.Mod, "**": ast.Pow, "<<": ast.LShift,
    ">>": ast.RShift, "&": ast.BitAnd, "|": ast.BitOr, "^": ast.BitXor}
_COMPARISONS: dict[str, Callable[[], ast.cmpop]] = {
    "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq, "in": ast.In,
    "not in": ast.NotIn}
_LAZY = frozenset({"zip", "enumerate"})

_A = TypeVar("_A", bound=ast.expr)


@dataclass(frozen=True, slots=True)
class Environment:
    """What names mean at a place, and what is known of them. `bound` are local variables; the rest are
    parameters."""

    bound: frozenset[str] = frozenset()
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    sorts: Mapping[str, str | None] = field(default_factory=dict)

    def with_locals(self, names: Mapping[str, Interval]) -> Environment:
        return Environment(self.bound | frozenset(names), {**self.intervals, **names},
                           {**self.sorts, **{n: INTEGER if known else None for n, known in names.items()}})


class Generator:
    """Generates the Python of one contract. `spans` has the places by line number."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.is_program = contract.signature is None
        self.spans: list[Span] = [contract.span]
        self.constants = constant_definitions(contract.where)
        self.sizes: dict[str, Size] = {}
        self.reads = definition_reads(contract.where)
        self.lazy: set[str] = set()
        for name, definition in contract.where.items():
            self.sizes[name] = unfolded_size(definition.body, self.sizes)
            if self.is_lazy(definition.body):
                self.lazy.add(name)
        sorts: dict[str, str | None] = {"stdin": SEQUENCE, "args": SEQUENCE_OF_SEQUENCES}
        if contract.signature is not None:
            sorts = {**signature_sorts(contract.signature), "result": INTEGER}
        self.environment = Environment(intervals=parameter_intervals(contract), sorts=sorts)
        self.sorts = definition_sorts(contract.where, sorts)

    # Functions.

    def definitions(self) -> list[ast.stmt]:
        """One function for each definition: its own parameters first, then those of the contract that it reads."""
        found: list[ast.stmt] = []
        for name, definition in self.contract.where.items():
            if name in self.constants:
                continue
            environment = self.environment.with_locals(dict.fromkeys(definition.parameters or ()))
            body = definition.body
            result = self.iterable(body, environment) if name in self.lazy else self.value(body, environment)
            parameters = [f"v_{p}" for p in definition.parameters or ()] + [f"p_{p}" for p in self.lifted(name)]
            found.append(function(f"d_{name}", parameters, [ast.Return(result)]))
        return found

    def lifted(self, definition: str) -> list[str]:
        """The contract's parameters that a definition's function takes after its own."""
        return sorted(self.reads[definition])

    def at(self, node: Node, made: _A) -> _A:
        """`made`, at the place of `node`."""
        self.spans.append(node.span)
        made.lineno = made.end_lineno = len(self.spans) - 1
        made.col_offset = made.end_col_offset = 0
        return made

    # Values: integers, tuples, and bytes in programs.

    def value(self, node: Expression, env: Environment) -> ast.expr:
        """The value of an expression; sequences complete, not as iterators."""
        if self.is_lazy(node) or isinstance(node, Comprehension) or (
                isinstance(node, Call) and node.function == "range"):
            return self.at(node, call("sequence", self.iterable(node, env)))
        made = getattr(self, "value_" + type(node).__name__)(node, env)
        assert isinstance(made, ast.expr)
        return made if hasattr(made, "lineno") else self.at(node, made)

    def is_lazy(self, node: Expression) -> bool:
        """Whether evaluation gives an iterator, whose elements come as they are asked for."""
        if isinstance(node, Comprehension):
            return not node.is_list
        if isinstance(node, Conditional):
            return self.is_lazy(node.then) or self.is_lazy(node.otherwise)
        if isinstance(node, CallDefinition):
            return node.name in self.lazy
        return isinstance(node, Call) and node.function in _LAZY

    def iterable(self, node: Expression, env: Environment, weight: int = 1) -> ast.expr:
        """What one walk over the sequence needs; charged with `weight` for each element."""
        if isinstance(node, Comprehension):
            return self.comprehension(node, env)
        if isinstance(node, Conditional) and self.is_lazy(node):
            return self.at(node, ast.IfExp(self.value(node.test, env), self.iterable(node.then, env, weight),
                                           self.iterable(node.otherwise, env, weight)))
        if isinstance(node, Call) and node.function in _LAZY:
            sequences = node.arguments[:1] if node.function == "enumerate" else node.arguments
            parts = [self.iterable(a, env, weight) for a in sequences]
            parts += [self.value(a, env) for a in node.arguments[len(parts):]]
            return self.at(node, call(node.function, *parts))
        if isinstance(node, CallDefinition) and self.is_lazy(node):
            made: ast.expr = self.value_CallDefinition(node, env)
        elif isinstance(node, Call) and node.function == "range":
            made = call("range", *(self.value(a, env) for a in node.arguments))
        else:
            made = self.value(node, env)
        extra = [] if weight == 1 else [ast.Constant(weight)]
        return self.at(node, call("each", made, *extra))

    def comprehension(self, node: Comprehension, env: Environment) -> ast.expr:
        inner, generators = env, []
        body = unfolded_size(node.element, self.sizes).nodes + sum(
            unfolded_size(c, self.sizes).nodes for clause in node.clauses for c in clause.conditions)
        for clause in node.clauses:
            sequence = self.iterable(clause.sequence, inner, 1 + body // 16)
            known: dict[str, Interval] = dict.fromkeys(pattern_names(clause.target))
            if clause.target.name is not None:
                known[clause.target.name] = self.elements(clause, inner)
            inner = inner.with_locals(known)
            conditions = [self.value(c, inner) for c in clause.conditions]
            generators.append(ast.comprehension(_target(clause.target), sequence, conditions, 0))
        element = self.value(node.element, inner)
        made = ast.ListComp(element, generators) if node.is_list else ast.GeneratorExp(element, generators)
        return self.at(node, made)

    def elements(self, clause: Clause, env: Environment) -> Interval:
        """The range of the elements that a clause goes over."""
        sequence = clause.sequence
        if isinstance(sequence, Name) and env.sorts.get(sequence.name) == SEQUENCE:
            return env.intervals.get(sequence.name)
        if isinstance(sequence, Call) and sequence.function == "range" and len(sequence.arguments) < 3:
            ends = [interval(a, env.intervals, self.contract) for a in sequence.arguments]
            stop, start = ends[-1], ends[0] if len(ends) == 2 else (0, 0)
            return (start[0], max(start[0], stop[1] - 1)) if start is not None and stop is not None else None
        return None

    def value_Integer(self, node: Integer, env: Environment) -> ast.expr:
        return ast.Constant(node.value)

    def value_Bytes(self, node: Bytes, env: Environment) -> ast.expr:
        return _constant(node.value if self.is_program else tuple(node.value))

    def value_Name(self, node: Name, env: Environment) -> ast.expr:
        return name(f"v_{node.name}" if node.name in env.bound else f"p_{node.name}")

    def value_Unary(self, node: Unary, env: Environment) -> ast.expr:
        operand = self.value(node.operand, env)
        if node.op == "not":
            return ast.UnaryOp(ast.Not(), operand)
        if node.op == "~":
            # Python warns of `~` on truth values, and for integers this is the same.
            return ast.BinOp(ast.Constant(-1), ast.Sub(), operand)
        return ast.UnaryOp(ast.USub() if node.op == "-" else ast.UAdd(), operand)

    def value_Binary(self, node: Binary, env: Environment) -> ast.expr:
        left, right = self.value(node.left, env), self.value(node.right, env)
        guard = {"*": "multiply", "<<": "shift_left", "**": "power"}.get(node.op)
        if guard is not None and interval(node, env.intervals, self.contract) is None:
            return call(guard, left, right)
        if node.op == "+" and self.is_program and INTEGER not in {
                sort_of(side, env.sorts, self.sorts) for side in (node.left, node.right)}:
            return call("add", left, right)
        return ast.BinOp(left, _OPERATORS[node.op](), right)

    def value_Compare(self, node: Compare, env: Environment) -> ast.expr:
        operands = [node.first, *(operand for _, operand in node.rest)]
        ops = [op for op, _ in node.rest]
        if any(op in {"in", "not in"} for op in ops):
            if len(ops) == 1:
                return self.membership(operands[0], ops[0], operands[1], env)
            # `a in b in c` is `a in b and b in c`; such chains are rare enough to evaluate `b` twice.
            pairs = [Compare(node.span, a, ((op, b),)) for a, op, b in zip(operands, ops, operands[1:], strict=False)]
            return ast.BoolOp(ast.And(), [self.value(p, env) for p in pairs])
        if not self.is_program or INTEGER in {sort_of(o, env.sorts, self.sorts) for o in operands}:
            return self.chain([self.value(o, env) for o in operands], ops)
        return self.chain([call("comparable", self.value(o, env)) for o in operands], ops)

    def membership(self, element: Expression, op: str, sequence: Expression, env: Environment) -> ast.expr:
        made = self.value(element, env)
        if self.is_program:
            found = call("contains", made, self.value(sequence, env))
            return found if op == "in" else ast.UnaryOp(ast.Not(), found)
        if isinstance(sequence, Call) and sequence.function == "range":
            # Python looks into a range without walking it.
            return self.chain([made, call("range", *(self.value(a, env) for a in sequence.arguments))], [op])
        return self.chain([made, self.iterable(sequence, env)], [op])

    @staticmethod
    def chain(operands: list[ast.expr], ops: list[str]) -> ast.expr:
        return ast.Compare(operands[0], [_COMPARISONS[op]() for op in ops], operands[1:])

    def value_Logical(self, node: Logical, env: Environment) -> ast.expr:
        op = ast.And() if node.op == "and" else ast.Or()
        return ast.BoolOp(op, [self.value(o, env) for o in node.operands])

    def value_Conditional(self, node: Conditional, env: Environment) -> ast.expr:
        return ast.IfExp(self.value(node.test, env), self.value(node.then, env), self.value(node.otherwise, env))

    def value_Tuple(self, node: Tuple, env: Environment) -> ast.expr:
        return ast.Tuple([self.value(i, env) for i in node.items], ast.Load())

    def value_List(self, node: List, env: Environment) -> ast.expr:
        numbers = [i.value for i in node.items if isinstance(i, Integer)]
        if len(numbers) == len(node.items):
            return _constant(tuple(numbers))
        return ast.Tuple([self.value(i, env) for i in node.items], ast.Load())

    def value_Index(self, node: Index, env: Environment) -> ast.expr:
        return ast.Subscript(self.value(node.sequence, env), self.value(node.index, env), ast.Load())

    def value_Slice(self, node: Slice, env: Environment) -> ast.expr:
        bounds = [self.value(b, env) if b is not None else None for b in (node.start, node.stop)]
        return ast.Subscript(self.value(node.sequence, env), ast.Slice(bounds[0], bounds[1], None), ast.Load())

    def value_CallDefinition(self, node: CallDefinition, env: Environment) -> ast.expr:
        if node.arguments is None and node.name in self.constants:
            return self.at(node, ast.Constant(self.constants[node.name]))
        arguments = [self.value(a, env) for a in node.arguments or ()]
        return self.at(node, call(f"d_{node.name}", *arguments, *(name(f"p_{p}") for p in self.lifted(node.name))))

    def value_CallIntent(self, node: CallIntent, env: Environment) -> ast.expr:
        return call(f"f_{node.name}", *(self.value(a, env) for a in node.arguments))

    def value_Formatted(self, node: Formatted, env: Environment) -> ast.expr:
        parts: list[ast.expr] = []
        for part in node.parts:
            if isinstance(part, bytes):
                parts.append(ast.Constant(part))
            else:
                parts.append(self.at(part, call("formatted", self.value(part.value, env), ast.Constant(part.spec))))
        return call("concatenate", ast.Tuple(parts, ast.Load()))

    def function_value(self, node: Expression, env: Environment) -> ast.expr:
        """The function that `reduce` calls."""
        if isinstance(node, Lambda):
            inner = env.with_locals(dict.fromkeys(node.parameters))
            body = self.value(node.body, inner)
            return self.at(node, ast.Lambda(arguments([f"v_{p}" for p in node.parameters]), body))
        assert isinstance(node, FunctionReference)
        if node.kind == "builtin":
            return self.at(node, name(node.name))
        if node.kind == "intent":
            return self.at(node, name(f"f_{node.name}"))
        lifted = self.lifted(node.name)
        if not lifted and node.name not in self.lazy:
            return self.at(node, name(f"d_{node.name}"))
        body = call(f"d_{node.name}", name("a"), name("b"), *(name(f"p_{p}") for p in lifted))
        if node.name in self.lazy:
            body = call("sequence", body)
        return self.at(node, ast.Lambda(arguments(["a", "b"]), body))

    def value_Call(self, node: Call, env: Environment) -> ast.expr:
        function, given = node.function, node.arguments
        if function in CASTS:
            return _cast(self.value(given[0], env), *CASTS[function])
        if function == "reduce":
            body = given[0].body if isinstance(given[0], Lambda) else given[0]
            weight = 1 + unfolded_size(body, self.sizes).nodes // 16
            return call("reduce", self.function_value(given[0], env), self.iterable(given[1], env),
                        self.value(given[2], env), ast.Constant(weight))
        if function in {"any", "all"}:
            return call(function, self.iterable(given[0], env))
        if function == "sum":
            return call("sum", self.iterable(given[0], env), *(self.value(a, env) for a in given[1:]))
        if function in {"sorted", "reversed", "bytes"}:
            helper = {"sorted": "ordered", "reversed": "reverse"}.get(
                function, "byte_string" if self.is_program else "byte_tuple")
            made = self.iterable(given[0], env) if self.is_lazy(given[0]) else self.value(given[0], env)
            return call(helper, made)
        if function == "next":
            return call("next", self.iterable(given[0], env), self.value(given[1], env))
        if function == "len":
            is_range = isinstance(given[0], Call) and given[0].function == "range"
            return call("len", call("range", *(self.value(a, env) for a in given[0].arguments)) if isinstance(
                given[0], Call) and is_range else self.value(given[0], env))
        if function in {"min", "max"} and len(given) == 1:
            return call(function, self.iterable(given[0], env))
        made_arguments = [self.value(a, env) for a in given]
        helper = {"pow": "modular_power", "int": "integer_of"}.get(function, function)
        short = self.short_form(node, env, made_arguments)
        return short if short is not None else call(helper, *made_arguments)

    def short_form(self, node: Call, env: Environment, made: list[ast.expr]) -> ast.expr | None:
        """The same without a call of a helper, where the arguments are known to need no check."""
        function, given = node.function, node.arguments
        if function in {"min", "max"} and len(given) == 2 and all(isinstance(a, (Name, Integer)) for a in given):
            second = ast.Compare(made[1], [ast.Lt() if function == "min" else ast.Gt()], [made[0]])
            return ast.IfExp(second, self.value(given[1], env), self.value(given[0], env))
        known = interval(given[0], env.intervals, self.contract) if given else None
        widths = [a.value for a in given[1:] if isinstance(a, Integer)]
        if function == "bits" and len(widths) == 2:
            shifted = ast.BinOp(made[0], ast.RShift(), ast.Constant(widths[1]))
            return ast.BinOp(shifted, ast.BitAnd(), ast.Constant((1 << (widths[0] - widths[1] + 1)) - 1))
        if known is None or known[0] < 0 or isinstance(given[0], Integer):
            return None
        if function in {"popcount", "parity"}:
            count = ast.Call(ast.Attribute(made[0], "bit_count", ast.Load()), [], [])
            return count if function == "popcount" else ast.BinOp(count, ast.BitAnd(), ast.Constant(1))
        if function == "clz" and known[1] < 1 << widths[0]:
            length = ast.Call(ast.Attribute(made[0], "bit_length", ast.Load()), [], [])
            return ast.BinOp(ast.Constant(widths[0]), ast.Sub(), length)
        return None


def integer(node: Expression, made: ast.expr) -> ast.expr:
    """The value as an integer, where it may be a truth value."""
    truth = isinstance(node, (Compare, Logical, Conditional, Name, Index, CallDefinition, Call)) or (
        isinstance(node, Unary) and node.op == "not") or (isinstance(node, Binary) and node.op in {"&", "|", "^"})
    if not truth:
        return made
    plus = ast.UnaryOp(ast.UAdd(), made)
    return ast.copy_location(plus, made)


def name(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Load())


def call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(name(function), list(arguments), [])


def arguments(names: list[str]) -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[ast.arg(n) for n in names], kwonlyargs=[], kw_defaults=[], defaults=[])


def function(identifier: str, parameters: list[str], body: list[ast.stmt]) -> ast.stmt:
    made: Any = ast.FunctionDef(name=identifier, args=arguments(parameters), body=body, decorator_list=[])
    if "type_params" in ast.FunctionDef._fields:
        made.type_params = []
    return made  # type: ignore[no-any-return]


def _constant(value: Any) -> ast.expr:
    """A tuple is no literal of Python, but a constant of its compiler."""
    return ast.Constant(value)


def _target(pattern: Pattern) -> ast.expr:
    if pattern.name is not None:
        return ast.Name(f"v_{pattern.name}", ast.Store())
    return ast.Tuple([_target(item) for item in pattern.items], ast.Store())


def _cast(value: ast.expr, width: int, signed: bool) -> ast.expr:
    """Two's complement: the low bits, and for a signed type the top one counts negative."""
    low = ast.BinOp(value, ast.BitAnd(), ast.Constant((1 << width) - 1))
    if not signed:
        return low
    sign = 1 << (width - 1)
    return ast.BinOp(ast.BinOp(low, ast.BitXor(), ast.Constant(sign)), ast.Sub(), ast.Constant(sign))
