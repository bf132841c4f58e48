"""Python's own parser, asked for the syntax tree of an expression, and where its nodes stand in the file."""

from __future__ import annotations

import ast
import re

from intent_tool.language.diagnostics import IntentError, Span, error
from intent_tool.language.lexical import check_characters
from intent_tool.language.text import Text

MAX_DEPTH = 100
MAX_NODES = 20_000


class Places:
    """From Python's lines and UTF-8 columns to places in the file. `shift` is the length of the opening that was put
    before the text."""

    def __init__(self, text: Text, shift: int) -> None:
        self.text = text
        self.shift = shift
        self.offsets = [0]
        for line in text.value.split("\n"):
            self.offsets.append(self.offsets[-1] + len(line) + 1)

    def span(self, node: ast.expr | ast.arg | ast.keyword) -> Span:
        return self.text.span(self._offset(node.lineno, node.col_offset),
                              self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0))

    def _offset(self, row: int, column: int) -> int:
        if row > len(self.offsets) - 1:
            return len(self.text.value)
        start, stop = self.offsets[row - 1], self.offsets[row]
        column -= self.shift if row == 1 else 0
        line = self.text.value[start:stop]
        return start + (column if line.isascii() else len(line.encode()[:max(0, column)].decode(errors="ignore")))


def parse_python(text: Text, opening: str = "(") -> tuple[ast.expr, Places]:
    """Python's tree of the text in parentheses (after `opening`), so that it may have several lines.

    Raises `IntentError` for what is not Python's grammar, and for what is too large to be walked."""
    check_characters(text)
    if not text.value.strip():
        raise error("E309", "an expression is missing", text.span())
    try:
        tree = ast.parse(f"{opening}{text.value}\n)", mode="eval")
    except SyntaxError as problem:
        raise _syntax_error(text, problem, len(opening)) from None
    except (RecursionError, MemoryError, ValueError, OverflowError):
        raise error("E303", "the expression is nested too deep", text.span(0, 1),
                    "name parts of it in `where`") from None
    places = Places(text, len(opening))
    _check_size(tree.body, places)
    return tree.body, places


def _syntax_error(text: Text, problem: SyntaxError, shift: int) -> IntentError:
    lines = text.value.split("\n")
    row = max(problem.lineno or 1, 1) - 1
    column = max(problem.offset or 1, 1) - 1 - (shift if row == 0 else 0)
    start = sum(len(line) + 1 for line in lines[:row]) + column
    message = re.split(r"\. (?:Perhaps|Maybe)|[(:] ?", problem.msg.removeprefix("f-string: "))[0].strip()
    plain = message in {"invalid syntax", "unexpected EOF while parsing"}
    word = re.match(r"\w+|\S", text.value[start:])
    span = text.span(start, start + len(word[0])) if word else text.span(len(text.value.rstrip()) - 1)
    assignment = re.search(r"(?<![=<>!:])=(?!=)", text.value)
    if assignment is not None and (plain or "==" in problem.msg):
        return error("E309", "`=` is not part of an expression", text.span(assignment.start(), assignment.end()),
                     "write `==` to compare")
    if problem.msg.startswith("f-string"):
        return error("E310", f"not an f-string of the language: {message}", span)
    if "forgot a comma" in problem.msg:
        return error("E309", f"an operator or a comma is missing near `{word[0] if word else ''}`", span)
    if not plain:
        return error("E309", f"not an expression: {message}", span)
    if word is None:
        return error("E309", "the expression ends too early", span)
    return error("E309", f"not an expression: `{word[0]}` is unexpected here", span)


def _check_size(tree: ast.expr, places: Places) -> None:
    """Level by level, since a recursive walk is what must be kept from running."""
    level: list[ast.AST] = [tree]
    count = 0
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)
                 if isinstance(child, (ast.expr, ast.comprehension, ast.keyword, ast.arguments, ast.Slice))]
        count += len(level)
        if count > MAX_NODES:
            raise error("E301", f"an expression of more than {MAX_NODES} parts", places.text.span(0, 1))
        if not level:
            return
    deepest = next((places.span(n) for n in level if isinstance(n, ast.expr)), places.text.span(0, 1))
    raise error("E303", f"the expression is nested more than {MAX_DEPTH} deep", deepest,
                "name parts of it in `where`, or write a long sum as `sum([a, b, …])`")
