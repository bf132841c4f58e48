"""Expressions: from text to the tree, by way of Python's own parser and an allowlist.

Whatever of Python is not in the language is refused with a message that says what to write instead."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from intent_tool.language import refused
from intent_tool.language.contract import Definition, Signature
from intent_tool.language.diagnostics import IntentError, Span, error
from intent_tool.language.fold import MAX_BITS, constant
from intent_tool.language.format_spec import check_format
from intent_tool.language.python_syntax import Places, parse_python
from intent_tool.language.sorts import FUNCTION, INTEGER, SEQUENCE, TUPLE, is_sequence, sort_of
from intent_tool.language.text import Text
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
    FormattedField,
    FunctionReference,
    Index,
    Integer,
    Lambda,
    List,
    Logical,
    Name,
    Pattern,
    Slice,
    Tuple,
    Unary,
)
from intent_tool.language.vocabulary import BUILTINS, PASSED_BY_NAME, USAGE, WIDTH_ARGUMENT, name_problem


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use."""

    variables: Mapping[str, str | None]
    """Parameters, `result`, `stdin`, `args` with their sorts (see `sorts`)."""
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    sorts: Mapping[str, str | None] = field(default_factory=dict)
    """The sorts of the definitions' values."""
    constants: Mapping[str, int] = field(default_factory=dict)
    """The values of the definitions that are constants."""
    intents: Mapping[str, Signature] = field(default_factory=dict)
    """Functions that may be called: used ones, and in examples the intent's own."""
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Names that exist, but not here, and why."""
    is_program: bool = False


def parse_expression(text: Text, scope: Scope, parameters: tuple[str, ...] = ()) -> Expression:
    """The tree of an expression; `parameters` are a definition's. Raises `IntentError` with the place."""
    body, places = parse_python(text)
    if isinstance(body, ast.GeneratorExp) and body.col_offset == 0:
        raise error("E307", "a generator expression needs parentheses of its own", text.span(),
                    "write `(… for … in …)`")
    return _Builder(places, scope, dict.fromkeys(parameters)).value(body)


def parse_keywords(text: Text, scope: Scope) -> dict[str, tuple[Expression, Span]]:
    """``a=1, b=[2, 3]`` as expressions by name, each with the place of its name."""
    call, places = parse_python(text, "f(")
    builder = _Builder(places, scope, {})
    if not isinstance(call, ast.Call) or call.col_offset != 0 or call.args or not isinstance(call.func, ast.Name):
        where = call.args[0] if isinstance(call, ast.Call) and call.args else None
        raise error("E308", "`given` lists arguments by name", builder.span(where) if where else text.span(),
                    "write them as in `given: a=1, data=[2, 3], n=2`")
    found: dict[str, tuple[Expression, Span]] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise error("E308", "`given` lists arguments by name", builder.span(keyword.value))
        place = builder.span(keyword)
        place = replace(place, length=len(keyword.arg))
        if keyword.arg in found:
            raise error("E308", f"`{keyword.arg}` is given twice", place)
        found[keyword.arg] = (builder.value(keyword.value), place)
    return found


_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.LShift: "<<",
    ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}
_UNARY: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in",
    ast.NotIn: "not in"}

