"""A formula as YAML, and its place in the text of an intent, every other character of which stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from intent_tool.language.diagnostics import IntentError, Source
from intent_tool.language.document import Mapping, Scalar, Sequence, Value, expression_text, parse_document, source_of
from intent_tool.propose.ai.contract_answer import Formula, Unreadable


def formula_text(formula: Formula) -> str:
    """The keys as they are written into a file."""
    lines: list[str] = []
    for key, pairs in (("where", formula.where), ("requires", formula.requires), ("returns", formula.returns),
                       ("ensures", formula.ensures), ("writes", formula.writes)):
        if isinstance(pairs, str):
            lines += _entry(f"{key}:", pairs, "") if pairs else []
        elif pairs:
            lines.append(f"{key}:")
            for item in pairs:
                head, expression = ("-", item) if isinstance(item, str) else (f"{item[0]}:", item[1])
                lines += _entry(head, expression, "  ")
    return "".join(line + "\n" for line in lines)


def with_formula(text: str, formula: Formula, path: str) -> str:
    """The intent `text` with the formula's keys before `examples`, or at its end.

    Raises `Unreadable` when the result would say anything but what both say."""
    source = source_of(text, path)
    top = parse_document(source)
    said = {**_said(top), **_wanted(formula)}
    mark = text[:text.startswith("\ufeff")]
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text.removeprefix(mark))
    newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
    indent = " " * (top.entries[0].key.span.column - 1)
    block = "".join(indent + line + newline for line in formula_text(formula).splitlines())
    for place in _places(top, lines):
        before = "".join(lines[:place])
        joint = newline if before and not before.endswith("\n") else ""
        made = mark + before + joint + block + "".join(lines[place:])
        try:
            if _said(parse_document(source_of(made, path))) == said:
                return made
        except IntentError:
            continue
    raise Unreadable("the expressions cannot be written into the file")


def _places(top: Mapping, lines: list[str]) -> Iterator[int]:
    """Numbers of lines before which the keys may stand, best first."""
    examples = next((e.key.span.line - 1 for e in top.entries if e.key.value == "examples"), None)
    if examples is None:
        ends = (i for i, line in enumerate(lines) if i and re.match(r"\.\.\.\s", line + "\n"))
        yield next(ends, len(lines))
        return
    start = examples
    # A comment right above `examples` is about them.
    while start > 0 and lines[start - 1].lstrip(" ").startswith("#"):
        start -= 1
    if start > 0:
        yield start
    yield examples


def _entry(head: str, expression: str, indent: str) -> list[str]:
    if _is_plain(head, expression):
        return [f"{indent}{head} {expression}"]
    return [f"{indent}{head} |", f"{indent}  {expression}"]


def _is_plain(head: str, expression: str) -> bool:
    """Whether YAML reads the expression as it is, without quotes."""
    line = f"x: {expression}\n" if head != "-" else f"x:\n  - {expression}\n"
    try:
        value: Value = parse_document(Source("", line)).entries[0].value
        if isinstance(value, Sequence) and not value.flow and head == "-" and len(value.items) == 1:
            value = value.items[0]
        return (isinstance(value, Scalar) and not value.style
                and expression_text(value, "it").value == expression)
    except IntentError:
        return False


def _said(top: Mapping) -> dict[str, Any]:
    return {entry.key.value: _data(entry.value) for entry in top.entries}


def _data(value: Value) -> Any:
    if isinstance(value, Scalar):
        # A block scalar at the end of a file without a line end gets one when something follows.
        return value.value.rstrip("\n") if value.style in {"|", ">"} else value.value
    if isinstance(value, Sequence):
        return [_data(item) for item in value.items]
    return _said(value)


def _wanted(formula: Formula) -> dict[str, Any]:
    keys: dict[str, Any] = {"where": dict(formula.where), "requires": list(formula.requires),
                            "returns": formula.returns, "ensures": list(formula.ensures),
                            "writes": dict(formula.writes)}
    return {key: value for key, value in keys.items() if value}
