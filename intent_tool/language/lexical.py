"""A look over an expression's characters before Python's own parser sees them.

It keeps the parser from what could exhaust it (it recurses in C, on a stack that may be small), makes the outcome
the same for every Python version, and names habits from other languages in terms of what to write instead."""

from __future__ import annotations

import re

from intent_tool.language.diagnostics import IntentError, error
from intent_tool.language.text import Text

MAX_CHARACTERS = 64 * 1024
MAX_BRACKETS = 40
MAX_CHAIN = 200
MAX_OPERATORS = 250
"""Operators and brackets in a row, not divided by a comma, a comparison or a logical operator."""
MAX_PREFIXES = 10
MAX_DIGITS = 1300
"""Of a literal; more than the 4096 bits that constants may have need."""

_TOKEN = re.compile(r"""
    (?P<space>[ \t\n]+ | \\\n)
  | (?P<comment>\#[^\n]*)
  | (?P<string>(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"\"\"|'''|"|'))
  | (?P<number>[0-9][0-9A-Za-z_]*(?:\.[0-9A-Za-z_]*(?:[eE][-+][0-9_]+)?)? | \.[0-9][0-9A-Za-z_]*)
  | (?P<word>[^\W\d]\w*)
  | (?P<operator>\*\*|//|<<|>>|<=|>=|==|!=|&&|\|\||->|:=|\+\+|--|<>|.)
""", re.VERBOSE | re.DOTALL)
_INTEGER = re.compile(r"0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?0)*|[1-9](?:_?[0-9])*")
_ESCAPE = re.compile(r"""\\(?:[\n\\'"abfnrtv]|x[0-9a-fA-F]{2}|[0-7]{1,3}|(?P<bad>.))""", re.DOTALL)
_TEXT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}|N\{[A-Za-z0-9 -]+\})")
_INSTEAD = {
    "&&": "write `and`", "||": "write `or`", "!": "write `not`, or `!=`", "?": "write `a if condition else b`",
    "$": None, "`": None, ";": "a contract is one expression; name parts of it in `where`",
    "->": None, "<>": "write `!=`", "@": None, ":=": "name the value in `where`",
}
_DIVIDERS = frozenset({",", "and", "or", "<", "<=", ">", ">=", "==", "!=", "in"})
_PAIRS = {")": "(", "]": "[", "}": "{"}


def check_characters(text: Text) -> None:
    """Raises `IntentError` with the place of the first thing that cannot be part of an expression."""
    value = text.value
    if len(value) > MAX_CHARACTERS:
        raise error("E301", f"an expression of more than {MAX_CHARACTERS} characters", text.span(0, 1))
    opened: list[tuple[str, int]] = []
    chains = {"lambda": 0, "else": 0, "**": 0}
    rows = [0]
    position = prefixes = 0
    while position < len(value):
        match = _TOKEN.match(value, position)
        if match is None:
            raise _refused(text, position, position + 1)
        token, start, position = match[0], position, match.end()
        if match.lastgroup in {"space", "comment"}:
            continue
        if match["quote"]:
            position = _string(text, start, match["prefix"], match["quote"], position)
        elif match["number"]:
            _number(text, start, token)
        elif match["word"]:
            if not token.isascii():
                raise error("E302", f"`{token}` is not ASCII", text.span(start, position), "names are ASCII letters, "
                            "digits and `_`")
        elif token in "([{":
            opened.append((token, start))
            rows[-1] += 1
            rows.append(0)
            if len(opened) > MAX_BRACKETS:
                raise error("E303", f"brackets are nested more than {MAX_BRACKETS} deep", text.span(start, position),
                            "name parts of the expression in `where`")
        elif token in ")]}":
            if not opened or opened.pop()[0] != _PAIRS[token]:
                raise error("E304", f"`{token}` closes nothing", text.span(start, position))
            rows.pop()
        elif token in _INSTEAD or not token.isascii() or token == "\\":
            raise _refused(text, start, position)
        elif match.lastgroup == "operator":
            rows[-1] += 1
        if token in _DIVIDERS:
            rows[-1] = 0
        if rows[-1] > MAX_OPERATORS:
            raise error("E303", f"more than {MAX_OPERATORS} operators in a row", text.span(start, position),
                        "name parts of the expression in `where`, or write a long sum as `sum([a, b, …])`")
        if token in chains:
            chains[token] += 1
            if chains[token] > MAX_CHAIN:
                raise error("E303", f"`{token}` occurs more than {MAX_CHAIN} times in one expression",
                            text.span(start, position), "name parts of the expression in `where`")
        prefixes = prefixes + len(token) if token in {"-", "+", "~", "not", "--", "++"} else 0
        if prefixes > MAX_PREFIXES + len("not"):
            raise error("E303", "too many operators in a row", text.span(start, position))
    if opened:
        bracket, start = opened[-1]
        following = text.lines.source.text[text.origins[-1]:text.origins[-1] + 1]
        help = "YAML ends an item of `[…]` at a comma; write the items one a line, each after `- `"
        raise error("E304", f"`{bracket}` is never closed", text.span(start, start + 1),
                    help if following == "," else None)


