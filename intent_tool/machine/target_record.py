"""Target records read from YAML: strict, with the place of everything that is wrong.

`targets/README.md` says what a record may hold, `targets/schema.json` the same for editors.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from intent_tool.language.diagnostics import Diagnostic, IntentError, Span, error
from intent_tool.language.document import Mapping, Scalar, Sequence, Value, decode, parse_document
from intent_tool.machine.registers import BY_ISA
from intent_tool.machine.target import Abi, ElfIdentity, Target


@dataclass(frozen=True, slots=True)
class _Isa:
    """What the tool can do for an instruction set; a record chooses among it."""

    elf_machine: int
    instruction_alignment: int
    features: tuple[str, ...]
    disassemblers: tuple[str, ...]
    lifters: tuple[str, ...]
    emulators: tuple[str, ...]


_ISAS = {
    "x86_64": _Isa(62, 1, ("bmi1", "bmi2", "lzcnt", "popcnt", "avx2", "movbe"), ("capstone x86-64",),
                   ("pypcode x86:LE:64:default", "none"), ("unicorn x86-64", "none")),
    "arm64": _Isa(183, 4, ("crc", "lse"), ("capstone arm64",),
                  ("pypcode AARCH64:LE:64:v8A", "none"), ("unicorn arm64", "none")),
    "riscv64": _Isa(243, 2, ("m", "a", "f", "d", "c", "zba", "zbb", "zbs"), ("riscv64",),
                    ("pypcode RISCV:LE:64:RV64GC", "none"), ("unicorn riscv64", "none")),
}
_NARROW_VALUES = ("undefined", "sign-extended")

RECORD_KEYS = ("name", "extends", "aliases", "summary", "isa", "triple", "features", "elf", "abi", "disassembler",
               "lifter", "emulator", "runner", "instructions")
ELF_KEYS = ("machine", "flags", "text_alignment", "page_size")
ABI_KEYS = ("arguments", "result", "caller_saved", "callee_saved", "stack_pointer", "link_register",
            "stack_alignment", "narrow_values")

MAX_DEPTH = 16

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ALIAS = re.compile(r"[a-z][a-z0-9_.-]*")
_MNEMONIC = re.compile(r"[a-z][a-z0-9_.]*")
_TRIPLE = re.compile(r"[a-z0-9_]+(-[a-z0-9_.]+){1,3}")


@dataclass(frozen=True, slots=True)
class _Record:
    """One file: its top level, and the same keys after `extends` is resolved."""

    path: Path
    data: bytes
    top: Mapping
    name: Scalar


def read_records(folders: Iterable[Path]) -> dict[str, Target]:
    """All records of the folders by target name, sorted. A later folder may extend an earlier one's records.

    Raises `IntentError` with the place of the first problem of each file."""
    records: dict[str, _Record] = {}
    problems: list[Diagnostic] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        try:
            _add(records, _open(path))
        except IntentError as problem:
            problems += problem.diagnostics
    if problems:
        raise IntentError(*problems)
    targets: dict[str, Target] = {}
    for record in records.values():
        try:
            targets[record.name.value] = _target(record, records)
        except IntentError as problem:
            problems += (d for d in problem.diagnostics if d not in problems)
    problems += _name_clashes(records, targets)
    if problems:
        raise IntentError(*problems)
    return dict(sorted(targets.items()))


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _open(path: Path) -> _Record:
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise error("E702", f"{_shown(path)}: cannot read the target record: {problem.strerror}") from None
    source = decode(data, _shown(path))
    try:
        top = parse_document(source)
    except IntentError as problem:
        first = problem.diagnostics[0]
        if first.code != "E110":
            raise
        raise error("E702", "a target record is a mapping of keys to values", first.span,
                    "targets/README.md says which keys there are") from None
    _known_keys(top, RECORD_KEYS, "a target record")
    return _Record(path, data, top, _scalar(_required(top, "name", top.span), "name"))


def _add(records: dict[str, _Record], record: _Record) -> None:
    name = record.name.value
    if not _NAME.fullmatch(name) or name == "all":
        raise error("E703", f"`{name}` cannot be a target's name", record.name.span,
                    "a name is lower-case letters, digits and `_`, starts with a letter, and is not `all`")
    twin = records.get(name)
    # A project that is the tool's own source has the very records that are installed.
    if twin is not None and twin.data != record.data:
        raise error("E704", f"there is a target `{name}` already, in {_shown(twin.path)}", record.name.span,
                    f"give it another name; `extends: {name}` starts from the other one")
    records.setdefault(name, record)


def _name_clashes(records: dict[str, _Record], targets: dict[str, Target]) -> list[Diagnostic]:
    owner = dict.fromkeys(records, "")
    found = []
    for name, target in targets.items():
        aliases = records[name].top.get("aliases")
        for alias, item in zip(target.aliases, aliases.items if isinstance(aliases, Sequence) else (), strict=True):
            if alias in owner:
                whose = f"an alias of `{owner[alias]}`" if owner[alias] else "a target's name"
                found.append(Diagnostic("E704", f"the alias `{alias}` is {whose} already", item.span))
            owner[alias] = name
    return found


def _target(record: _Record, records: dict[str, _Record], below: tuple[str, ...] = ()) -> Target:
    """The record as data, on top of what it extends. `below` are the records that led here."""
    top, name = record.top, record.name.value
    base = None
    extends = top.get("extends")
    if extends is not None:
        parent = _scalar(extends, "extends")
        if parent.value in (*below, name):
            raise error("E705", "records extend each other in a circle: "
                        + " -> ".join((*below, name, parent.value)), parent.span)
        if parent.value not in records:
            raise _unknown("E705", "target", parent, records)
        if len(below) == MAX_DEPTH:
            raise error("E705", f"records extend each other more than {MAX_DEPTH} deep", parent.span)
        base = _target(records[parent.value], records, (*below, name))

    isa_name = _one(top, "isa", base.isa if base else None, lambda s: _one_of(s, _ISAS, "isa"))
    isa = _ISAS[isa_name]
    if base is not None and isa_name != base.isa:
        raise error("E706", f"`{name}` extends `{base.name}`, whose isa is {base.isa}", _span(top, "isa"))
    features = frozenset(_words(top, "features", (), lambda s: _one_of(s, isa.features, "feature")))
    instructions = frozenset(_words(top, "instructions", () if base else None,
                                    lambda s: _matching(s, _MNEMONIC, "a mnemonic"), nested=True))
    target = Target(
        name=name,
        aliases=tuple(_words(top, "aliases", (), _alias)),
        summary=_one(top, "summary", base.summary if base else name, lambda s: s.value),
        isa=isa_name,
        triple=_one(top, "triple", base.triple if base else None, lambda s: _matching(s, _TRIPLE, "a triple")),
        features=features | (base.features if base else frozenset()),
        elf=_elf(top, base, isa, record.name.span),
        abi=_abi(top, base, isa_name, record.name.span),
        disassembler=_one(top, "disassembler", base.disassembler if base else None,
                         lambda s: _one_of(s, isa.disassemblers, "disassembler")),
        lifter=_one(top, "lifter", base.lifter if base else None, lambda s: _one_of(s, isa.lifters, "lifter")),
        emulator=_one(top, "emulator", base.emulator if base else None,
                      lambda s: _one_of(s, isa.emulators, "emulator")),
        runner=tuple(_words(top, "runner", base.runner if base else None, lambda s: s.value, unique=False)),
        instructions=instructions | (base.instructions if base else frozenset()),
        digest="")
    if not target.runner:
        raise error("E706", "`runner` is empty; it names the program that runs this target's binaries",
                    _span(top, "runner"))
    if isa_name == "riscv64" and bool(target.elf.flags & 1) != target.has("c"):
        raise error("E706", "bit 0 of `elf: flags` (EF_RISCV_RVC) and the feature `c` go together",
                    _span(top, "elf", "features") or record.name.span)
    return replace(target, digest=_digest(target))


def _digest(target: Target) -> str:
    plain = asdict(target)
    plain["features"], plain["instructions"] = sorted(target.features), sorted(target.instructions)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _elf(top: Mapping, base: Target | None, isa: _Isa, where: Span) -> ElfIdentity:
    section = _section(top, "elf", ELF_KEYS, base is not None, where)
    inherited: dict[str, int] = asdict(base.elf) if base else {}

    def number(key: str, fits: Callable[[int], bool], expected: str) -> int:
        if key in inherited and section.get(key) is None:
            return inherited[key]
        return _number(_scalar(_required(section, key, section.span), key), key, fits, expected)

    least = isa.instruction_alignment
    return ElfIdentity(
        machine=number("machine", lambda n: n == isa.elf_machine, f"{isa.elf_machine} for this isa"),
        flags=number("flags", lambda n: 0 <= n < 1 << 32, "a 32-bit number"),
        text_alignment=number("text_alignment", lambda n: _power_of_two(n) and least <= n <= 4096,
                              f"a power of two from {least} to 4096"),
        page_size=number("page_size", lambda n: _power_of_two(n) and 4096 <= n <= 65536,
                         "a power of two from 4096 to 65536"))


def _abi(top: Mapping, base: Target | None, isa: str, where: Span) -> Abi:
    section = _section(top, "abi", ABI_KEYS, base is not None, where)

    def register(scalar: Scalar) -> str:
        return _one_of(scalar, BY_ISA[isa], "register")

    def registers(key: str, inherited: tuple[str, ...] | None) -> tuple[str, ...]:
        return tuple(_words(section, key, inherited, register))

    link = section.get("link_register")
    alignment = section.get("stack_alignment")
    abi = Abi(
        arguments=registers("arguments", base.abi.arguments if base else None),
        result=_one(section, "result", base.abi.result if base else None, register),
        caller_saved=registers("caller_saved", base.abi.caller_saved if base else None),
        callee_saved=registers("callee_saved", base.abi.callee_saved if base else None),
        stack_pointer=_one(section, "stack_pointer", base.abi.stack_pointer if base else None, register),
        link_register=(register(_scalar(link, "link_register")) if link is not None
                       else base.abi.link_register if base else None),
        stack_alignment=(base.abi.stack_alignment if base and alignment is None else
                         _number(_scalar(_required(section, "stack_alignment", section.span), "stack_alignment"),
                                 "stack_alignment", lambda n: _power_of_two(n) and 8 <= n <= 4096,
                                 "a power of two from 8 to 4096")),
        narrow_values=_one(section, "narrow_values", base.abi.narrow_values if base else None,
                           lambda s: _one_of(s, _NARROW_VALUES, "narrow_values")))
    for key, wrong, why in (
            ("arguments", set(abi.arguments) - set(abi.caller_saved), "is an argument but not `caller_saved`"),
            ("result", {abi.result} - set(abi.caller_saved), "holds the result but is not `caller_saved`"),
            ("callee_saved", set(abi.callee_saved) & set(abi.caller_saved), "is `caller_saved` too"),
            ("stack_pointer", {abi.stack_pointer} & {*abi.caller_saved, *abi.callee_saved},
             "is the stack pointer and may not be in another list")):
        if wrong:
            raise error("E706", f"register {min(wrong)} {why}", _span(section, key) or where)
    return abi


def _section(top: Mapping, key: str, keys: tuple[str, ...], may_be_missing: bool, where: Span) -> Mapping:
    value = top.get(key)
    if value is None and may_be_missing:
        return Mapping((), where, False)
    value = _required(top, key, where)
    if not isinstance(value, Mapping):
        raise error("E706", f"`{key}` is a mapping of {', '.join(keys)}", value.span)
    _known_keys(value, keys, f"`{key}`")
    return value


def _known_keys(mapping: Mapping, keys: tuple[str, ...], what: str) -> None:
    for entry in mapping.entries:
        if entry.key.value not in keys:
            raise _unknown("E706", f"key of {what}", entry.key, keys)


def _required(mapping: Mapping, key: str, where: Span) -> Value:
    value = mapping.get(key)
    if value is None:
        raise error("E706", f"the key `{key}` is missing", where)
    return value


def _one(mapping: Mapping, key: str, fallback: str | None, check: Callable[[Scalar], str]) -> str:
    """The word under `key` as `check` gives it, or `fallback` where there is none."""
    value = mapping.get(key)
    if value is None and fallback is not None:
        return fallback
    return check(_scalar(_required(mapping, key, mapping.span), key))


def _scalar(value: Value, key: str) -> Scalar:
    if not isinstance(value, Scalar):
        raise error("E706", f"`{key}` is one word, not a {'list' if isinstance(value, Sequence) else 'mapping'}",
                    value.span)
    if not value.value.strip():
        raise error("E706", f"`{key}` is empty", value.span)
    return value


def _words(mapping: Mapping, key: str, fallback: Iterable[str] | None, check: Callable[[Scalar], str], *,
           nested: bool = False, unique: bool = True) -> list[str]:
    """A list of words; with `nested` the items may be lists of words themselves, for grouping."""
    value = mapping.get(key)
    if value is None and fallback is not None:
        return list(fallback)
    value = _required(mapping, key, mapping.span)
    if not isinstance(value, Sequence):
        raise error("E706", f"`{key}` is a list", value.span, f"write `{key}: [one, two]`")
    found: list[str] = []
    items = [inner for item in value.items
             for inner in (item.items if nested and isinstance(item, Sequence) else (item,))]
    for item in items:
        word = check(_scalar(item, key))
        if unique and word in found:
            raise error("E706", f"`{word}` stands twice in `{key}`", item.span)
        found.append(word)
    return found


def _matching(scalar: Scalar, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.fullmatch(scalar.value):
        raise error("E706", f"`{scalar.value}` cannot be {what}", scalar.span)
    return scalar.value


def _alias(scalar: Scalar) -> str:
    if scalar.value == "all":
        raise error("E706", "`all` cannot be an alias; it names every target", scalar.span)
    return _matching(scalar, _ALIAS, "an alias")


def _one_of(scalar: Scalar, known: Iterable[str], what: str) -> str:
    if scalar.value not in known:
        raise _unknown("E706", what, scalar, known)
    return scalar.value


def _number(scalar: Scalar, key: str, fits: Callable[[int], bool], expected: str) -> int:
    # Written as in Python; YAML's octal, sexagesimal and underscored numbers are none.
    plain = re.fullmatch(r"0|[1-9][0-9]{0,9}|0x[0-9a-fA-F]{1,8}", scalar.value)
    if scalar.style or not plain or not fits(int(scalar.value, 0)):
        raise error("E706", f"`{key}` is {expected}, not `{scalar.value}`", scalar.span)
    return int(scalar.value, 0)


def _unknown(code: str, what: str, scalar: Scalar, known: Iterable[str]) -> IntentError:
    near = get_close_matches(scalar.value, list(known), 1, 0.6)
    return error(code, f"no {what} is named `{scalar.value}`; known: {', '.join(known)}", scalar.span,
                 f"did you mean `{near[0]}`?" if near else None)


def _span(mapping: Mapping, *keys: str) -> Span | None:
    return next((e.key.span for e in mapping.entries if e.key.value in keys), None)


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
