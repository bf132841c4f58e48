"""`intents.lock`: machine code that was found once. TOML, laid out to be reviewed in a diff.

The whole file is never parsed: it is cut at the lines ``[[code]]``, and an entry is read when its intent is built. So
an entry's text must say by itself what it is for, in its first two lines. What stands between an entry and the next,
such as a comment, belongs to the former."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from intent_tool.language.diagnostics import IntentError, Source, Span, error
from intent_tool.machine.assembly import Assembly, Function, MachineCode, Note, Table

LOCK = "intents.lock"
VERSION = 1
MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 100_000
MAX_LINE = 200
"""The assembler's limits. Not imported from there: a null build reads the lockfile and needs no assembler."""
MAX_NOTES = 1000
MAX_NOTE = 4000
"""Notes on loops of one entry, and characters of one."""
MAX_FUNCTIONS = 500
"""Inside of one program."""
BYTES_A_LINE = 32
"""Of a constant table."""

_PREAMBLE = f"""\
# Machine code that was found once, and that builds take from here. It is judged again by every build.
# `scons lock=update` and `intent-tool lock` write this file.
version = {VERSION}
"""
_HEAD = "[[code]]\n"
_NAMES = ("intent", "target", "symbol", "generator")
_ORIGIN = ("provider", "model", "attempts")
_DIGESTS = ("contract", "record", "bytes")
_TABLE = ("label", "alignment", "data")
_HELP = "take the entry from version control, or delete it and let `scons lock=update` write it anew"

_BASIC = r'"([^"\\\x00-\x1f\x7f]*(?:\\[^\x00-\x1f][^"\\\x00-\x1f\x7f]*)*)"'
_FIRST_LINES = re.compile(f"intent = {_BASIC}\ntarget = {_BASIC}\n")
_CONFLICT = re.compile(r"^(?:(?:<{7}|\|{7}|>{7})(?: .*)?|={7})$", re.MULTILINE)
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_SYMBOL = re.compile(r"[A-Za-z_]\w{0,99}", re.ASCII)
_LINE = re.compile(r"[\t -~]+")


@dataclass(frozen=True, slots=True)
class Locked:
    """One entry. `contract`, `record` (of the target) and `code_digest` are SHA-256 in lower-case hexadecimal."""

    intent: str
    """The path of the `.intent` file as builds name it, with slashes."""
    target: str
    symbol: str
    generator: str
    """How the code came about: ``lowering``, ``ai``, …"""
    origin: Mapping[str, str | int]
    """``provider``, ``model`` and ``attempts`` (at least 1) of code by ``ai``; empty otherwise."""
    contract: str
    record: str
    code_digest: str
    """What `code_digest` says of the assembled code; `bytes` in the file."""
    assembly: Assembly


@dataclass(frozen=True, slots=True)
class Lock:
    """A lockfile, cut into entries that are not parsed yet."""

    path: Path
    entries: Mapping[tuple[str, str], str]
    """(intent, target) to the entry's text, from ``[[code]]`` to the end of its last line."""
    source: Source = field(repr=False)
    lines: Mapping[tuple[str, str], int] = field(repr=False)
    """The number of each entry's ``[[code]]`` in the file."""

    def digest(self, intent: str, target: str) -> str | None:
        """SHA-256 of the entry's text, hexadecimal; None where there is no entry."""
        text = self.entries.get((intent, target))
        return None if text is None else hashlib.sha256(text.encode()).hexdigest()

    def get(self, intent: str, target: str) -> Locked | None:
        """The entry, or None where there is none. Raises `IntentError` (E920) where it is malformed."""
        text = self.entries.get((intent, target))
        return None if text is None else _locked(_Piece(self.source, self.lines[intent, target], text))


def code_digest(code: MachineCode) -> str:
    """SHA-256, hexadecimal, of what ends up in an object: code, constants, their alignment, and relocations."""
    hasher = hashlib.sha256(f"{len(code.code)} {len(code.rodata)} {code.rodata_alignment}\n".encode())
    hasher.update(code.code + code.rodata)
    for relocation in code.relocations:
        hasher.update(f"{relocation.offset} {relocation.type} {relocation.addend} {relocation.symbol}\n".encode())
    return hasher.hexdigest()


# Writing.