class _Builder:
    """Builds the tree of a part of an expression. `bound` has the local variables, with the greatest value of those
    that go over a constant range; `later` has those that the comprehension binds only further on."""

    def __init__(self, places: Places, scope: Scope, bound: Mapping[str, int | None],
                 later: frozenset[str] = frozenset()) -> None:
        self.places = places
        self.scope = scope
        self.bound = bound
        self.later = later

    def span(self, node: ast.expr | ast.arg | ast.keyword) -> Span:
        return self.places.span(node)

    def sort(self, node: Expression) -> str | None:
        variables = {**self.scope.variables, **dict.fromkeys(self.bound)}
        return sort_of(node, variables, self.scope.sorts)

    def build(self, node: ast.expr) -> Expression:
        method = getattr(self, "build_" + type(node).__name__, None)
        if method is None:
            what, instead = refused.SYNTAX.get(type(node), (f"`{type(node).__name__}`", ""))
            raise error("E320", f"{what} is not part of the language", self.span(node), instead or None)
        built: Expression = method(node)
        return built

    def value(self, node: ast.expr) -> Expression:
        """A subexpression that must not be a function."""
        built = self.build(node)
        if self.sort(built) == FUNCTION:
            raise error("E321", "a function is not a value", built.span, "only `reduce` takes a function")
        return built

    def integer(self, node: ast.expr, what: str) -> Expression:
        built = self.value(node)
        sort = self.sort(built)
        if is_sequence(sort) or sort == TUPLE:
            raise error("E322", f"{what} must be an integer, not a {sort}", built.span)
        return built

    def sequence(self, node: ast.expr, what: str) -> Expression:
        built = self.value(node)
        if self.sort(built) == INTEGER:
            raise error("E322", f"{what} must be a sequence, not an integer", built.span,
                        "write `range(n)` to count" if what == "what `for` goes over" else None)
        return built

    def build_Constant(self, node: ast.Constant) -> Expression:
        span, value = self.span(node), node.value
        if isinstance(value, int):
            if int(value).bit_length() > MAX_BITS:
                raise error("E306", f"a number of more than {MAX_BITS} bits", span)
            return Integer(span, int(value))
        if isinstance(value, bytes):
            return Bytes(span, value)
        if isinstance(value, str):
            if self.scope.is_program:
                raise error("E323", "a text has no bytes yet", span, 'write b"…", or f"…" for UTF-8 and fields')
            raise error("E323", "texts are not part of contracts", span,
                        'write ord("a") for one character, b"…" for bytes')
        if isinstance(value, (float, complex)):
            raise error("E306", "contracts have integers only", span, "write a quotient with `//`")
        instead = "write 0, or `a if c else b`" if value is None else None
        raise error("E320", f"`{'None' if value is None else '...'}` is not part of the language", span, instead)

    def build_Name(self, node: ast.Name) -> Expression:
        span, name = self.span(node), node.id
        if name in self.later:
            raise error("E324", f"`{name}` is bound only later in this comprehension", span)
        if name in self.bound:
            return Name(span, name)
        if name in self.scope.definitions:
            if self.scope.definitions[name].parameters is None:
                return CallDefinition(span, name, None)
            raise error("E321", f"`{name}` is a definition with parameters", span, f"call it: `{self.usage(name)}`")
        if name in self.scope.variables:
            return Name(span, name)
        if name in BUILTINS or name in self.scope.intents:
            raise error("E321", f"`{name}` is a function", span, f"call it: `{self.usage(name)}`")
        raise self.unknown(name, span)

    def usage(self, name: str) -> str:
        if name in self.scope.definitions:
            return f"{name}({', '.join(self.scope.definitions[name].parameters or ())})"
        if name in self.scope.intents:
            return f"{name}({', '.join(p.name for p in self.scope.intents[name].parameters)})"
        return USAGE.get(name, f"{name}(x)" if BUILTINS.get(name) == (1, 1) else f"{name}(…)")

    def unknown(self, name: str, span: Span, is_call: bool = False) -> IntentError:
        if name in self.scope.hidden:
            return error("E325", f"`{name}` cannot be used here: {self.scope.hidden[name]}", span)
        if name in {"true", "false"}:
            return error("E325", f"`{name}` is not known", span, f"write `{name.capitalize()}`")
        if name.startswith("_") and name != "_":
            return error("E325", f"`{name}`: names that start with `_` are not part of the language", span)
        if name in refused.FUNCTIONS:
            return error("E325", f"`{name}` is not part of the language", span, refused.FUNCTIONS[name])
        known = [*self.bound, *self.scope.definitions, *self.scope.variables, *self.scope.intents, *BUILTINS]
        near = difflib.get_close_matches(name, known, 1, 0.6)
        if not near and name == "result":
            return error("E325", "`result` is known in `ensures` and `then` only", span)
        callable_help = "name it in `where`, or list its file in `uses`" if is_call else None
        return error("E325", f"`{name}` is not known", span, f"did you mean `{near[0]}`?" if near else callable_help)

    def build_UnaryOp(self, node: ast.UnaryOp) -> Expression:
        op = _UNARY[type(node.op)]
        operand = self.value(node.operand) if op == "not" else self.integer(node.operand, f"the operand of `{op}`")
        return Unary(self.span(node), op, operand)

    def build_BinOp(self, node: ast.BinOp) -> Expression:
        span = self.span(node)
        op = _BINARY.get(type(node.op))
        if op is None:
            division = isinstance(node.op, ast.Div)
            raise error("E320", f"`{'/' if division else '@'}` is not part of the language", span,
                        "write `//`, which rounds down" if division else None)
        if op == "+":
            return self.addition(node, span)
        left = self.integer(node.left, f"the left operand of `{op}`")
        if op == "**":
            return self.power(left, node.right, span)
        right = self.integer(node.right, f"the right operand of `{op}`")
        count = constant(right, self.scope.constants) if op in {"<<", ">>"} else None
        if count is not None and (count < 0 or (op == "<<" and count > MAX_BITS)):
            raise error("E326", f"a shift by {_short(count)}", right.span)
        if op in {"//", "%"} and constant(right, self.scope.constants) == 0:
            raise error("E326", f"`{op}` by zero", right.span)
        return Binary(span, op, left, right)

    def addition(self, node: ast.BinOp, span: Span) -> Expression:
        left, right = self.value(node.left), self.value(node.right)
        sorts = self.sort(left), self.sort(right)
        if INTEGER in sorts and any(is_sequence(s) or s == TUPLE for s in sorts):
            wrong = right if sorts[0] == INTEGER else left
            raise error("E322", f"`+` cannot add an integer and a {self.sort(wrong)}", wrong.span,
                        "write `sum(data)` to add its elements" if SEQUENCE in sorts else None)
        return Binary(span, "+", left, right)

    def power(self, base: Expression, exponent: ast.expr, span: Span) -> Expression:
        right = self.integer(exponent, "an exponent")
        greatest = value = constant(right, self.scope.constants)
        if value is None and isinstance(right, Name):
            greatest = self.bound.get(right.name)
        if greatest is None:
            folded = constant(base, self.scope.constants)
            raise error("E327", "the exponent of `**` must be a constant, or a variable over a constant range",
                        right.span, "write `1 << n` for a power of two" if folded == 2 else
                        "write pow(base, exponent, modulus), or fold with `reduce`")
        if value is not None and value < 0:
            raise error("E327", "the exponent of `**` is negative", right.span)
        folded = constant(base, self.scope.constants)
        if greatest > MAX_BITS or (folded is not None and folded.bit_length() * greatest > MAX_BITS + 64):
            raise error("E327", f"a power of more than {MAX_BITS} bits", span)
        return Binary(span, "**", base, Integer(right.span, value) if value is not None else right)

    def build_Compare(self, node: ast.Compare) -> Expression:
        first = left = self.value(node.left)
        rest = []
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            right = self.value(operand)
            op = _COMPARE.get(type(operator))
            if op is None:
                negative = isinstance(operator, ast.IsNot)
                raise error("E320", f"`{'is not' if negative else 'is'}` is not part of the language", right.span,
                            f"write `{'!=' if negative else '=='}`")
            sorts = self.sort(left), self.sort(right)
            if op in {"in", "not in"}:
                if sorts[1] == INTEGER:
                    raise error("E322", f"`{op}` looks in a sequence, not in an integer", right.span)
                if is_sequence(sorts[0]) and not self.scope.is_program:
                    raise error("E322", f"`{op}` looks for one element, not for a sequence", left.span,
                                "compare slices: `any(data[i:i + 2] == b\"ab\" for i in range(len(data)))`")
            elif INTEGER in sorts and any(is_sequence(s) or s == TUPLE for s in sorts):
                raise error("E322", f"`{op}` cannot compare an integer with a "
                            f"{sorts[1] if sorts[0] == INTEGER else sorts[0]}", right.span)
            rest.append((op, right))
            left = right
        return Compare(self.span(node), first, tuple(rest))

    def build_BoolOp(self, node: ast.BoolOp) -> Expression:
        op = "and" if isinstance(node.op, ast.And) else "or"
        return Logical(self.span(node), op, tuple(self.value(v) for v in node.values))

    def build_IfExp(self, node: ast.IfExp) -> Expression:
        return Conditional(self.span(node), self.value(node.test), self.value(node.body), self.value(node.orelse))

    def build_Tuple(self, node: ast.Tuple) -> Expression:
        return Tuple(self.span(node), tuple(self.value(e) for e in node.elts))

    def build_List(self, node: ast.List) -> Expression:
        return List(self.span(node), tuple(self.value(e) for e in node.elts))

    def build_Subscript(self, node: ast.Subscript) -> Expression:
        span, sequence = self.span(node), self.value(node.value)
        if self.sort(sequence) == INTEGER:
            raise error("E322", "an integer has no elements", sequence.span,
                        "write `bits(x, high, low)` for its bits")
        if isinstance(node.slice, ast.Slice):
            if node.slice.step is not None:
                raise error("E320", "a slice with a step is not part of the language", span,
                            "write `reversed(data)`, or `(data[i] for i in range(start, stop, step))`")
            bounds = [self.integer(b, "a bound of a slice") if b is not None else None
                      for b in (node.slice.lower, node.slice.upper)]
            return Slice(span, sequence, bounds[0], bounds[1])
        index = self.integer(node.slice, "an index")
        if self.sort(sequence) == TUPLE and constant(index, self.scope.constants) is None:
            raise error("E328", "a tuple is indexed by constants only", index.span, "write a list, `[a, b]`")
        return Index(span, sequence, index)

    def build_Attribute(self, node: ast.Attribute) -> Expression:
        raise error("E320", f"`.{node.attr}` is not part of the language", self.span(node),
                    refused.METHODS.get(node.attr))

    def build_Lambda(self, node: ast.Lambda) -> Expression:
        arguments = node.args
        span = self.span(node)
        if arguments.posonlyargs or arguments.vararg or arguments.kwonlyargs or arguments.kwarg or arguments.defaults:
            raise error("E329", "a lambda has plain parameters only", span)
        names = tuple(a.arg for a in arguments.args)
        for argument in arguments.args:
            self.check_local(argument.arg, self.span(argument))
        if len(set(names)) != len(names):
            raise error("E329", "two parameters of a lambda have the same name", span)
        return Lambda(span, names, self.inner(dict.fromkeys(names)).value(node.body))

    def inner(self, names: Mapping[str, int | None], later: frozenset[str] = frozenset()) -> _Builder:
        """The builder for a part in which `names` are bound too, and `later` are not yet."""
        return _Builder(self.places, self.scope, {**self.bound, **names}, (self.later - frozenset(names)) | later)

    def check_local(self, name: str, span: Span) -> None:
        problem = name_problem(name)
        if problem is None and (name in self.scope.definitions or name in self.scope.intents):
            problem = f"`{name}` is already a definition or a function"
        if problem is None and self.scope.is_program and name in {"stdin", "args"}:
            problem = f"`{name}` is the program's input"
        if problem is not None:
            raise error("E330", problem, span, "choose another name")

    def build_GeneratorExp(self, node: ast.GeneratorExp) -> Expression:
        return self.comprehension(node, False)

    def build_ListComp(self, node: ast.ListComp) -> Expression:
        return self.comprehension(node, True)

    def comprehension(self, node: ast.GeneratorExp | ast.ListComp, is_list: bool) -> Expression:
        patterns = [self.pattern(generator.target) for generator in node.generators]
        all_names = frozenset(n for p in patterns for n in _names(p))
        known: dict[str, int | None] = {}
        clauses = []
        for index, (generator, pattern) in enumerate(zip(node.generators, patterns, strict=True)):
            if generator.is_async:
                raise error("E320", "`async for` is not part of the language", self.span(generator.iter),
                            "write `for`")
            # As in Python, the first sequence is evaluated outside, where the comprehension's names mean nothing.
            outside = self if index == 0 else self.inner(known, all_names - frozenset(known))
            sequence = outside.sequence(generator.iter, "what `for` goes over")
            greatest = self.greatest(sequence) if pattern.name is not None else None
            known.update(dict.fromkeys(_names(pattern)))
            if pattern.name is not None:
                known[pattern.name] = greatest
            inside = self.inner(known, all_names - frozenset(known))
            clauses.append(Clause(sequence.span, pattern, sequence, tuple(inside.value(c) for c in generator.ifs)))
        return Comprehension(self.span(node), self.inner(known).value(node.elt), tuple(clauses), is_list)

    def greatest(self, sequence: Expression) -> int | None:
        """The greatest value of a constant range without negative values."""
        if not isinstance(sequence, Call) or sequence.function != "range":
            return None
        bounds = [constant(a, self.scope.constants) for a in sequence.arguments]
        known = [b for b in bounds if b is not None]
        if len(known) != len(bounds) or (len(known) == 3 and known[2] == 0):
            return None
        values = range(*known)
        return 0 if not values else max(values[0], values[-1]) if min(values[0], values[-1]) >= 0 else None

    def pattern(self, node: ast.expr) -> Pattern:
        span = self.span(node)
        if isinstance(node, ast.Name):
            self.check_local(node.id, span)
            return Pattern(span, node.id, ())
        if isinstance(node, (ast.Tuple, ast.List)):
            pattern = Pattern(span, None, tuple(self.pattern(item) for item in node.elts))
            names = [n for n in _names(pattern) if n != "_"]
            if len(set(names)) != len(names):
                raise error("E329", "two variables of a comprehension have the same name", span)
            if not names and "_" not in _names(pattern):
                raise error("E320", "an empty tuple binds nothing", span)
            return pattern
        raise error("E320", "`for` binds names, or tuples of names", span)

    def build_JoinedStr(self, node: ast.JoinedStr) -> Expression:
        if not self.scope.is_program:
            raise error("E323", "f-strings are for the output of programs", self.span(node),
                        'write b"…" for bytes')
        parts: list[bytes | FormattedField] = []
        for part in node.values:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                try:
                    parts.append(part.value.encode())
                except UnicodeEncodeError:
                    raise error("E310", "half of a surrogate pair has no UTF-8", self.span(node)) from None
            elif isinstance(part, ast.FormattedValue):
                parts.append(self.field(part))
        return Formatted(self.span(node), tuple(parts))

    def field(self, node: ast.FormattedValue) -> FormattedField:
        value = self.value(node.value)
        if node.conversion != -1:
            raise error("E310", "`!r`, `!s`, `!a` and `=` are not used in f-strings", value.span,
                        "write a format such as `{x:d}`, or `{x:s}` for bytes")
        spec = ""
        if isinstance(node.format_spec, ast.JoinedStr):
            pieces = node.format_spec.values
            if not all(isinstance(p, ast.Constant) for p in pieces):
                raise error("E310", "the format of a field must be constant", value.span)
            spec = "".join(str(p.value) for p in pieces if isinstance(p, ast.Constant))
        check_format(spec, value.span)
        sort = self.sort(value)
        if (sort == INTEGER and spec.endswith("s")) or (is_sequence(sort) and spec and not spec.endswith("s")):
            raise error("E310", f"the format `{spec}` does not fit an {sort}" if sort == INTEGER else
                        f"the format `{spec}` does not fit a {sort}", value.span,
                        "write `d` for an integer, `s` for bytes")
        if sort == TUPLE:
            raise error("E310", "a tuple has no text", value.span, "write one field for each item")
        return FormattedField(value.span, value, spec)

    def build_Call(self, node: ast.Call) -> Expression:
        span = self.span(node)
        if isinstance(node.func, ast.Attribute):
            raise error("E320", f"methods such as `.{node.func.attr}()` are not part of the language", span,
                        refused.METHODS.get(node.func.attr))
        if not isinstance(node.func, ast.Name):
            raise error("E321", "only functions by name can be called", self.span(node.func))
        name, place = node.func.id, self.span(node.func)
        if node.keywords:
            raise error("E331", f"`{node.keywords[0].arg or '**'}=`: arguments have no names here",
                        self.span(node.keywords[0]), f"write `{self.usage(name)}`" if name in BUILTINS else None)
        if any(isinstance(a, ast.Starred) for a in node.args):
            raise error("E320", "unpacking with `*` is not part of the language", span, "write the arguments out")
        if name in self.bound or name in self.later:
            raise error("E321", f"`{name}` is a variable and cannot be called", place, "name functions in `where`")
        if name in self.scope.definitions:
            return self.call_definition(name, node, span)
        if name in self.scope.variables:
            raise error("E321", f"`{name}` is not a function", place,
                        f"write `{name}[…]` to index" if is_sequence(self.scope.variables[name]) else None)
        if name in self.scope.intents:
            return self.call_intent(name, node, span)
        if name in BUILTINS:
            return self.call_builtin(name, node, span)
        if name == "aliased":
            raise error("E332", "`aliased(a, b)` is an item of `requires` of its own", span)
        raise self.unknown(name, place, is_call=True)

    def call_definition(self, name: str, node: ast.Call, span: Span) -> Expression:
        parameters = self.scope.definitions[name].parameters
        if parameters is None:
            raise error("E321", f"`{name}` is a definition without parameters", span, f"write `{name}`")
        self.check_count(name, len(node.args), len(parameters), len(parameters), span)
        return CallDefinition(span, name, tuple(self.value(a) for a in node.args))

    def call_intent(self, name: str, node: ast.Call, span: Span) -> Expression:
        parameters = self.scope.intents[name].parameters
        self.check_count(name, len(node.args), len(parameters), len(parameters), span)
        arguments = []
        for argument, parameter in zip(node.args, parameters, strict=True):
            what = f"the argument `{parameter.name}` of `{name}`"
            arguments.append(self.sequence(argument, what) if parameter.buffer else self.integer(argument, what))
        return CallIntent(span, name, tuple(arguments))

    def check_count(self, name: str, given: int, fewest: int, most: int | None, span: Span) -> None:
        if given < fewest or (most is not None and given > most):
            wanted = (str(fewest) if most == fewest else f"at least {fewest}" if most is None else
                      f"{fewest} to {most}")
            plural = "argument" if wanted.endswith("1") else "arguments"
            raise error("E331", f"`{name}` takes {wanted} {plural}, not {given}", span, f"write `{self.usage(name)}`")

    def call_builtin(self, name: str, node: ast.Call, span: Span) -> Expression:
        if name == "pow" and len(node.args) == 2:
            raise error("E331", "`pow` takes a modulus as well", span, "write `a ** b`, or `pow(a, b, m)`")
        if name == "next" and len(node.args) == 1:
            raise error("E331", "`next` needs a default for when there is none", span, f"write `{USAGE['next']}`")
        if name == "reduce" and len(node.args) == 2:
            raise error("E331", "`reduce` needs an initial value", span, f"write `{USAGE['reduce']}`")
        self.check_count(name, len(node.args), *BUILTINS[name], span)
        if name == "ord":
            return self.ord(node, span)
        if name == "int" and not self.scope.is_program:
            raise error("E333", "`int` reads a number from bytes, in programs", span,
                        "a comparison is 0 or 1 already; write the value itself")
        if name == "reduce":
            function = self.function(node.args[0])
            return Call(span, name, (function, self.sequence(node.args[1], "what `reduce` goes over"),
                                     self.value(node.args[2])))
        if name == "next" and not isinstance(node.args[0], ast.GeneratorExp):
            raise error("E333", "`next` takes a generator expression", self.span(node.args[0]),
                        f"write `{USAGE['next']}`")
        arguments = tuple(self.argument(name, i, a, len(node.args)) for i, a in enumerate(node.args))
        if name in WIDTH_ARGUMENT:
            arguments = self.with_width(name, arguments)
        if name == "bits":
            bounds = [constant(a, self.scope.constants) for a in arguments[1:]]
            if bounds[0] is not None and bounds[1] is not None and not -1 <= bounds[1] - 1 <= bounds[0] <= MAX_BITS:
                raise error("E326", f"bits {_short(bounds[0])} down to {_short(bounds[1])}", span, "write the higher "
                            "bit first: `bits(x, 7, 0)` is the lowest byte")
        if name == "range" and len(arguments) == 3 and constant(arguments[2], self.scope.constants) == 0:
            raise error("E326", "a range with step 0", arguments[2].span)
        return Call(span, name, arguments)

    def argument(self, name: str, index: int, node: ast.expr, count: int) -> Expression:
        what = f"the argument of `{name}`" if count == 1 else f"argument {index + 1} of `{name}`"
        if name in {"any", "all", "len", "zip", "reversed", "sorted", "bytes", "int"} or (
                name in {"sum", "enumerate", "next"} and index == 0) or (name in {"min", "max"} and count == 1):
            return self.sequence(node, what)
        if name in {"min", "max", "next"}:
            return self.value(node)
        return self.integer(node, what)

    def with_width(self, name: str, arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
        index, most = WIDTH_ARGUMENT[name]
        value = constant(arguments[index], self.scope.constants)
        if value is None or not 1 <= value <= most:
            unit = "bytes" if name == "bswap" else "bits"
            raise error("E334", f"the width of `{name}` must be a constant from 1 to {most} {unit}",
                        arguments[index].span, f"write `{USAGE[name]}`")
        folded = list(arguments)
        folded[index] = Integer(arguments[index].span, value)
        return tuple(folded)

    def ord(self, node: ast.Call, span: Span) -> Expression:
        argument = node.args[0]
        value = argument.value if isinstance(argument, ast.Constant) else None
        if not isinstance(value, (str, bytes)) or len(value) != 1:
            raise error("E333", "`ord` takes a text of one character", self.span(argument), 'write `ord("a")`')
        number = ord(value)
        if number > 127:
            raise error("E333", "`ord` takes an ASCII character", self.span(argument), f"write {number}")
        return Integer(span, number)

    def function(self, node: ast.expr) -> Expression:
        """The function that `reduce` calls with the state and an element."""
        span = self.span(node)
        if isinstance(node, ast.Lambda):
            built = self.build_Lambda(node)
            assert isinstance(built, Lambda)
            if len(built.parameters) != 2:
                raise error("E331", f"the function of `reduce` takes 2 arguments, not {len(built.parameters)}", span,
                            "write `lambda state, x: …`")
            return built
        if not isinstance(node, ast.Name):
            raise error("E321", "`reduce` takes a function first", span, f"write `{USAGE['reduce']}`")
        name = node.id
        if name in self.bound:
            raise error("E321", f"`{name}` is a variable, not a function", span)
        if name in self.scope.definitions:
            parameters = self.scope.definitions[name].parameters
            kind, count = "definition", len(parameters or ())
        elif name in self.scope.intents:
            kind, count = "intent", len(self.scope.intents[name].parameters)
        elif name in PASSED_BY_NAME:
            kind, count = "builtin", 2
        elif name in BUILTINS:
            raise error("E321", f"`{name}` cannot be passed by name", span, f"write `lambda a, b: {name}(…)`")
        elif name in self.scope.variables:
            raise error("E321", f"`{name}` is not a function", span, f"write `{USAGE['reduce']}`")
        else:
            raise self.unknown(name, span, is_call=True)
        if count != 2:
            raise error("E331", f"the function of `reduce` takes 2 arguments, but `{name}` has {count}", span)
        return FunctionReference(span, name, kind)


def _names(pattern: Pattern) -> list[str]:
    return [pattern.name] if pattern.name is not None else [n for item in pattern.items for n in _names(item)]


def _short(value: int) -> str:
    return str(value) if value.bit_length() <= 128 else f"a number of {value.bit_length()} bits"
