from __future__ import annotations

import difflib
import hashlib
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intent_tool.emit import lockfile
from intent_tool.emit.lockfile import (
    LOCK,
    Lock,
    Locked,
    code_digest,
    entry_text,
    lock_text,
    lock_with,
    read_lock,
    updated,
)
from intent_tool.language.codes import CODES
from intent_tool.language.diagnostics import IntentError
from intent_tool.machine import assembler
from intent_tool.machine.assembly import Assembly, Instruction, MachineCode, Note, Relocation, Table

A, B, C = "a" * 64, "b" * 64, "c" * 64
AI: Mapping[str, str | int] = {"provider": "llama.cpp", "model": "local", "attempts": 3}


def locked(intent: str = "intents/add.intent", target: str = "x86_64", lines: tuple[str, ...] = ("ret",),
           tables: tuple[Table, ...] = (), generator: str = "lowering",
           origin: Mapping[str, str | int] | None = None) -> Locked:
    return Locked(intent, target, "add", generator, origin or {}, A, B, C, Assembly(lines, tables))


def lock_of(text: str | bytes) -> Lock:
    """What is read where the lockfile holds `text`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LOCK
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_lock(path)


ADD = f'''\
[[code]]
intent = "intents/add.intent"
target = "x86_64"
symbol = "add"
generator = "ai"
provider = "llama.cpp"
model = "local"
attempts = 3
contract = "{A}"
record = "{B}"
bytes = "{C}"
assembly = \'\'\'
.L1:
    lea eax, [rdi + rsi]
    ret
\'\'\'
'''
LOOKUP = f'''\
[[code]]
intent = "intents/lookup.intent"
target = "arm64"
symbol = "add"
generator = "lowering"
contract = "{A}"
record = "{B}"
bytes = "{C}"
assembly = \'\'\'
    adrp x1, .Ltable0
    ret
\'\'\'

[[code.table]]
label = ".Ltable0"
alignment = 8
data = "00112233"

[[code.table]]
label = ".Ltable1"
alignment = 1
data = [
    "{"0123456789abcdef" * 4}",
    "ff",
]
'''
HEAD = '''\
# Machine code that was found once, and that builds take from here. It is judged again by every build.
# `scons lock=update` and `intent-tool lock` write this file.
version = 1
'''
WHOLE = f"{HEAD}\n{ADD}\n{LOOKUP}"

add = locked(lines=(".L1:", "lea eax, [rdi + rsi]", "ret"), generator="ai", origin=AI)
lookup = locked("intents/lookup.intent", "arm64", ("adrp x1, .Ltable0", "ret"),
                (Table(".Ltable0", 8, bytes.fromhex("00112233")),
                 Table(".Ltable1", 1, bytes.fromhex("0123456789abcdef" * 4 + "ff"))))


# What is written is what is read.

def test_the_text_of_a_small_lock() -> None:
    assert lock_text([entry_text(lookup), entry_text(add)]) == WHOLE
    assert lock_text([]) == HEAD


def test_entries_are_read_one_by_one() -> None:
    lock = lock_of(WHOLE)
    assert lock.entries == {("intents/add.intent", "x86_64"): ADD, ("intents/lookup.intent", "arm64"): LOOKUP}
    assert lock.get("intents/add.intent", "x86_64") == add
    assert lock.get("intents/lookup.intent", "arm64") == lookup
    assert lock.digest("intents/add.intent", "x86_64") == hashlib.sha256(ADD.encode()).hexdigest()
    assert lock.get("intents/add.intent", "arm64") is None
    assert lock.digest("intents/add.intent", "arm64") is None


def test_notes_stand_behind_the_lines() -> None:
    entry = replace(add, assembly=replace(add.assembly, notes=(Note(".L3", "round %rax <= n - 1"), Note(".L4", "x"))))
    text = entry_text(entry)
    assert text == ADD + 'notes = [\n    ".L3: round %rax <= n - 1",\n    ".L4: x",\n]\n'
    assert lock_of(lock_text([text])).get(entry.intent, entry.target) == entry


def test_a_missing_file_is_an_empty_lock(tmp_path: Path) -> None:
    lock = read_lock(tmp_path / LOCK)
    assert (lock.path, lock.entries) == (tmp_path / LOCK, {})
    assert lock_of(lock_text([])).entries == {}


def test_line_ends_a_mark_and_blank_lines_do_not_matter() -> None:
    expected = lock_of(WHOLE).entries
    assert lock_of(WHOLE.replace("\n", "\r\n")).entries == expected
    assert lock_of("\ufeff" + WHOLE).entries == expected
    assert lock_of(WHOLE.rstrip("\n")).entries == expected
    assert lock_of(WHOLE.replace("\n[[code]]", "\n\n\n[[code]]")).entries == expected


def test_a_comment_is_kept_with_its_entry() -> None:
    mine = ADD.replace("attempts = 3\n", "attempts = 3  # Lucky.\n") + "# Reviewed.\n"
    lock = lock_of(f"{HEAD}\n{mine}\n{LOOKUP}")
    assert lock.get("intents/add.intent", "x86_64") == add
    assert mine in updated(lock, [lookup], keep=lambda intent, target: True)


def test_paths_that_need_escapes() -> None:
    path = 'in "a\\b"/[[code]]/\u202egnp\x07\tü\U0001f600.intent'
    text = entry_text(locked(path))
    assert text.split("\n")[1] == r'intent = "in \"a\\b\"/[[code]]/\u202egnp\u0007\u0009ü😀.intent"'
    assert lock_of(lock_text([text])).get(path, "x86_64") == locked(path)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
lines = st.one_of(
    st.from_regex(r"\.L[0-9A-Za-z_]{1,9}:", fullmatch=True),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=200).map(str.strip).filter(
        lambda line: line and "'''" not in line))
tables = st.builds(Table, st.from_regex(r"\.L[0-9A-Za-z_]{1,9}", fullmatch=True),
                   st.sampled_from([1, 2, 64, 4096]), st.binary(min_size=1, max_size=100))
notes = st.builds(Note, st.from_regex(r"\.L[0-9A-Za-z_]{1,9}", fullmatch=True),
                  st.from_regex(r"[ -~]{1,80}", fullmatch=True))
origins = st.fixed_dictionaries({"provider": st.text(st.characters(exclude_categories=["Cs"])), "model": names,
                                 "attempts": st.integers(1, 10**6)})
assemblies = st.builds(Assembly, st.lists(lines, min_size=1, max_size=20).map(tuple),
                       st.lists(tables, max_size=3).map(tuple), st.lists(notes, max_size=3).map(tuple))
entries = st.one_of(*(
    st.builds(Locked, names, names, names, generator, origin, st.just(A), st.just(B), st.just(C), assemblies)
    for generator, origin in ((st.just("ai"), origins), (names.filter(lambda n: n != "ai"), st.just({})))))


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=4, unique_by=lambda entry: (entry.intent, entry.target)))
def test_round_trip(made: list[Locked]) -> None:
    text = lock_text(map(entry_text, made))
    lock = lock_of(text)
    assert lock.entries == {(entry.intent, entry.target): entry_text(entry) for entry in made}
    assert all(lock.get(entry.intent, entry.target) == entry for entry in made)
    assert updated(lock, [], keep=lambda intent, target: True) == text
    # For every other reader of TOML it is one document.
    whole = tomllib.loads(text)
    assert {(e["intent"], e["target"]) for e in whole.pop("code", [])} == set(lock.entries)
    assert whole == {"version": 1}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(WHOLE)), st.integers(0, 40), st.one_of(
    st.text(max_size=5), st.sampled_from(["[[code]]\n", "[", "'''", '"', "\n", "=", "[" * 5000, "9" * 5000])))
def test_no_damage_ends_in_a_traceback(start: int, length: int, instead: str) -> None:
    text = WHOLE[:start] + instead + WHOLE[start + length:]
    try:
        lock = lock_of(text.encode("utf-8", "surrogatepass"))
        for pair in lock.entries:
            lock.get(*pair)
    except IntentError as failure:
        assert [d.code for d in failure.diagnostics] == ["E920"]
        span = failure.diagnostics[0].span
        assert span is not None and 1 <= span.line <= text.count("\n") + 2


# One change, one place in the diff.

def changed_lines(before: str, after: str) -> list[str]:
    difference = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in difference if not line.startswith(("---", "+++", "@@"))]


def always(intent: str, target: str) -> bool:
    return True


def test_a_changed_entry_touches_only_its_lines() -> None:
    made = [locked(f"intents/{name}.intent", target) for name in ("a", "b", "c") for target in ("arm64", "x86_64")]
    text = lock_text(map(entry_text, made))
    after = updated(lock_of(text), [locked("intents/b.intent", "arm64", ("nop", "ret"))], always)
    assert changed_lines(text, after) == ["+    nop"]


def test_a_new_entry_and_one_that_goes_touch_only_their_lines() -> None:
    lock = lock_of(WHOLE)
    new = locked("intents/clamp.intent")
    with_new = updated(lock, [new], always)
    assert with_new == f"{HEAD}\n{ADD}\n{entry_text(new)}\n{LOOKUP}"
    assert all(line.startswith("+") for line in changed_lines(WHOLE, with_new))
    assert updated(lock, [], lambda intent, target: target != "arm64") == f"{HEAD}\n{ADD}"


def test_entries_may_come_as_texts() -> None:
    assert updated(lock_of(WHOLE), [ADD, lookup], always) == WHOLE


def test_a_new_entry_needs_no_leave_to_stay() -> None:
    assert updated(lock_of(WHOLE), [add], lambda intent, target: False) == f"{HEAD}\n{ADD}"


# What cannot be written.

@pytest.mark.parametrize(("entry", "why"), [
    (locked(lines=("mov eax, '''",)), "an assembly line has three quotes"),
    (locked(lines=("mov eax, ü",)), "not printable ASCII"),
    (locked(lines=("nop\nret",)), "not printable ASCII"),
    (locked(lines=("ret", "  ")), "an assembly line is empty"),
    (locked(lines=("nop" * 67,)), "more than 200 characters"),
    (locked(lines=()), "`assembly` is empty"),
    (locked("caf\udce9.intent"), "is not UTF-8"),
    (locked(tables=(Table(".Lt", 3, b"1"),)), "`alignment` is not a power of two"),
    (locked(tables=(Table("table", 1, b"1"),)), "`label` is not"),
    (locked(tables=(Table(".Lt", 1, b""),)), "`data` is not bytes"),
    (locked(origin=AI), "`provider` is only for code by the generator `ai`"),
    (locked(generator="ai", origin={"provider": "p", "model": "m"}), "`attempts` is missing"),
    (locked(generator="ai", origin={**AI, "cost": 3}), "an origin has provider, model, attempts"),
    (replace(add, contract="abc"), "`contract` is not a SHA-256"),
    (replace(add, symbol=""), "`symbol` is empty"),
])
def test_what_the_file_cannot_hold_is_refused(entry: Locked, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        entry_text(entry)


def test_a_lock_is_made_of_different_entries() -> None:
    with pytest.raises(ValueError, match=r"two entries of intents/add\.intent for x86_64"):
        lock_text([ADD, ADD])
    with pytest.raises(ValueError, match="not an entry"):
        lock_text([ADD, "intent = 3\n"])


def test_blanks_around_lines_are_not_kept() -> None:
    assert entry_text(locked(lines=("  nop ", "\tret"))) == entry_text(locked(lines=("nop", "ret")))


# What cannot be read: the message, and the text of the line that it points at.

def problem(text: str | bytes) -> tuple[str, str]:
    """The message for a malformed file and the part of a line that it points to, of the file or of an entry."""
    with pytest.raises(IntentError) as caught:
        lock = lock_of(text)
        for pair in lock.entries:
            lock.get(*pair)
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "E920" and diagnostic.code in CODES
    span = diagnostic.span
    assert span is not None and span.source.path.endswith(LOCK)
    return diagnostic.message, span.source.line(span.line)[span.column - 1:][:span.length]


@pytest.mark.parametrize(("text", "message", "place"), [
    ("", "there is no `version = 1` before the entries", ""),
    (ADD, "there is no `version = 1` before the entries", "[[code]]"),
    (WHOLE.replace("version = 1", "version = 2"), "the version is not 1, the only one that this tool knows",
     "version = 2"),
    (WHOLE.replace("version = 1", "version = true"), "the version is not 1, the only one that this tool knows",
     "version = true"),
    (WHOLE.replace("version = 1", "version = 1\nowner = 3"), "`owner` is no key of a lockfile", "owner = 3"),
    (WHOLE.replace("version = 1", "version = "), "not TOML: Invalid value", ""),
    (HEAD + "<<<<<<< HEAD\n" + ADD, "an unresolved merge conflict: `<<<<<<<`", "<<<<<<< HEAD"),
    (WHOLE.replace("    ret", "=======\n    ret"), "an unresolved merge conflict: `=======`", "======="),
    (WHOLE + ">>>>>>> topic\n", "an unresolved merge conflict: `>>>>>>>`", ">>>>>>> topic"),
    (WHOLE + "||||||| 5a0e6d5\n", "an unresolved merge conflict: `|||||||`", "||||||| 5a0e6d5"),
    (f"{WHOLE}\n{ADD}", "intents/add.intent for x86_64 is locked twice, first in line 5",
     'intent = "intents/add.intent"'),
    (WHOLE.encode() + b"# caf\xe9", "byte 0xe9 is not UTF-8", "\N{REPLACEMENT CHARACTER}"),
])
def test_a_malformed_file(text: str | bytes, message: str, place: str) -> None:
    assert problem(text) == (message, place)


@pytest.mark.parametrize(("old", "new", "message", "place"), [
    # Which lines there are.
    ("[[code]]", "[[code]] # mine", "an entry starts with a line that holds `[[code]]` and nothing else",
     "[[code]] # mine"),
    ("[[code]]", "[[ code ]]", "an entry starts with a line that holds `[[code]]` and nothing else", "[[ code ]]"),
    ("[[code]]", "[[code]]\n[[code]]", "an entry starts with a line that holds `[[code]]` and nothing else", None),
    ("intent = ", "intent= ", 'an entry starts with the lines `intent = "…"` and `target = "…"`', None),
    ('target = "arm64"\n', "", "`target` is missing, which an entry has", "[[code]]"),
    ('intent = "intents/lookup.intent"', "intent = 3", "`intent` is not a string", "intent = 3"),
    ('intent = "intents', r'intent = "\q', "not TOML: Unescaped '\\' in a string", None),
    (f'bytes = "{C}"\n', "", "`bytes` is missing, which an entry has", "[[code]]"),
    ("contract = ", "contarct = ", "`contarct` is no key of an entry", f'contarct = "{A}"'),
    ("contract = ", r'"\u001b[2J" = 1' + "\ncontract = ", r"`\u001b[2J` is no key of an entry", None),
    ('symbol = "add"', 'symbol = "add"\nsymbol = "b"', "not TOML: Cannot overwrite a value", None),
    ('generator = "lowering"', 'generator = "lowering"\nmodel = "m"',
     "`model` is only for code by the generator `ai`", 'model = "m"'),
    ('generator = "lowering"', 'generator = "ai"', "`provider` is missing, which an entry has", "[[code]]"),
    ("data = \"00112233\"\n", 'data = "00112233"\n\n[other]\nx = 1\n', "`other` is no part of an entry", "[other]"),
    # Their values.
    ('symbol = "add"', "symbol = 3", "`symbol` is not a string", "symbol = 3"),
    ('symbol = "add"', 'symbol = ""', "`symbol` is empty", 'symbol = ""'),
    ('symbol = "add"', "symbol = " + "9" * 5000, "not TOML: Exceeds the limit (4300 digits) for integer string "
     "conversion: value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit", "[[code]]"),
    ('symbol = "add"', "symbol = " + "[" * 50_000, "not TOML that can be read: brackets are nested too deep",
     "[[code]]"),
    (f'record = "{B}"', f'record = "{B[1:]}"', "`record` is not a SHA-256: 64 hexadecimal digits in lower case",
     f'record = "{B[1:]}"'),
    (f'bytes = "{C}"', f'bytes = "{"C" * 64}"', "`bytes` is not a SHA-256: 64 hexadecimal digits in lower case",
     f'bytes = "{"C" * 64}"'),
    # The assembly.
    ("    ret\n'''", "    ret\n", "not TOML: Expected \"'''\", at the end of this part", None),
    ("    ret\n", "    rét\n", "an assembly line has characters that are not printable ASCII", "rét"),
    ("    ret\n", "\n    ret\n", "an assembly line is empty", ""),
    ("    ret\n", f"    {'nop' * 67}\n", "an assembly line has more than 200 characters", "nop" * 67),
    ("    adrp x1, .Ltable0\n    ret\n", "", "`assembly` is empty", "assembly = '''"),
    ("    ret\n", "    ret\n" * 100_000, "`assembly` has 100001 lines; at most 100000 are read", "assembly = '''"),
    # Notes on loops.
    ("    ret\n'''\n", "    ret\n'''\nnotes = 3\n", "`notes` is not a list of at most 1000 strings", "notes = 3"),
    ("    ret\n'''\n", "    ret\n'''\nnotes = [\".L3 x\"]\n",
     "a note is a label, `: `, and printable ASCII, of at most 4000 characters", "notes = [\".L3 x\"]"),
    # Constant tables.
    ("[[code.table]]\n", "[[code.tables]]\n", "`tables` is no key of an entry", None),
    ('label = ".Ltable1"\n', "", "`label` is missing, which a constant table has", "[[code.table]]"),
    ('label = ".Ltable1"', 'label = "table1"', "`label` is not `.L` and letters, digits or `_`, of at most 200 "
     "characters", 'label = "table1"'),
    ('label = ".Ltable1"', 'label = ".Lü"', "`label` is not `.L` and letters, digits or `_`, of at most 200 "
     "characters", 'label = ".Lü"'),
    ("alignment = 1", "alignment = 3", "`alignment` is not a power of two up to 4096", "alignment = 3"),
    ("alignment = 1", "alignment = true", "`alignment` is not a power of two up to 4096", "alignment = true"),
    ("alignment = 1", "align = 1", "`align` is no key of a constant table", "align = 1"),
    ('"ff"', '"f"', "`data` is not bytes in hexadecimal, in lower case, as a string or a list of strings",
     "data = ["),
    ('"00112233"', '"0x11"', "`data` is not bytes in hexadecimal, in lower case, as a string or a list of strings",
     'data = "0x11"'),
])
def test_a_malformed_entry(old: str, new: str, message: str, place: str | None) -> None:
    """The second entry is damaged, the first one stays readable."""
    assert old in LOOKUP
    found, where = problem(f"{HEAD}\n{ADD}\n{LOOKUP.replace(old, new)}")
    assert found == message
    assert place is None or where == place


def test_attempts_are_a_number() -> None:
    assert problem(WHOLE.replace("attempts = 3", 'attempts = "3"')) == (
        "`attempts` is not a number of at least 1", 'attempts = "3"')
    assert problem(WHOLE.replace("attempts = 3", "attempts = 0")) == (
        "`attempts` is not a number of at least 1", "attempts = 0")


def test_what_a_message_looks_like() -> None:
    with pytest.raises(IntentError) as caught:
        lock_of(WHOLE.replace('"ai"', "ai")).get("intents/add.intent", "x86_64")
    assert str(caught.value).partition(LOCK)[2] == (
        ":9:13: error[E920]: not TOML: Invalid value\n"
        "    9 | generator = ai\n"
        "      |             ^\n"
        "help: take the entry from version control, or delete it and let `scons lock=update` write it anew")


def test_a_lock_of_one_entry_says_the_same() -> None:
    pair = ("intents/lookup.intent", "arm64")
    for text in (WHOLE, WHOLE.replace("alignment = 1", "alignment = 7")):
        whole = lock_of(text)
        one = lock_with(whole.path, *pair, whole.entries[pair], whole.lines[pair])
        assert one.digest(*pair) == whole.digest(*pair)
        assert one.get("intents/add.intent", "x86_64") is None
        if text == WHOLE:
            assert one.get(*pair) == lookup
            continue
        with pytest.raises(IntentError) as expected:
            whole.get(*pair)
        with pytest.raises(IntentError) as found:
            one.get(*pair)
        assert str(found.value) == str(expected.value)


def test_a_damaged_entry_leaves_the_others_usable() -> None:
    lock = lock_of(WHOLE.replace("alignment = 8", "alignment = 7"))
    assert lock.get("intents/add.intent", "x86_64") == add


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IntentError, match=r":1:1: error\[E920\]: cannot be read: Is a directory"):
        read_lock(tmp_path)
    monkeypatch.setattr(lockfile, "MAX_BYTES", 1024 ** 2)
    with pytest.raises(IntentError, match=r":1:1: error\[E920\]: the file has more than 1 MiB"):
        lock_of(WHOLE + "#" * 1024 ** 2)


def test_the_limits_are_the_assemblers() -> None:
    assert (lockfile.MAX_LINES, lockfile.MAX_LINE) == (assembler.MAX_LINES, assembler.MAX_LINE)


# The digest of the bytes.

CODE = MachineCode(b"\x90\xc3", (Instruction(0, b"\x90", "nop"), Instruction(1, b"\xc3", "ret")), b"12", 8,
                   (Relocation(0, "R_X86_64_PC32", ".rodata", -4),))


@pytest.mark.parametrize("other", [
    replace(CODE, code=b"\x90\xc3\x31", rodata=b"2"),
    replace(CODE, rodata=b"13"),
    replace(CODE, rodata_alignment=16),
    replace(CODE, relocations=()),
    replace(CODE, relocations=(Relocation(0, "R_X86_64_PC32", ".rodata", -3),)),
    replace(CODE, relocations=(Relocation(0, "R_X86_64_PC32", ".text+4", -4),)),
])
def test_the_digest_tells_code_apart(other: MachineCode) -> None:
    assert code_digest(other) != code_digest(CODE)


def test_the_digest_is_of_bytes_and_not_of_their_listing() -> None:
    assert code_digest(replace(CODE, instructions=())) == code_digest(CODE)
    assert re.fullmatch(r"[0-9a-f]{64}", code_digest(CODE))
