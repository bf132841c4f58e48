"""The C99 prototype of an intent, read with pycparser.

Lengths of buffers are part of the notation (`uint32_t out[2*n], size_t n`): the length parameter may come before
or after the buffer, which C itself would not allow."""

from __future__ import annotations

import re
from typing import Any

from intent_tool.language.contract import Buffer, Parameter, ScalarType, Signature
from intent_tool.language.diagnostics import IntentError, Span, error
from intent_tool.language.text import Text
from intent_tool.language.tree import Binary, Expression, Integer, Name
from intent_tool.language.vocabulary import C_WORDS, name_problem

MAX_CHARACTERS = 4096
MAX_PARAMETERS = 64
MAX_BUFFER_BYTES = 1 << 48

TYPES = {name: ScalarType(name, bits, signed, is_bool) for name, bits, signed, is_bool in [
    ("uint8_t", 8, False, False), ("uint16_t", 16, False, False), ("uint32_t", 32, False, False),
    ("uint64_t", 64, False, False), ("int8_t", 8, True, False), ("int16_t", 16, True, False),
    ("int32_t", 32, True, False), ("int64_t", 64, True, False), ("bool", 8, False, True),
    ("size_t", 64, False, False), ("unsigned", 32, False, False), ("int", 32, True, False),
    ("char", 8, False, False)]}
_SPELLINGS = {"unsigned int": "unsigned", "int unsigned": "unsigned", "signed": "int", "signed int": "int",
              "int signed": "int", "_Bool": "bool"}
_INSTEAD = {
    "short": "int16_t", "short int": "int16_t", "unsigned short": "uint16_t", "unsigned char": "uint8_t",
    "signed char": "int8_t", "long": "int64_t", "long int": "int64_t", "unsigned long": "uint64_t",
    "long long": "int64_t", "unsigned long long": "uint64_t", "ssize_t": "int64_t", "ptrdiff_t": "int64_t",
    "intptr_t": "int64_t", "uintptr_t": "uint64_t", "u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t",
    "u64": "uint64_t", "i8": "int8_t", "i16": "int16_t", "i32": "int32_t", "i64": "int64_t",
    "uint": "unsigned", "byte": "uint8_t", "uint8": "uint8_t", "uint16": "uint16_t", "uint32": "uint32_t",
    "uint64": "uint64_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t",
}
_KNOWN = "the types are uint8_t … uint64_t, int8_t … int64_t, bool, size_t, unsigned, int, char"
_TOKEN = re.compile(r"[A-Za-z_]\w*|0[xX][0-9a-fA-F]+\w*|[0-9]\w*|\.\.\.|\s+|.", re.DOTALL)
_SPECIFIERS = frozenset({"static", "extern", "inline", "register", "auto", "volatile", "restrict", "_Noreturn",
                         "_Atomic", "_Thread_local", "_Alignas"})
_TYPE_PLACE = re.compile(r"(?:^|[(,])\s*(?:const\s+)*([A-Za-z_]\w*)"
                         r"(\s*\**\s*[A-Za-z_]\w*|\s*\*)?")
_ALLOWED = frozenset("()[]*,;+ \n\t")


