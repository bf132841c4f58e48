"""From a document to a contract: every key of the language, and the rules between them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from intent_tool.language import document
from intent_tool.language.contract import Contract, FunctionExample, ProgramExample, Signature
from intent_tool.language.definitions import read_definitions
from intent_tool.language.diagnostics import Source, Span, error
from intent_tool.language.document import Entry, Scalar, Value
from intent_tool.language.examples import function_example, program_example
from intent_tool.language.expression import Scope
from intent_tool.language.fold import constant
from intent_tool.language.names import Names
from intent_tool.language.problems import Problems
from intent_tool.language.prototype import parse_signature
from intent_tool.language.sorts import INTEGER, SEQUENCE
from intent_tool.language.tree import Expression, Integer

FUNCTION_KEYS = ("intent", "signature", "where", "requires", "returns", "ensures", "writes", "examples", "uses",
                 "optimize", "limits", "secret", "targets")
PROGRAM_KEYS = ("intent", "program", "where", "stdout", "stderr", "exit", "examples", "uses", "optimize", "limits",
                "targets")
LIMITS = ("instructions", "bytes", "stack")
_NOT_IN_PROGRAMS = {
    "requires": "a program cannot choose its users: say in `stdout`, `stderr` and `exit` what happens instead",
    "returns": "say what it prints in `stdout`, and its status in `exit`",
    "ensures": "say what it prints in `stdout`, and its status in `exit`",
    "writes": "say what it prints in `stdout`",
    "secret": "it is about a function's parameters",
}


def build_contract(top: document.Mapping, source: Source, uses: Callable[[Value], Mapping[str, Contract]],
                   path: str | None) -> Contract:
    """The contract of a document. `uses` loads the files named in that key's value; `path` is the file's own."""
    return _Builder(top, source, uses, path).build()


class _Builder:
    def __init__(self, top: document.Mapping, source: Source, uses: Callable[[Value], Mapping[str, Contract]],
                 path: str | None) -> None:
        self.top, self.source, self.load_uses, self.path = top, source, uses, path
        self.problems = Problems()
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
        self.names = Names(self.signature, self.used)
        entries = problems.values(lambda: _mapping(self.top, "where", "`where:` and below it `name: expression`"))
        read_definitions(entries, self.names, problems)
        contract = Contract(
            self.source, prose, span, self.signature, program, self.names.definitions,
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
        for name in self.used:
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
                raise error("E411", "`targets` is empty", self.place("targets"),
                            "delete the key to allow every target")
        return tuple(names)

    def place(self, key: str) -> Span:
        return next(e.key.span for e in self.top.entries if e.key.value == key)

    def optional(self, key: str, scope: Scope, sort: str) -> Expression | None:
        value = self.top.get(key)
        if value is None:
            return None
        with self.problems.collected():
            return self.names.expression(value, f"`{key}`", scope, sort)
        return Integer(value.span, 0)

    def ensures(self) -> tuple[Expression, ...]:
        found: list[Expression] = []
        for item in self.problems.values(lambda: _items(
                self.top, "ensures", "`ensures:` and below it `- predicate`")):
            with self.problems.collected():
                scope = self.names.scope(result=True)
                found.append(self.names.expression(item, "an item of `ensures`", scope, INTEGER))
        return tuple(found)

    # Functions.

    def function(self, contract: Contract) -> Contract:
        signature = self.signature
        assert signature is not None
        requires, aliases = self.requires()
        scope = self.names.scope()
        returns = self.optional("returns", scope, INTEGER)
        contract = replace(contract, requires=requires, aliases=aliases, returns=returns, ensures=self.ensures(),
                           writes=self.writes(scope))
        # The rules between keys would only repeat what is wrong with the keys themselves.
        if not self.problems.found:
            with self.problems.collected():
                self.check_function(contract, signature)
        examples: list[FunctionExample] = []
        for item in self.problems.values(lambda: _items(self.top, "examples", "`examples:` and below it `- check`")):
            with self.problems.collected():
                examples.append(function_example(
                    item, signature, self.names.example_scope(), self.names.then_scope(), aliases))
        return replace(contract, function_examples=tuple(examples))

    def requires(self) -> tuple[tuple[Expression, ...], frozenset[frozenset[str]]]:
        found: list[Expression] = []
        aliases: set[frozenset[str]] = set()
        items = self.problems.values(lambda: _items(self.top, "requires", "`requires:` and below it `- predicate`"))
        for item in items:
            with self.problems.collected():
                match = re.fullmatch(r"aliased\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)", _raw(item).strip())
                if match is not None:
                    aliases.add(self.alias(match[1], match[2], item.span))
                else:
                    found.append(self.names.expression(item, "an item of `requires`", self.names.scope(), INTEGER))
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
        for entry in self.problems.values(lambda: _mapping(
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
                found[name] = self.names.expression(entry.value, f"the content of `{name}`", scope, SEQUENCE)
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
        unwritten = [p for p in signature.parameters
                     if p.buffer and p.buffer.writable and p.name not in contract.writes]
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

    # Programs.

    def program(self, contract: Contract) -> Contract:
        scope = self.names.scope()
        stdout = self.optional("stdout", scope, SEQUENCE)
        stderr = self.optional("stderr", scope, SEQUENCE)
        status = self.optional("exit", scope, INTEGER)
        value = constant(status, self.names.constants) if status is not None else None
        with self.problems.collected():
            if status is not None and value is not None and not 0 <= value <= 255:
                raise error("E419", f"`exit` is {value}; an exit status is 0 to 255", status.span)
            if not self.problems.found and not contract.key_spans.keys() & {"stdout", "stderr", "exit", "examples"}:
                raise error("E405", "nothing says what the program must do", contract.key_spans["program"],
                            "add `stdout`, `stderr`, `exit` or `examples`")
        examples: list[ProgramExample] = []
        for item in self.problems.values(lambda: _items(
                self.top, "examples", "`examples:` and below it `- stdin: …`")):
            with self.problems.collected():
                examples.append(program_example(item))
        return replace(contract, stdout=stdout, stderr=stderr, exit=status, program_examples=tuple(examples))


def _raw(value: Value) -> str:
    return value.value if isinstance(value, Scalar) else ""


def _text(top: document.Mapping, key: str, what: str) -> Scalar:
    value = top.get(key)
    assert value is not None
    if not isinstance(value, Scalar):
        sort = "list" if isinstance(value, document.Sequence) else "mapping"
        raise error("E408", f"{what} is a text, not a {sort}", value.span)
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