def entry_text(locked: Locked) -> str:
    """The entry as it stands in the file. Blanks around lines of the assembly are not kept.

    Raises `ValueError` for what the file cannot hold or a reader would refuse: a line with ``'''`` or with characters
    that are not printable ASCII, a path that is not UTF-8, a digest that is none."""
    origin = {name: locked.origin[name] for name in _ORIGIN if name in locked.origin}
    if len(origin) != len(locked.origin):
        raise ValueError(f"an origin has {', '.join(_ORIGIN)}, not {', '.join(locked.origin)}")
    lines = tuple(line.strip() for line in locked.assembly.lines)
    for line in lines:
        if problem := _line_problem(line):
            raise ValueError(f"an assembly line {problem}: {line[:MAX_LINE]!r}")
    values = {"intent": locked.intent, "target": locked.target, "symbol": locked.symbol,
              "generator": locked.generator, **origin, "contract": locked.contract, "record": locked.record,
              "bytes": locked.code_digest}
    text = _HEAD + "".join(f"{name} = {_value(value)}\n" for name, value in values.items()) + "assembly = '''\n"
    text += "".join(line + "\n" if _is_label(line) else f"    {line}\n" for line in lines) + "'''\n"
    if locked.assembly.notes:
        notes = (f"    {_value(f'{note.label}: {note.text}')},\n" for note in locked.assembly.notes)
        text += "notes = [\n" + "".join(notes) + "]\n"
    if locked.assembly.functions:
        functions = (f"    {_value(f'{f.label}: {f.symbol}')},\n" for f in locked.assembly.functions)
        text += "functions = [\n" + "".join(functions) + "]\n"
    text += "".join(map(_table_text, locked.assembly.tables))
    try:
        read = _locked(_Piece(Source("<entry>", text), 1, text))
    except IntentError as problem:
        raise ValueError(problem.diagnostics[0].message) from None
    if read != replace(locked, origin=origin, assembly=replace(locked.assembly, lines=lines)):
        raise ValueError(f"the entry of {locked.intent} for {locked.target} would not read as it was written")
    return text


def lock_text(entries: Iterable[str]) -> str:
    """The whole file: sorted by intent and target, a blank line before each entry.

    Raises `ValueError` for a text that is not an entry's, and for two of one intent and target."""
    texts: dict[tuple[str, str], str] = {}
    for text in entries:
        pair = _pair(text.removeprefix(_HEAD)) if text.startswith(_HEAD) else None
        if pair is None or pair in texts:
            raise ValueError("not an entry of a lockfile" if pair is None else f"two entries of {' for '.join(pair)}")
        texts[pair] = text
    return "\n".join([_PREAMBLE, *(texts[pair] for pair in sorted(texts))])


def updated(lock: Lock, new: Iterable[Locked | str], keep: Callable[[str, str], bool]) -> str:
    """The file's new text: `new` entries, or texts of entries, take their places, others stay as they are if
    `keep(intent, target)`.

    Raises `ValueError` as `entry_text` and `lock_text` do."""
    texts = [entry if isinstance(entry, str) else entry_text(entry) for entry in new]
    replaced = {_pair(text.removeprefix(_HEAD)) for text in texts}
    texts += [text for pair, text in lock.entries.items() if pair not in replaced and keep(*pair)]
    return lock_text(texts)


def _table_text(table: Table) -> str:
    rows = [f'"{table.data[i:i + BYTES_A_LINE].hex()}"' for i in range(0, len(table.data), BYTES_A_LINE)] or ['""']
    data = rows[0] if len(rows) == 1 else "[\n" + "".join(f"    {row},\n" for row in rows) + "]"
    return (f"\n[[code.table]]\nlabel = {_value(table.label)}\nalignment = {_value(table.alignment)}\n"
            f"data = {data}\n")


