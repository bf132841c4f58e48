"""The YAML of an `.intent` file as mappings, sequences and scalars with their places.

YAML's own idea of types plays no part: every scalar is text. Built from parser events with an explicit stack,
so that no file, however deep or long, can exhaust the interpreter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Union

from intent_tool.language.diagnostics import IntentError, Source, Span, error
from intent_tool.language.text import Lines, Text, scalar_text

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
MAX_NODES = 20_000

_QUOTE_HELP = "quote the whole value, or write `|` after the key and the value on the next line, indented"
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """`style` is YAML's indicator: empty for plain, ``'``, ``"``, ``|`` or ``>``."""

    text: Text
    style: str
    span: Span

    @property
    def value(self) -> str:
        return self.text.value


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    items: tuple[Value, ...]
    span: Span
    flow: bool


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    key: Scalar
    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    entries: tuple[Entry, ...]
    span: Span
    flow: bool

    def get(self, key: str) -> Value | None:
        return next((e.value for e in self.entries if e.key.value == key), None)


Value = Union[Scalar, Sequence, Mapping]


def decode(data: bytes, path: str) -> Source:
    """The text of a file: UTF-8, with or without a byte-order mark, lines ended by LF or CRLF.

    The source's text has neither mark nor carriage returns, so that columns are those an editor shows."""
    if len(data) > MAX_BYTES:
        raise error("E101", f"{path}: the file has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        before = data[:problem.start].decode("utf-8", "replace").replace("\r\n", "\n")
        shown = Source(path, before + data[problem.start:].decode("utf-8", "replace").replace("\r\n", "\n"))
        raise error("E102", f"byte 0x{data[problem.start]:02x} is not UTF-8", Lines.of(shown).span(
            len(before), len(before) + 1), "save the file as UTF-8") from None
    return source_of(text, path)


def source_of(text: str, path: str) -> Source:
    """The same for a text that is already decoded."""
    source = Source(path, text.removeprefix("\ufeff").replace("\r\n", "\n"))
    if len(text) > MAX_BYTES:
        raise error("E101", f"{path}: the text has {len(text)} characters; at most {MAX_BYTES} are read")
    bad = _FORBIDDEN.search(source.text)
    if bad is not None:
        raise error("E103", f"character U+{ord(bad[0]):04X} may not stand in an intent",
                    Lines.of(source).span(bad.start(), bad.end()),
                    r"in byte strings write it as an escape, such as \x00" if ord(bad[0]) < 256 else None)
    return source


def parse_document(source: Source) -> Mapping:
    """The file's top level mapping. Raises `IntentError` for anything that is not plain, anchor-free YAML."""
    import yaml

    lines = Lines.of(source)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        try:
            top = _build(yaml.parse(source.text, Loader=loader), lines)
        except yaml.scanner.ScannerError as problem:
            # libyaml's own limit comes before ours; the parser in Python gets as far as ours, which has a place.
            if "nesting depth" not in str(problem):
                raise
            top = _build(yaml.parse(source.text, Loader=yaml.SafeLoader), lines)
    except yaml.MarkedYAMLError as problem:
        raise _syntax_error(problem, lines) from None
    except yaml.YAMLError as problem:
        raise error("E104", f"not YAML: {problem}", lines.span(0, 1)) from None
    if not isinstance(top, Mapping):
        place = lines.span(0, 1) if top is None else top.span
        raise error("E110", "an intent is a list of keys with values" if top is not None else "the file is empty",
                    place, "start with `intent: what is wanted, in plain words`")
    return top


class _Open:
    """A collection whose end has not come yet."""

    def __init__(self, event: Any, is_mapping: bool) -> None:
        self.event = event
        self.is_mapping = is_mapping
        self.items: list[Value] = []
        self.entries: list[Entry] = []
        self.key: Scalar | None = None


def _build(events: Iterator[Any], lines: Lines) -> Value | None:
    from yaml import events as kinds

    stack: list[_Open] = []
    top: Value | None = None
    nodes = 0
    for event in events:
        value: Value
        if isinstance(event, kinds.NodeEvent):
            nodes += 1
            _refuse_decoration(event, lines)
            if nodes > MAX_NODES:
                raise error("E105", f"more than {MAX_NODES} values in one file", _place(event, lines))
        if isinstance(event, (kinds.MappingStartEvent, kinds.SequenceStartEvent)):
            if len(stack) == MAX_DEPTH:
                raise error("E105", f"lists and mappings are nested more than {MAX_DEPTH} deep", _place(event, lines),
                            _QUOTE_HELP)
            if stack and stack[-1].is_mapping and stack[-1].key is None:
                raise error("E108", "a key must be a plain word", _place(event, lines), _QUOTE_HELP)
            stack.append(_Open(event, isinstance(event, kinds.MappingStartEvent)))
            continue
        if isinstance(event, kinds.DocumentStartEvent):
            if event.version or event.tags:
                raise error("E111", "YAML directives are not used in intents", _place(event, lines),
                            "delete the line that starts with `%`")
            if top is not None:
                raise error("E111", "a second YAML document starts here; a file holds one intent",
                            _place(event, lines), "put it into a file of its own, without `---`")
            continue
        if isinstance(event, kinds.ScalarEvent):
            marked: Any = event
            start, stop = marked.start_mark.index, marked.end_mark.index
            text = scalar_text(event.value, event.style or "", lines, start, stop)
            value = Scalar(text, event.style or "", lines.span(start, max(stop, start + 1)))
        elif isinstance(event, (kinds.MappingEndEvent, kinds.SequenceEndEvent)):
            done = stack.pop()
            place, flow = _place(done.event, lines), bool(done.event.flow_style)
            value = (Mapping(tuple(done.entries), place, flow) if done.is_mapping
                     else Sequence(tuple(done.items), place, flow))
        else:
            continue
        if not stack:
            top = value
        elif not stack[-1].is_mapping:
            stack[-1].items.append(value)
        elif stack[-1].key is None:
            stack[-1].key = _key(value, stack[-1].entries)
        else:
            stack[-1].entries.append(Entry(stack[-1].key, value))
            stack[-1].key = None
    return top


def _key(value: Value, entries: list[Entry]) -> Scalar:
    assert isinstance(value, Scalar)
    if value.value == "<<" and not value.style:
        raise error("E107", "YAML merge keys are not used in intents", value.span, "write the keys out")
    if value.style in {"|", ">"}:
        raise error("E108", "a key must be a plain word", value.span)
    twin = next((e.key for e in entries if e.key.value == value.value), None)
    if twin is not None:
        raise error("E109", f"`{value.value}` is given twice; the first is in line {twin.span.line}", value.span,
                    "keep one of them")
    return value


def _place(event: Any, lines: Lines) -> Span:
    return lines.span(event.start_mark.index, event.start_mark.index + 1)


def _refuse_decoration(event: Any, lines: Lines) -> None:
    from yaml import events as kinds

    here = _place(event, lines)
    if isinstance(event, kinds.AliasEvent):
        raise error("E106", f"YAML reads `*{event.anchor}` as an alias; aliases are not used in intents", here,
                    _QUOTE_HELP)
    if event.anchor is not None:
        raise error("E106", f"YAML reads `&{event.anchor}` as an anchor; anchors are not used in intents", here,
                    _QUOTE_HELP)
    if getattr(event, "tag", None) is not None:
        raise error("E112", f"YAML reads `{event.tag.replace('tag:yaml.org,2002:', '!!')}` as a tag; "
                    "tags are not used in intents", here, "write `not x` for negation, or quote the expression")


def _syntax_error(problem: Any, lines: Lines) -> IntentError:
    """The likely cause, in the language's terms: most broken files are expressions that YAML read first."""
    mark = problem.problem_mark or problem.context_mark
    offset = min(mark.index, len(lines.source.text)) if mark is not None else 0
    span = lines.span(offset, offset + 1)
    row = lines.source.line(span.line)
    words = problem.problem or problem.context or "not YAML"
    before = row[:span.column - 1]
    if "\t" in row[:len(row) - len(row.lstrip())]:
        return error("E113", "a line is indented with a tab", lines.span(offset - len(before), offset), "use spaces")
    opened = re.match(r"\s*(?:- +)*(?:[^'\"\[{|>#]*?: +)?([\[{'\"])", row)
    if opened is not None and opened.start(1) < max(span.column, 2):
        at = offset - len(before) + opened.start(1)
        sort = {"[": "a list", "{": "a mapping"}.get(opened[1], "a quoted text")
        return error("E114", f"YAML reads a value that starts with `{opened[1]}` as {sort}, and what follows does "
                     "not fit", lines.span(at, at + 1), _QUOTE_HELP)
    if problem.context_mark is not None and "flow" in (problem.context or ""):
        start = problem.context_mark.index
        opening = lines.source.text[start:start + 1]
        sort = "a list" if opening == "[" else "a mapping"
        return error("E114", f"YAML reads a value that starts with `{opening}` as {sort}, and finds no end of it",
                     lines.span(start, start + 1), _QUOTE_HELP)
    if problem.context_mark is not None and "quoted scalar" in (problem.context or ""):
        start = problem.context_mark.index
        opening = lines.source.text[start:start + 1]
        return error("E114", f"YAML reads a value that starts with `{opening}` as a quoted text, and finds no end of "
                     "it", lines.span(start, start + 1), _QUOTE_HELP)
    if "mapping values are not allowed" in words:
        return error("E115", "YAML reads `: ` inside a value as the start of a mapping", span, _QUOTE_HELP)
    if "could not find expected ':'" in words:
        start = problem.context_mark.index if problem.context_mark is not None else offset
        return error("E104", "a line without a `key:`", lines.span(start, start + 1),
                     "indent the continuation of a value by two spaces")
    if "cannot start any token" in words:
        return error("E104", f"a value cannot start with `{lines.source.text[offset:offset + 1]}` in YAML", span,
                     _QUOTE_HELP)
    return error("E104", f"not YAML: {words}", span)


def expression_text(value: Value, what: str) -> Text:
    """The text of a value that must be an expression (`what` names it in messages).

    Raises for lists and mappings, and for plain scalars to which YAML gives another meaning than Python does."""
    if isinstance(value, Sequence):
        if value.flow:
            raise error("E114", f"YAML reads a value that starts with `[` as a list; {what} must be an expression",
                        value.span, _QUOTE_HELP)
        raise error("E116", f"{what} is one expression, not a list", value.span)
    if isinstance(value, Mapping):
        if value.flow:
            raise error("E114", "YAML reads a value that starts with `{` as a mapping; "
                        f"{what} must be an expression", value.span, _QUOTE_HELP)
        colon = value.entries[0].value.span if value.entries else value.span
        raise error("E115", f"YAML reads `: ` inside a value as the start of a mapping; {what} must be an expression",
                    colon, _QUOTE_HELP)
    if not value.value.strip():
        raise error("E117", f"{what} is empty", value.span)
    if not value.style:
        _refuse_yaml_meaning(value)
    return value.text


_YAML_MEANINGS = (
    (re.compile(r"(?i:yes|no|on|off)|true|TRUE|false|FALSE"), "a truth value",
     "write True or False; quote it if it is a name"),
    (re.compile(r"~|(?i:null)"), "no value", "write 0, or quote it if it is a name"),
    (re.compile(r"[-+]?0[0-7_]+"), "an octal number", "write Python's 0o17 in quotes, or the decimal number"),
    (re.compile(r"[-+]?0o[0-7_]+"), "a text or a number, by its version", "write the decimal number, or quote it"),
    (re.compile(r"[-+]?(?:[1-9][0-9]*_[0-9_]*|0x[0-9a-fA-F_]*_[0-9a-fA-F_]*|0b[01_]*_[01_]*)"),
     "a number by rules of its own", "write it without `_`, or quote it"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a number to base 60",
     "write the number itself"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"), "a date", "write spaces around `-` to subtract"),
    (re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?i:inf)|\.(?i:nan)"), "a fraction",
     "contracts have integers only"),
)


def _refuse_yaml_meaning(scalar: Scalar) -> None:
    for pattern, meaning, help in _YAML_MEANINGS:
        if pattern.fullmatch(scalar.value):
            raise error("E118", f"YAML reads `{scalar.value}` as {meaning}", scalar.span, help)