def parse_signature(text: Text) -> Signature:
    """The prototype in `text`; raises `IntentError` with the place of what it cannot be."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: Text) -> None:
        body = text.value.rstrip()
        self.text = text.cut(0, len(body) - 1 if body.endswith(";") else len(body))

    def read(self) -> Signature:
        self.scan()
        declaration = self.parse()
        name, kind = declaration.name, declaration.type
        here = self.place(declaration.coord, name)
        result = self.result(kind.type)
        self.check_name(name, here)
        if kind.args is None:
            raise error("E204", f"`{name}()` leaves its parameters open", here, f"write `{name}(void)`")
        parameters = self.parameters(kind.args.params)
        return Signature(name, result, parameters, here, " ".join(self.text.value.split()))

    def scan(self) -> None:
        """Refuses what a prototype never has, before the parser sees it, in terms of what was written."""
        value = self.text.value
        if len(value) > MAX_CHARACTERS:
            raise error("E201", f"a signature of more than {MAX_CHARACTERS} characters", self.text.span(0, 1))
        if not value.strip():
            raise error("E201", "the signature is empty", self.text.span())
        depth = operators = 0
        for match in _TOKEN.finditer(value):
            token, span = match[0], self.text.span(match.start(), match.end())
            depth += (token in "([") - (token in ")]")
            operators += token in {"+", "*"}
            if operators > MAX_PARAMETERS:
                raise error("E201", f"more than {MAX_PARAMETERS} operators in a signature", span)
            if depth > 8:
                raise error("E201", "too many nested brackets in the signature", span)
            if token == "...":
                raise error("E205", "a variable number of arguments is not supported", span,
                            "write a buffer with its length")
            if token in {"struct", "union", "enum"}:
                raise error("E206", f"`{token}` is not supported in a signature", span,
                            "pass its members as parameters, or as a buffer")
            if token in {"float", "double"}:
                raise error("E206", f"`{token}` is not supported: contracts have integers only", span, _KNOWN)
            if token == "typedef":
                raise error("E201", "a signature is the prototype of a function, not a type", span,
                            "delete `typedef`")
            if token in _SPECIFIERS:
                raise error("E203", f"`{token}` does not belong in a signature", span, f"delete `{token}`"
                            if token != "restrict" else "delete it; buffers never overlap unless the intent says so")
            if token[0].isdigit() and not re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}|0|[1-9][0-9]{0,17}", token):
                raise error("E208", f"`{token}` is not a length", span, "write a decimal or hexadecimal number")
            if token == "{":
                raise error("E201", "a signature is a prototype, without a body", span, "delete the body")
            if token == "=":
                raise error("E201", "parameters have no default values", span)
            if token in {"-", "/", "%", "<", ">", "&", "|", "^"}:
                raise error("E208", f"`{token}` is not used in signatures; a length is a sum or product of constants "
                            "and size_t parameters", span)
            if not (token.strip() == "" or token[0].isalnum() or token[0] == "_" or token in _ALLOWED):
                raise error("E201", f"`{token}` is not used in signatures", span)
            if not token.isascii():
                raise error("E201", f"`{token}` is not ASCII", span)
        self.scan_types()

    def scan_types(self) -> None:
        """Names a type that does not exist; the parser would only say that the next word is unexpected."""
        for match in _TYPE_PLACE.finditer(self.text.value):
            word, span = match[1], self.text.span(match.start(1), match.end(1))
            if word in TYPES or word in C_WORDS:
                continue
            if match[2]:
                instead = _INSTEAD.get(word)
                raise error("E207", f"`{word}` is not a type of signatures", span,
                            f"write `{instead}`" if instead else _KNOWN)
            if match.start() == 0 and self.text.value[match.end():].lstrip().startswith("("):
                raise error("E207", f"`{word}` has no return type", span, f"write `void {word}(…)` or `uint32_t "
                            f"{word}(…)`")

    def parse(self) -> Any:
        from pycparser import c_ast, c_parser
        from pycparser.c_parser import ParseError

        used = dict.fromkeys(re.findall(r"\b(?:u?int(?:8|16|32|64)_t|size_t|bool)\b", self.text.value))
        # All on one line before the text's own, so that the parser's columns need no correction.
        prelude = "".join(f"typedef int {name};" for name in used) + "\n"
        self.first_line = 2
        try:
            unit = c_parser.CParser().parse(prelude + self.text.value + ";", "")
        except ParseError as problem:
            raise self.syntax_error(str(problem)) from None
        except (RecursionError, AssertionError, AttributeError, ValueError, TypeError):
            raise error("E201", "not a C prototype", self.text.span()) from None
        declarations = unit.ext[len(used):]
        if len(declarations) != 1:
            where = declarations[1].coord if len(declarations) > 1 else None
            raise error("E201", "a signature is one prototype", self.place(where, "x"))
        declaration = declarations[0]
        if not isinstance(declaration, c_ast.Decl) or not isinstance(declaration.type, c_ast.FuncDecl):
            raise error("E201", "a signature is the prototype of a function", self.text.span(),
                        "write it as in `uint32_t average(uint32_t a, uint32_t b)`")
        return declaration

    def place(self, coord: Any, token: str) -> Span:
        """The place of a parser's coordinate (line and column in prelude and text)."""
        if coord is None or coord.line < self.first_line:
            return self.text.span()
        lines = self.text.value.split("\n")
        row = min(coord.line - self.first_line, len(lines) - 1)
        start = sum(len(line) + 1 for line in lines[:row]) + (coord.column or 1) - 1
        return self.text.span(start, start + len(token))

    def syntax_error(self, message: str) -> IntentError:
        match = re.match(r":(\d+):(\d+): before: (.*)", message, re.DOTALL)
        if match is None:
            return error("E201", "not a C prototype: the text ends too early", self.text.span(len(self.text.value)),
                         "write it as in `uint32_t average(uint32_t a, uint32_t b)`")
        token = match[3]
        start = (sum(len(line) + 1 for line in self.text.value.split("\n")[:int(match[1]) - self.first_line])
                 + int(match[2]) - 1)
        span = self.text.span(start, start + len(token))
        if token == ";" and start >= len(self.text.value):
            return error("E201", "not a C prototype: the text ends too early", span)
        if token in C_WORDS:
            return error("E210", f"`{token}` is a word of C or C++ and cannot stand here", span,
                         "choose another name")
        return error("E201", f"not a C prototype: `{token}` is unexpected here", span)

    def type_name(self, kind: Any) -> tuple[str, Span]:
        from pycparser import c_ast

        if not isinstance(kind, c_ast.TypeDecl) or not isinstance(kind.type, c_ast.IdentifierType):
            raise error("E206", "only integers and buffers of integers are supported", self.place(kind.coord, "x"))
        name = " ".join(kind.type.names)
        return _SPELLINGS.get(name, name), self.place(kind.type.coord, name)

    def scalar(self, kind: Any) -> ScalarType:
        name, span = self.type_name(kind)
        if name in TYPES:
            return TYPES[name]
        if name == "void":
            raise error("E207", "a parameter cannot be `void`", span)
        instead = _INSTEAD.get(name)
        reason = ": its width differs between systems" if "long" in name.split() and "long long" not in name else ""
        raise error("E207", f"`{name}` is not a type of signatures{reason}", span,
                    f"write `{instead}`" if instead else _KNOWN)

    def result(self, kind: Any) -> ScalarType | None:
        from pycparser import c_ast

        if isinstance(kind, (c_ast.PtrDecl, c_ast.ArrayDecl, c_ast.FuncDecl)):
            raise error("E209", "a function returns an integer or nothing, not a pointer",
                        self.place(kind.coord, "x"),
                        "return `void`, and add a buffer that is written, such as `uint8_t out[n]`")
        if self.type_name(kind)[0] == "void":
            return None
        return self.scalar(kind)

    def parameters(self, declared: list[Any]) -> tuple[Parameter, ...]:
        from pycparser import c_ast

        if len(declared) == 1 and isinstance(declared[0], c_ast.Typename) \
                and isinstance(declared[0].type, c_ast.TypeDecl) and self.type_name(declared[0].type)[0] == "void" \
                and not declared[0].quals:
            return ()
        if len(declared) > MAX_PARAMETERS:
            raise error("E201", f"more than {MAX_PARAMETERS} parameters",
                        self.place(declared[MAX_PARAMETERS].coord, "x"))
        seen: dict[str, Span] = {}
        sizes: set[str] = set()
        for item in declared:
            if isinstance(item, c_ast.ID):
                raise error("E211", f"`{item.name}` has no type", self.place(item.coord, item.name),
                            f"write `uint32_t {item.name}`")
            if not isinstance(item, c_ast.Decl) or not item.name:
                raise error("E211", "a parameter without a name", self.place(item.coord, "x"),
                            "name every parameter; contracts speak of them")
            span = self.place(item.coord, item.name)
            self.check_name(item.name, span)
            if item.name in seen:
                raise error("E212", f"two parameters are named `{item.name}`", span)
            seen[item.name] = span
            if isinstance(item.type, c_ast.TypeDecl) and self.scalar(item.type).name == "size_t":
                sizes.add(item.name)
        return tuple(self.parameter(item, seen, sizes) for item in declared)

    def parameter(self, item: Any, known: dict[str, Span], sizes: set[str]) -> Parameter:
        from pycparser import c_ast

        span, kind = known[item.name], item.type
        if isinstance(kind, c_ast.TypeDecl):
            return Parameter(item.name, self.scalar(kind), span)
        if isinstance(kind, c_ast.PtrDecl):
            raise error("E213", f"`{item.name}` is a pointer without a length", span,
                        f"write it with its length, such as `{item.name}[n]`, and a parameter `size_t n`")
        if not isinstance(kind, c_ast.ArrayDecl):
            raise error("E206", "only integers and buffers of integers are supported", span)
        if not isinstance(kind.type, c_ast.TypeDecl):
            raise error("E206", "a buffer has one dimension, and integers as elements", span,
                        "write the product of the dimensions, such as `m[3*n]`")
        if kind.dim is None:
            raise error("E213", f"`{item.name}[]` has no length", span,
                        f"write it, such as `{item.name}[n]`, and a parameter `size_t n`")
        element = self.scalar(kind.type)
        length = self.length(kind.dim, known, sizes)
        constant = _constant(length)
        if constant is not None and not 0 < constant * element.bytes < MAX_BUFFER_BYTES:
            problem = "is empty" if constant == 0 else "takes 2**48 bytes or more"
            raise error("E208", f"the buffer `{item.name}` {problem}", length.span)
        return Parameter(item.name, element, span, Buffer(length, "const" not in kind.type.quals, constant))

    def length(self, node: Any, known: dict[str, Span], sizes: set[str]) -> Expression:
        from pycparser import c_ast

        if isinstance(node, c_ast.Constant):
            return Integer(self.place(node.coord, node.value), int(node.value, 0))
        if isinstance(node, c_ast.ID):
            span = self.place(node.coord, node.name)
            if node.name in sizes:
                return Name(span, node.name)
            if node.name in known:
                raise error("E208", f"the length `{node.name}` is not a `size_t` parameter", span,
                            f"declare it as `size_t {node.name}`")
            raise error("E208", f"the length `{node.name}` is not a parameter", span,
                        f"add a parameter `size_t {node.name}`")
        if isinstance(node, c_ast.BinaryOp) and node.op in {"+", "*"}:
            left, right = self.length(node.left, known, sizes), self.length(node.right, known, sizes)
            return Binary(left.span, node.op, left, right)
        raise error("E208", "a length is a sum or product of constants and size_t parameters",
                    self.place(getattr(node, "coord", None), "x"))

    def check_name(self, name: str, span: Span) -> None:
        problem = name_problem(name)
        if problem is None and name in C_WORDS:
            problem = f"`{name}` is a word of C or C++, or a name of their headers"
        if problem is None and name == "_":
            problem = "`_` is no name for a parameter or function"
        if problem is not None:
            raise error("E210", problem, span, "choose another name")


def _constant(length: Expression) -> int | None:
    if isinstance(length, Integer):
        return length.value
    if isinstance(length, Binary):
        left, right = _constant(length.left), _constant(length.right)
        if left is not None and right is not None:
            return left + right if length.op == "+" else left * right
    return None