def _value(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{_escaped(value)}"'


def _escaped(text: str) -> str:
    """As in TOML's basic strings (TOML 1.0, "String"). What an editor or a diff would not show is escaped as well."""
    def one(char: str) -> str:
        if char in '"\\':
            return "\\" + char
        if char.isprintable():
            return char
        if "\ud800" <= char <= "\udfff":
            raise ValueError(f"{text!r} is not UTF-8, so a lockfile cannot name it")
        return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
    return "".join(map(one, text))


def _is_label(line: str) -> bool:
    from intent_tool.machine.line_syntax import LABEL

    return line.endswith(":") and LABEL.fullmatch(line[:-1]) is not None


def _line_problem(line: str) -> str | None:
    """Why a line of assembly cannot stand in a lockfile."""
    if not line:
        return "is empty"
    if len(line) > MAX_LINE:
        return f"has more than {MAX_LINE} characters"
    if not _LINE.fullmatch(line):
        return "has characters that are not printable ASCII"
    return "has three quotes" if "'''" in line else None


# Reading.

@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the file that is TOML by itself; `line` is the number of its first line in the file."""

    source: Source
    line: int
    text: str

    def fail(self, message: str, row: int = 0, column: int | None = None, help: str | None = _HELP) -> NoReturn:
        """Raises E920 at row `row` (0-based) of the piece: at `column` (1-based), or for the row's whole content."""
        line = self.line + row
        content = self.source.line(line)
        indent = len(content) - len(content.lstrip())
        span = (Span(self.source, line, column) if column is not None else
                Span(self.source, line, indent + 1, max(1, len(content.strip()))))
        raise error("E920", message, span, help)

    def row(self, key: str | None, table: int | None = None) -> int:
        """The row where `key` of the entry, or of its table number `table`, gets its value; else that of the head."""
        rows = self.text.split("\n")
        heads = [i for i, row in enumerate(rows) if re.match(r"[ \t]*\[\[[ \t]*code\.table\b", row)]
        start = heads[table] if table is not None and table < len(heads) else 0
        stop = next((head for head in heads if head > start), len(rows))
        if key is None:
            return start
        assigns = re.compile(rf"""[ \t]*["']?{re.escape(key)}["']?[ \t]*[.=]""")
        return next((i for i in range(start, stop) if assigns.match(rows[i])), start)


def read_lock(path: Path) -> Lock:
    """The lockfile's entries; none where there is no file. No entry is parsed that has the form we write.

    Raises `IntentError` (E920), with the place, for what is malformed or cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        data = _PREAMBLE.encode()
    except OSError as failure:
        _Piece(Source(str(path), ""), 1, "").fail(f"cannot be read: {failure.strerror}", help=None)
    source = _decoded(data, str(path))
    if any(mark * 7 in source.text for mark in "<|=>") and (mark := _CONFLICT.search(source.text)):
        row = source.text.count("\n", 0, mark.start())
        _Piece(source, 1, "").fail(f"an unresolved merge conflict: `{mark[0][:7]}`", row, help=(
            "keep one side of every entry, or delete the entry and let `scons lock=update` write it anew"))
    # A line end before the first line, so that it is found as well if it is a head.
    head, *bodies = ("\n" + source.text).split("\n" + _HEAD)
    _check_head(_Piece(source, 1, head[1:]))
    entries: dict[tuple[str, str], str] = {}
    lines: dict[tuple[str, str], int] = {}
    line = head.count("\n") + 1
    for body in bodies:
        text = body.rstrip("\n") + "\n"
        piece = _Piece(source, line, _HEAD + text)
        pair = _pair(text)
        if pair is None or ("[[" in text and text.count("[[") != text.count("\n[[code.table]]\n")):
            # Perhaps an entry whose head we do not see.
            _locked(piece)
        if pair is None:
            piece.fail('an entry starts with the lines `intent = "…"` and `target = "…"`', 1)
        if pair in entries:
            piece.fail(f"{_escaped(pair[0])} for {_escaped(pair[1])} is locked twice, first in line {lines[pair]}", 1,
                       help="delete one of the entries")
        entries[pair], lines[pair] = piece.text, line
        line += body.count("\n") + 2
    return Lock(path, entries, source, lines)


def lock_with(path: Path, intent: str, target: str, text: str, line: int) -> Lock:
    """A lock of a single entry: `text`, as `Lock.entries` has it, from line `line` of the file `path`.

    For a worker that builds one intent and need not read the others' entries; messages have the same places."""
    return Lock(path, {(intent, target): text}, Source(str(path), "\n" * (line - 1) + text), {(intent, target): line})


def _decoded(data: bytes, path: str) -> Source:
    if len(data) > MAX_BYTES:
        _Piece(Source(path, ""), 1, "").fail(f"the file has more than {MAX_BYTES // 1024 ** 2} MiB", help=None)
    try:
        text = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        before = data[:problem.start].decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
        rest = data[problem.start:].decode("utf-8", "replace").replace("\r\n", "\n")
        _Piece(Source(path, before + rest), 1, "").fail(
            f"byte 0x{data[problem.start]:02x} is not UTF-8", before.count("\n"),
            len(before) - before.rfind("\n"))
    # Without a line end at the end of the file, a head there would be taken for something else.
    return Source(path, text if text.endswith("\n") else text + "\n")


def _check_head(piece: _Piece) -> None:
    """What stands before the first entry must be the version."""
    top = _toml(piece)
    version = top.pop("version", None)
    if version is None:
        piece.fail(f"there is no `version = {VERSION}` before the entries")
    if type(version) is not int or version != VERSION:
        piece.fail(f"the version is not {VERSION}, the only one that this tool knows", piece.row("version"),
                   help="use the version of intent-tool that wrote the file")
    if "code" in top:
        _refuse_heads(piece)
    for key in top:
        piece.fail(f"`{_escaped(key[:40])}` is no key of a lockfile", piece.row(key))


def _refuse_heads(piece: _Piece) -> NoReturn:
    """For a part of the file in which TOML sees an entry, or one more, that we would not see."""
    rows = piece.text.split("\n")
    odd = (row for row, text in enumerate(rows)
           if re.match(r"[ \t]*\[\[?[ \t]*[\"']?code[\"']?[ \t]*\]", text) and (row or text + "\n" != _HEAD))
    piece.fail("an entry starts with a line that holds `[[code]]` and nothing else", next(odd, 0))


def _pair(text: str) -> tuple[str, str] | None:
    """Intent and target of an entry, from its first lines behind ``[[code]]``; None where they look otherwise."""
    found = _FIRST_LINES.match(text)
    if found is None:
        return None
    if "\\" not in found[0]:
        return found[1], found[2]
    try:
        read = tomllib.loads(found[0])
    except ValueError:
        return None
    return read["intent"], read["target"]


def _toml(piece: _Piece) -> dict[str, Any]:
    try:
        return tomllib.loads(piece.text)
    except RecursionError:
        piece.fail("not TOML that can be read: brackets are nested too deep")
    except ValueError as problem:
        # Not only of the subclass: int() refuses numbers of thousands of digits.
        place = _TOML_PLACE.search(str(problem))
        message = f"not TOML: {_TOML_PLACE.sub('', str(problem))}"
        if place is None:
            piece.fail(message)
        if place[1] is None:
            last = piece.text.rstrip("\n").split("\n")
            piece.fail(f"{message}, at the end of this part", len(last) - 1, len(last[-1]) + 1)
        piece.fail(message, int(place[1]) - 1, int(place[2]))


def _locked(piece: _Piece) -> Locked:
    """An entry, every key of it checked. Raises `IntentError` (E920)."""
    top = _toml(piece)
    if len(top["code"]) != 1:
        _refuse_heads(piece)
    for key in top.keys() - {"code"}:
        piece.fail(f"`{_escaped(key[:40])}` is no part of an entry",
                   next((i for i, row in enumerate(piece.text.split("\n")) if row.lstrip(" \t[").startswith(key)), 0))
    values = top["code"][0]
    origin = _ORIGIN if values.get("generator") == "ai" else ()
    for key in values:
        if key in _ORIGIN and not origin:
            piece.fail(f"`{key}` is only for code by the generator `ai`", piece.row(key))
    _check_keys(piece, values, (*_NAMES, *origin, *_DIGESTS, "assembly"), ("notes", "functions", "table"))
    for key in (*_NAMES, *origin, *_DIGESTS, "assembly"):
        if key == "attempts":
            if type(values[key]) is not int or values[key] < 1:
                piece.fail("`attempts` is not a number of at least 1", piece.row(key))
        elif not isinstance(values[key], str):
            piece.fail(f"`{key}` is not a string", piece.row(key))
        elif key in _NAMES and not values[key]:
            piece.fail(f"`{key}` is empty", piece.row(key))
        elif key in _DIGESTS and not _DIGEST.fullmatch(values[key]):
            piece.fail(f"`{key}` is not a SHA-256: 64 hexadecimal digits in lower case", piece.row(key))
    tables = values.get("table", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        piece.fail("a constant table starts with a line `[[code.table]]`", piece.row("table"))
    return Locked(values["intent"], values["target"], values["symbol"], values["generator"],
                  {key: values[key] for key in origin}, values["contract"], values["record"], values["bytes"],
                  Assembly(_lines(piece, values["assembly"]),
                           tuple(_table(piece, number, table) for number, table in enumerate(tables)),
                           _notes(piece, values.get("notes", [])),
                           _functions(piece, values.get("functions", []))))


def _check_keys(piece: _Piece, values: Mapping[str, Any], needed: tuple[str, ...], others: tuple[str, ...] = (),
                table: int | None = None) -> None:
    owner = "an entry" if table is None else "a constant table"
    for key in values:
        if key not in needed and key not in others:
            piece.fail(f"`{_escaped(key[:40])}` is no key of {owner}", piece.row(key, table))
    for key in needed:
        if key not in values:
            piece.fail(f"`{key}` is missing, which {owner} has", piece.row(None, table))


def _lines(piece: _Piece, text: str) -> tuple[str, ...]:
    lines = [line.strip(" \t") for line in text.split("\n")]
    if not lines[-1]:
        lines.pop()
    if not lines:
        piece.fail("`assembly` is empty", piece.row("assembly"))
    if len(lines) > MAX_LINES:
        piece.fail(f"`assembly` has {len(lines)} lines; at most {MAX_LINES} are read", piece.row("assembly"))
    for index, line in enumerate(lines):
        if problem := _line_problem(line):
            row = piece.row("assembly")
            is_block = re.search(r"=[ \t]*(?:'''|\"{3})$", piece.text.split("\n")[row])
            piece.fail(f"an assembly line {problem}", row + 1 + index if is_block else row)
    return tuple(lines)


def _notes(piece: _Piece, notes: Any) -> tuple[Note, ...]:
    from intent_tool.machine.line_syntax import LABEL

    if not isinstance(notes, list) or len(notes) > MAX_NOTES or not all(isinstance(note, str) for note in notes):
        piece.fail(f"`notes` is not a list of at most {MAX_NOTES} strings", piece.row("notes"))
    found = []
    for note in notes:
        label, colon, text = note.partition(": ")
        if len(note) > MAX_NOTE or not colon or not LABEL.fullmatch(label) or not _LINE.fullmatch(text):
            piece.fail(f"a note is a label, `: `, and printable ASCII, of at most {MAX_NOTE} characters",
                       piece.row("notes"))
        found.append(Note(label, text))
    return tuple(found)


def _functions(piece: _Piece, functions: Any) -> tuple[Function, ...]:
    from intent_tool.machine.line_syntax import LABEL

    if not isinstance(functions, list) or len(functions) > MAX_FUNCTIONS \
            or not all(isinstance(function, str) for function in functions):
        piece.fail(f"`functions` is not a list of at most {MAX_FUNCTIONS} strings", piece.row("functions"))
    found = []
    for function in functions:
        label, colon, symbol = function.partition(": ")
        if not colon or not LABEL.fullmatch(label) or not _SYMBOL.fullmatch(symbol):
            piece.fail("a function is a label, `: `, and a symbol", piece.row("functions"))
        found.append(Function(symbol, label))
    return tuple(found)


def _table(piece: _Piece, number: int, values: Mapping[str, Any]) -> Table:
    from intent_tool.machine.line_syntax import LABEL

    _check_keys(piece, values, _TABLE, table=number)
    label, alignment, data = (values[key] for key in _TABLE)
    if not isinstance(label, str) or len(label) > MAX_LINE or not LABEL.fullmatch(label):
        piece.fail(f"`label` is not `.L` and letters, digits or `_`, of at most {MAX_LINE} characters",
                   piece.row("label", number))
    if type(alignment) is not int or not 1 <= alignment <= 4096 or alignment & alignment - 1:
        piece.fail("`alignment` is not a power of two up to 4096", piece.row("alignment", number))
    rows = data if isinstance(data, list) else [data]
    if not rows or not all(isinstance(row, str) and _HEX.fullmatch(row) for row in rows):
        piece.fail("`data` is not bytes in hexadecimal, in lower case, as a string or a list of strings",
                   piece.row("data", number))
    return Table(label, alignment, bytes.fromhex("".join(rows)))
