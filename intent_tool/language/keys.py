"""From a document to a contract: every key of the language, and the rules between them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from intent_tool.language import document
from intent_tool.language.contract import Contract, Definition, FunctionExample, ProgramExample, Signature
from intent_tool.language.diagnostics import Diagnostic, IntentError, Source, Span, error
from intent_tool.language.document import Entry, Scalar, Value, expression_text
from intent_tool.language.examples import function_example, program_example
from intent_tool.language.expression import Scope, parse_expression
from intent_tool.language.fold import constant
from intent_tool.language.prototype import parse_signature
from intent_tool.language.sorts import (
    INTEGER,
    SEQUENCE,
    SEQUENCE_OF_SEQUENCES,
    TUPLE,
    is_sequence,
    signature_sorts,
    sort_of,
)
from intent_tool.language.tree import Expression, Integer
from intent_tool.language.vocabulary import name_problem
from intent_tool.language.walk import Size, definition_reads, unfolded_size

FUNCTION_KEYS = ("intent", "signature", "where", "requires", "returns", "ensures", "writes", "examples", "uses",
                 "optimize", "limits", "secret", "targets")
PROGRAM_KEYS = ("intent", "program", "where", "stdout", "stderr", "exit", "examples", "uses", "optimize", "limits",
                "targets")
LIMITS = ("instructions", "bytes", "stack")
MAX_UNFOLDED_DEPTH = 150
MAX_UNFOLDED_NODES = 100_000
"""Of an expression with all definitions put in place."""

_QUOTES_HELP = "YAML takes these quotes away; write b\"…\" for bytes, or f\"…\" in a program's output"

_T = TypeVar("_T")
_NOT_IN_PROGRAMS = {
    "requires": "a program cannot choose its users: say in `stdout`, `stderr` and `exit` what happens instead",
    "returns": "say what it prints in `stdout`, and its status in `exit`",
    "ensures": "say what it prints in `stdout`, and its status in `exit`",
    "writes": "say what it prints in `stdout`",
    "secret": "it is about a function's parameters",
}


@dataclass
class Problems:
    """Diagnostics of independent parts, raised together."""

    found: list[Diagnostic] = field(default_factory=list)

    @contextmanager
    def collected(self) -> Iterator[None]:
        try:
            yield
        except IntentError as problem:
            self.found.extend(problem.diagnostics)

    def raise_any(self) -> None:
        if self.found:
            unique = {(d.code, d.message, d.span and (d.span.source.path, d.span.line, d.span.column)): d
                      for d in self.found}
            raise IntentError(*sorted(unique.values(), key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0)))


def build_contract(top: document.Mapping, source: Source, uses: Callable[[Value], Mapping[str, Contract]],
                   path: str | None) -> Contract:
    """The contract of a document. `uses` loads the files named in that key's value; `path` is the file's own."""
    return _Builder(top, source, uses, path).build()


class _Builder:
    def __init__(self, top: document.Mapping, source: Source, uses: Callable[[Value], Mapping[str, Contract]],
                 path: str | None) -> None:
        self.top, self.source, self.load_uses, self.path = top, source, uses, path
        self.problems = Problems()
        self.definitions: dict[str, Definition] = {}
        self.constants: dict[str, int] = {}
        self.sizes: dict[str, Size] = {}
        self.used: Mapping[str, Contract] = {}
        self.signature: Signature | None = None
        self.is_program = top.get("program") is not None

    def build(self) -> Contract:
        problems = self.problems
        with problems.collected():
            self.check_keys()
        prose, span = "", self.top.span
        with problems.collected():
            prose, span = self.prose()
        program = None
        with problems.collected():
            if self.is_program:
                program = self.program_name()
            elif self.top.get("signature") is not None:
                self.signature = parse_signature(_text(self.top, "signature", "the signature").text)
        if self.signature is None and program is None:
            problems.raise_any()
        uses = self.top.get("uses")
        if uses is not None:
            with problems.collected():
                self.used = self.load_uses(uses)
                self.check_used()
            problems.raise_any()
        self.where()
        contract = Contract(
            self.source, prose, span, self.signature, program, self.definitions,
            uses=self.used, optimize=self.optimize(), limits=self.limits(), secret=self.secret(),
            targets=self.targets(), key_spans={e.key.value: e.key.span for e in self.top.entries},
            files=self.files())
        contract = self.program(contract) if self.is_program else self.function(contract)
        problems.raise_any()
        return contract

    def files(self) -> tuple[str, ...]:
        own = (self.path,) if self.path is not None else ()
        return tuple(dict.fromkeys([*own, *(f for used in self.used.values() for f in used.files)]))

    # Keys that every intent has.

    def check_keys(self) -> None:
        known = PROGRAM_KEYS if self.is_program else FUNCTION_KEYS
        for entry in self.top.entries:
            name = entry.key.value
            if name == "signature" and self.is_program:
                raise error("E403", "`signature` is for functions, `program` for executables", entry.key.span,
                            "keep one of them")
            if name in known:
                continue
            with self.problems.collected():
                if name in PROGRAM_KEYS or name in FUNCTION_KEYS:
                    kind = "programs" if self.is_program else "functions"
                    raise error("E404", f"`{name}` is not used in {kind}", entry.key.span, _NOT_IN_PROGRAMS.get(name))
                near = difflib.get_close_matches(name, known, 1, 0.6)
                raise error("E401", f"`{name[:60]}` is not a key of intents", entry.key.span,
                            f"did you mean `{near[0]}`?" if near else f"the keys are {', '.join(known)}")
        if not self.is_program and self.top.get("signature") is None:
            raise error("E402", "the key `signature` is missing", self.top.span,
                        "write the C prototype, such as `signature: uint32_t average(uint32_t a, uint32_t b)`, "
                        "or `program: name`")

    def prose(self) -> tuple[str, Span]:
        value = self.top.get("intent")
        if value is None:
            raise error("E402", "the key `intent` is missing", self.top.span,
                        "say in plain words what is wanted: `intent: …`")
        if not isinstance(value, Scalar):
            raise error("E408", "`intent` is plain prose", value.span, "quote it, or write `|` after the key and the "
                        "text on the next lines, indented")
        if not value.value.strip():
            raise error("E418", "`intent` says nothing", value.span, "say in plain words what is wanted")
        return value.value.strip(), value.span

    def program_name(self) -> str:
        value = _text(self.top, "program", "the program's name")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value.value):
            raise error("E418", "a program's name has letters, digits, `.`, `_` and `-`, at most 64", value.span)
        return value.value

    def check_used(self) -> None:
        own = self.signature.parameters if self.signature else ()
        taken = {p.name for p in own} | ({self.signature.name} if self.signature else set())
        place = next(e.key.span for e in self.top.entries if e.key.value == "uses")
        for name, contract in self.used.items():
            self.sizes[name] = _formula_size(contract)
            if name in taken:
                raise error("E606", f"`{name}` of a used file has the name of this function or of a parameter", place)

    def optimize(self) -> str:
        with self.problems.collected():
            if self.top.get("optimize") is None:
                return "speed"
            value = _text(self.top, "optimize", "`optimize`")
            if value.value in {"speed", "size"}:
                return value.value
            raise error("E411", "`optimize` is `speed` or `size`", value.span)
        return "speed"

    def limits(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        with self.problems.collected():
            for entry in _mapping(self.top, "limits", "`limits: {instructions: 12}`"):
                name = entry.key.value
                if name not in LIMITS:
                    near = difflib.get_close_matches(name, LIMITS, 1, 0.5)
                    raise error("E409", f"`{name}` is not a limit", entry.key.span,
                                f"did you mean `{near[0]}`?" if near else f"limits are {', '.join(LIMITS)}")
                text = entry.value.value if isinstance(entry.value, Scalar) else ""
                if not re.fullmatch(r"0|[1-9][0-9]{0,8}", text) or (name != "stack" and text == "0"):
                    raise error("E409", f"the limit `{name}` is a positive decimal number", entry.value.span)
                found[name] = int(text)
        return found

    def secret(self) -> frozenset[str]:
        names: dict[str, Scalar] = {}
        with self.problems.collected():
            for item in _words(self.top, "secret", "`secret: [key]`"):
                known = [p.name for p in self.signature.parameters] if self.signature else []
                if item.value not in known:
                    near = difflib.get_close_matches(item.value, known, 1, 0.5)
                    raise error("E410", f"`{item.value}` is not a parameter", item.span,
                                f"did you mean `{near[0]}`?" if near else None)
                if item.value in names:
                    raise error("E410", f"`{item.value}` is listed twice", item.span)
                names[item.value] = item
        return frozenset(names)

    def targets(self) -> tuple[str, ...] | None:
        if self.top.get("targets") is None:
            return None
        names: list[str] = []
        with self.problems.collected():
            for item in _words(self.top, "targets", "`targets: [arm64, riscv64]`"):
                if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", item.value):
                    raise error("E411", f"`{item.value}` is not a target's name", item.span)
                if item.value in names:
                    raise error("E411", f"`{item.value}` is listed twice", item.span)
                names.append(item.value)
            if not names:
                raise error("E411", "`targets` is empty", self.place("targets"), "delete the key to allow every target")
        return tuple(names)

    def place(self, key: str) -> Span:
        return next(e.key.span for e in self.top.entries if e.key.value == key)

    # Definitions, and what expressions may use.

    def scope(self, result: bool = False) -> Scope:
        if self.signature is None:
            variables: dict[str, str | None] = {"stdin": SEQUENCE, "args": SEQUENCE_OF_SEQUENCES}
        else:
            variables = dict(signature_sorts(self.signature))
        hidden = {}
        if self.signature is not None:
            if result and self.signature.result is not None:
                variables["result"] = INTEGER
            else:
                hidden["result"] = ("the function returns nothing" if result else
                                    "it is known in `ensures` and in `then` of examples only")
            hidden[self.signature.name] = "a contract cannot call its own function; fold with `reduce`"
        intents = {name: used.signature for name, used in self.used.items() if used.signature is not None}
        return Scope(variables, self.definitions, self.constants, intents, hidden, self.is_program)

    def where(self) -> None:
        entries = _collect(self.problems, lambda: _mapping(self.top, "where", "`where:` and below it `name: expression`"))
        heads: list[tuple[Entry, str, tuple[str, ...] | None]] = []
        for entry in entries:
            with self.problems.collected():
                heads.append((entry, *self.head(entry, [h[1] for h in heads])))
        # Without a head its name would be unknown everywhere, which says nothing new.
        self.problems.raise_any()
        words = {name: set(re.findall(r"[A-Za-z_]\w*", _raw(entry.value))) - set(parameters or ())
                 for entry, name, parameters in heads}
        for index, (entry, name, parameters) in enumerate(heads):
            hidden = {}
            for later, later_name, _ in heads[index:]:
                cycle = _path(words, later_name, name)
                hidden[later_name] = (
                    "a definition cannot use itself; fold with `reduce`" if later_name == name else
                    f"it is defined only below, in line {later.key.span.line}" if cycle is None else
                    f"it uses {' → '.join(cycle)} again; definitions cannot be recursive")
            scope = self.scope()
            # A broken definition stays known, so that its uses do not become errors of their own.
            body: Expression = Integer(entry.key.span, 0)
            with self.problems.collected():
                text = expression_text(entry.value, f"`{name}`")
                body = parse_expression(text, replace(scope, hidden={**scope.hidden, **hidden}), parameters or ())
                self.sizes[name] = self.measure(body)
            self.definitions[name] = Definition(name, parameters, body, entry.key.span)
            value = constant(body, self.constants) if parameters is None else None
            if value is not None:
                self.constants[name] = value

    def head(self, entry: Entry, taken: list[str]) -> tuple[str, tuple[str, ...] | None]:
        """Name and parameters of a definition."""
        key = entry.key
        match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*", key.value, re.ASCII)
        if match is None:
            raise error("E412", f"`{key.value[:60]}` does not name a definition", key.span,
                        "write `name: expression`, or `name(x, y): expression`")
        name = match[1]
        problem = name_problem(name) or ("`_` is no name for a definition" if name == "_" else None)
        own = self.scope()
        if problem is None and name in own.variables:
            problem = f"`{name}` is already a parameter" if self.signature else f"`{name}` is the program's input"
        if problem is None and (name in self.used or (self.signature and name == self.signature.name)):
            problem = f"`{name}` is already a function"
        if problem is None and name in taken:
            problem = f"`{name}` is defined twice"
        if problem is not None:
            raise error("E412", problem, key.span, "choose another name")
        if match[2] is None:
            return name, None
        parameters = tuple(p.strip() for p in match[2].split(","))
        if parameters == ("",):
            raise error("E412", f"`{name}()` has no parameters", key.span, f"write `{name}: …`")
        for parameter in parameters:
            problem = name_problem(parameter) if parameter else "a parameter has no name"
            if problem is None and parameters.count(parameter) > 1:
                problem = f"two parameters are named `{parameter}`"
            if problem is None and (parameter in taken or parameter == name or parameter in self.used):
                problem = f"`{parameter}` is already a definition or a function"
            if problem is not None:
                raise error("E412", problem, key.span, "choose another name")
        return name, parameters

    def measure(self, node: Expression) -> Size:
        size = unfolded_size(node, self.sizes)
        if size.depth > MAX_UNFOLDED_DEPTH:
            raise error("E417", f"with its definitions put in place the expression is {size.depth} deep; at most "
                        f"{MAX_UNFOLDED_DEPTH} is allowed", node.span, "fold with `reduce` over a table or a range")
        if size.nodes > MAX_UNFOLDED_NODES:
            raise error("E417", f"with its definitions put in place the expression has {size.nodes} parts; at most "
                        f"{MAX_UNFOLDED_NODES} are allowed", node.span, "fold with `reduce` over a table or a range")
        return size

    def expression(self, value: Value, what: str, scope: Scope, sort: str) -> Expression:
        """An expression whose value must be of `sort`."""
        try:
            built = parse_expression(expression_text(value, what), scope)
        except IntentError as problem:
            if isinstance(value, Scalar) and value.style in {"'", '"'} and sort == SEQUENCE:
                raise IntentError(*(replace(d, help=_QUOTES_HELP) for d in problem.diagnostics)) from None
            raise
        found = sort_of(built, scope.variables, scope.definitions)
        if sort == INTEGER and (is_sequence(found) or found == TUPLE):
            raise error("E419", f"{what} must be an integer, not a {found}", built.span)
        if sort == SEQUENCE and found in {INTEGER, TUPLE}:
            raise error("E419", f"{what} must be a sequence, not {'a tuple' if found == TUPLE else 'an integer'}",
                        built.span, "write `(… for x in data)`, or a list `[a, b]`")
        self.measure(built)
        return built

    def optional(self, key: str, scope: Scope, sort: str) -> Expression | None:
        value = self.top.get(key)
        if value is None:
            return None
        with self.problems.collected():
            return self.expression(value, f"`{key}`", scope, sort)
        return Integer(value.span, 0)

    def predicates(self, key: str, scope: Scope) -> list[tuple[Expression, str]]:
        """The items of a list of predicates with their texts."""
        found = []
        for item in _collect(self.problems, lambda: _items(self.top, key, f"`{key}:` and below it `- predicate`")):
            with self.problems.collected():
                found.append((self.expression(item, f"an item of `{key}`", scope, INTEGER), _raw(item)))
        return found

    # Functions.

    def function(self, contract: Contract) -> Contract:
        signature = self.signature
        assert signature is not None
        requires, aliases = self.requires()
        scope = self.scope()
        returns = self.optional("returns", scope, INTEGER)
        ensures = tuple(e for e, _ in self.predicates("ensures", self.scope(result=True)))
        writes = self.writes(scope)
        contract = replace(contract, requires=requires, aliases=aliases, returns=returns, ensures=ensures,
                           writes=writes)
        # The rules between keys would only repeat what is wrong with the keys themselves.
        if not self.problems.found:
            with self.problems.collected():
                self.check_function(contract, signature)
        examples: list[FunctionExample] = []
        for item in _collect(self.problems, lambda: _items(self.top, "examples", "`examples:` and below it `- check`")):
            with self.problems.collected():
                examples.append(function_example(item, signature, self.example_scope(), self.then_scope(), aliases))
        return replace(contract, function_examples=tuple(examples))

    def requires(self) -> tuple[tuple[Expression, ...], frozenset[frozenset[str]]]:
        found: list[Expression] = []
        aliases: set[frozenset[str]] = set()
        items = _collect(self.problems, lambda: _items(self.top, "requires", "`requires:` and below it `- predicate`"))
        for item in items:
            with self.problems.collected():
                match = re.fullmatch(r"aliased\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)", _raw(item).strip())
                if match is not None:
                    aliases.add(self.alias(match[1], match[2], item.span))
                else:
                    found.append(self.expression(item, "an item of `requires`", self.scope(), INTEGER))
        return tuple(found), frozenset(aliases)

    def alias(self, left: str, right: str, span: Span) -> frozenset[str]:
        assert self.signature is not None
        buffers = {p.name: p for p in self.signature.parameters if p.buffer is not None}
        for name in (left, right):
            if name not in buffers:
                raise error("E414", f"`{name}` is not a buffer of this function", span)
        if left == right:
            raise error("E414", "a buffer is always the same as itself", span, "delete the item")
        if buffers[left].type != buffers[right].type:
            raise error("E414", f"`{left}` and `{right}` have elements of different types", span)
        writable = [b.name for b in (buffers[left], buffers[right]) if b.buffer and b.buffer.writable]
        if len(writable) == 2:
            raise error("E414", f"`{left}` and `{right}` are both written; only one content can be there", span,
                        "declare the one that is read `const`")
        if not writable:
            raise error("E414", f"neither `{left}` nor `{right}` is written, so it does not matter whether they "
                        "overlap", span, "delete the item")
        return frozenset({left, right})

    def writes(self, scope: Scope) -> Mapping[str, Expression]:
        assert self.signature is not None
        buffers = {p.name: p.buffer for p in self.signature.parameters if p.buffer is not None}
        found = {}
        for entry in _collect(self.problems, lambda: _mapping(
                self.top, "writes", "`writes:` and below it `buffer: content`")):
            with self.problems.collected():
                name = entry.key.value
                buffer = buffers.get(name)
                if buffer is None:
                    near = difflib.get_close_matches(name, buffers, 1, 0.5)
                    raise error("E407", f"`{name[:60]}` is not a buffer of this function", entry.key.span,
                                f"did you mean `{near[0]}`?" if near else None)
                if not buffer.writable:
                    raise error("E407", f"`{name}` is `const` and cannot be written", entry.key.span,
                                "delete `const` in the signature")
                found[name] = self.expression(entry.value, f"the content of `{name}`", scope, SEQUENCE)
        return found

    def check_function(self, contract: Contract, signature: Signature) -> None:
        keys = contract.key_spans
        if not keys.keys() & {"returns", "ensures", "writes", "examples"}:
            raise error("E405", "nothing says what the function must do", signature.span,
                        "add `returns`, `ensures`, `writes` or `examples`")
        for key in ("ensures", "requires"):
            if key in keys and not getattr(contract, key) and not contract.aliases:
                raise error("E408", f"`{key}` is empty", keys[key], "delete the key")
        if signature.result is None and "returns" in keys:
            raise error("E406", "the function is `void`; it returns nothing", keys["returns"],
                        "delete `returns`, or give the function a result type")
        unwritten = [p for p in signature.parameters if p.buffer and p.buffer.writable and p.name not in contract.writes]
        by_formula = keys.keys() & {"returns", "writes"}
        if unwritten and by_formula and "ensures" not in keys:
            raise error("E407", f"nothing says what `{unwritten[0].name}` holds afterwards", unwritten[0].span,
                        f"add it to `writes`, or declare it `const {unwritten[0].type.name} {unwritten[0].name}[…]`")
        if signature.result is None and not any(p.buffer and p.buffer.writable for p in signature.parameters):
            raise error("E406", "the function returns nothing and writes nothing", signature.span,
                        "give it a result type, or a buffer that is written (without `const`)")
        if signature.result is not None and "writes" in keys and not keys.keys() & {"returns", "ensures"}:
            raise error("E406", "nothing says what the function returns", signature.span,
                        "add `returns`, or make the function `void`")

    def example_scope(self) -> Scope:
        """Examples call the function with values; parameters mean nothing there."""
        assert self.signature is not None
        scope = self.scope()
        reads = definition_reads(self.definitions)
        closed = {n: d for n, d in self.definitions.items() if not reads[n]}
        hidden = {p.name: f"an example calls `{self.signature.name}` with values" for p in self.signature.parameters}
        hidden |= {n: "it depends on parameters" for n in self.definitions if n not in closed}
        hidden["result"] = f"an example calls `{self.signature.name}(…)`, or is a mapping of `given` and `then`"
        return Scope({}, closed, {n: v for n, v in self.constants.items() if n in closed},
                     {**scope.intents, self.signature.name: self.signature}, hidden)

    def then_scope(self) -> Scope:
        scope = self.scope(result=True)
        closed = self.example_scope().definitions
        hidden = {n: "it depends on parameters" for n in self.definitions if n not in closed}
        return replace(scope, definitions=closed, hidden={**scope.hidden, **hidden})

    # Programs.

    def program(self, contract: Contract) -> Contract:
        scope = self.scope()
        stdout = self.optional("stdout", scope, SEQUENCE)
        stderr = self.optional("stderr", scope, SEQUENCE)
        status = self.optional("exit", scope, INTEGER)
        value = constant(status, self.constants) if status is not None else None
        with self.problems.collected():
            if status is not None and value is not None and not 0 <= value <= 255:
                raise error("E419", f"`exit` is {value}; an exit status is 0 to 255", status.span)
            if not self.problems.found and not contract.key_spans.keys() & {"stdout", "stderr", "exit", "examples"}:
                raise error("E405", "nothing says what the program must do", contract.key_spans["program"],
                            "add `stdout`, `stderr`, `exit` or `examples`")
        examples: list[ProgramExample] = []
        for item in _collect(self.problems, lambda: _items(
                self.top, "examples", "`examples:` and below it `- stdin: …`")):
            with self.problems.collected():
                examples.append(program_example(item))
        return replace(contract, stdout=stdout, stderr=stderr, exit=status, program_examples=tuple(examples))


def _formula_size(contract: Contract) -> Size:
    sizes = {name: _formula_size(used) for name, used in contract.uses.items()}
    for name, definition in contract.where.items():
        sizes[name] = unfolded_size(definition.body, sizes)
    return unfolded_size(contract.returns, sizes) if contract.returns is not None else Size(1, 1)


def _collect(problems: Problems, compute: Callable[[], tuple[_T, ...]]) -> tuple[_T, ...]:
    with problems.collected():
        return compute()
    return ()


def _raw(value: Value) -> str:
    return value.value if isinstance(value, Scalar) else ""


def _path(words: Mapping[str, set[str]], start: str, goal: str) -> list[str] | None:
    """A chain of definitions from `start` to `goal`, each using the next; None when there is none."""
    queue, seen = [[goal]] if start == goal else [[start]], {start}
    while queue:
        path = queue.pop(0)
        for name in sorted(words.get(path[-1], set()) & words.keys()):
            if name == goal:
                return [*path[1:], goal]
            if name not in seen:
                seen.add(name)
                queue.append([*path, name])
    return None


def _text(top: document.Mapping, key: str, what: str) -> Scalar:
    value = top.get(key)
    assert value is not None
    if not isinstance(value, Scalar):
        raise error("E408", f"{what} is a text, not a {'list' if isinstance(value, document.Sequence) else 'mapping'}",
                    value.span)
    if not value.value.strip():
        raise error("E408", f"{what} is empty", value.span)
    return value


def _mapping(top: document.Mapping, key: str, usage: str) -> tuple[Entry, ...]:
    value = top.get(key)
    if value is None:
        return ()
    if not isinstance(value, document.Mapping) or not value.entries:
        raise error("E408", f"`{key}` is a mapping", value.span, f"write {usage}")
    return value.entries


def _items(top: document.Mapping, key: str, usage: str) -> tuple[Value, ...]:
    value = top.get(key)
    if value is None:
        return ()
    if not isinstance(value, document.Sequence):
        raise error("E408", f"`{key}` is a list", value.span, f"write {usage}")
    return value.items


def _words(top: document.Mapping, key: str, usage: str) -> list[Scalar]:
    words = []
    for item in _items(top, key, usage):
        if not isinstance(item, Scalar):
            raise error("E408", f"`{key}` is a list of names", item.span, f"write {usage}")
        words.append(item)
    return words