def _refused(text: Text, start: int, stop: int) -> IntentError:
    token = text.value[start:stop]
    return error("E302", f"`{token}` is not part of the language", text.span(start, stop), _INSTEAD.get(token))


def _string(text: Text, start: int, prefix: str, quote: str, position: int) -> int:
    """Checks a string literal whose opening quotes end at `position`; the offset after its closing quotes."""
    value, sort = text.value, prefix.lower()
    if sort not in {"", "b", "r", "br", "rb", "f", "fr", "rf", "u"}:
        raise error("E305", f"`{prefix}` is no prefix of a string", text.span(start, position), 'write b"…"')
    body = position
    while position < len(value) and not value.startswith(quote, position):
        if value[position] == "\n" and len(quote) == 1:
            break
        position += 2 if value[position] == "\\" else 1
    if position >= len(value) or not value.startswith(quote, position):
        raise error("E305", "the string has no end", text.span(start, min(position, len(value))),
                    "YAML ends a value at ` #`; quote the whole value, or write `|` after the key and the value on "
                    "the next line, indented")
    if "r" not in sort:
        for match in _ESCAPE.finditer(value, body, position):
            valid = "b" not in sort and _TEXT_ESCAPE.match(value, match.start())
            if match["bad"] is not None and not valid:
                raise error("E305", f"`{match[0]}` is no escape of a string", text.span(
                    body + match.start() - body, match.end()), r"write `\\` for a backslash")
    if "b" in sort:
        odd = next((i for i in range(body, position) if not value[i].isascii()), None)
        if odd is not None:
            raise error("E305", f"`{value[odd]}` is not ASCII; byte strings have bytes", text.span(odd, odd + 1),
                        r"write its UTF-8 bytes as escapes, such as \xc3\xa9")
    if "f" in sort:
        _fields(text, body, position)
    return position + len(quote)


def _fields(text: Text, start: int, stop: int) -> None:
    """Checks the expressions in the fields of an f-string, whose grammar differs between versions of Python."""
    value, position = text.value, start
    while position < stop:
        if value[position:position + 2] in {"{{", "}}"}:
            position += 2
        elif value[position] != "{":
            position += 1
        else:
            end, expression = _field_end(text, position, stop)
            check_characters(text.cut(position + 1, expression))
            position = end


def _field_end(text: Text, start: int, stop: int) -> tuple[int, int]:
    """The offset after a field that opens at `start`, and the end of its expression, before the format."""
    value, depth, expression = text.value, 0, None
    for position in range(start, stop):
        character = value[position]
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return position + 1, position if expression is None else expression
        if depth == 1 and expression is None and (
                character == ":" or (character == "!" and value[position + 1:position + 2] != "=")):
            expression = position
    raise error("E310", "a field of the f-string has no end", text.span(start, start + 1),
                "write `{{` for a brace; strings inside a field need other quotes")


def _number(text: Text, start: int, token: str) -> None:
    span = text.span(start, start + len(token))
    if len(token) > MAX_DIGITS:
        raise error("E306", f"a number of more than {MAX_DIGITS} digits", span)
    if _INTEGER.fullmatch(token):
        return
    if re.fullmatch(r"0[0-9_]+", token):
        raise error("E306", f"`{token}` starts with a zero", span, "write 0o… for octal, or leave out the zeros")
    if re.fullmatch(r"(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]+", token):
        raise error("E306", f"`{token}` has a suffix of C; integers here have no width", span,
                    f"write `{token.rstrip('uUlL')}`")
    if re.fullmatch(r"[0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9_]*)?", token):
        raise error("E306", f"`{token}` is a fraction; contracts have integers only", span,
                    "write a quotient with `//`, or a power of ten with `10**k`")
    raise error("E306", f"`{token}` is not a number", span)
