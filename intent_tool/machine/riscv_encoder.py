"""RISC-V lines to bytes, driven by the tables of `riscv64` and `riscv64_compressed`.

A line is read against the rows of its mnemonic, expanded when the row is a pseudo-instruction, checked operand by
operand (nothing is ever truncated), and written as 16 bits where the target has the C extension and a compressed
form says the same, as LLVM and GNU do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, lru_cache

from intent_tool.machine.instruction import Row
from intent_tool.machine.layout import Fixup, Piece, Unencodable, Variant
from intent_tool.machine.riscv64 import ENCODINGS, FIELDS, REGISTER_NUMBERS, REGISTERS, TABLE, Encoding
from intent_tool.machine.riscv64_compressed import COMPRESSED, CompressedForm

Operands = Mapping[str, "int | str"]
"""By name: a register's number, an immediate's value, or a symbol's name."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A base instruction (never a pseudo one): its row's form, and its operands."""

    form: str
    operands: Operands


_NUMBER = r"-?(?:0x[0-9a-f]{1,16}|0b[01]{1,64}|[0-9]{1,20})"
_SYMBOL = r"\.L\w+"
_PATTERNS = {"x": r"[a-z][a-z0-9]*", "number": _NUMBER, "label": _SYMBOL, "table": _SYMBOL}


@cache
def _pattern(text: str, kinds: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    """What a squeezed line must look like to be an instance of `text`."""
    names = dict(kinds)
    mnemonic, _, rest = text.partition(" ")
    parts = re.split(r"\{(\w)\}", rest.replace(" ", ""))
    for place in range(1, len(parts), 2):
        kind = names[parts[place]]
        pattern = _PATTERNS.get("label" if kind.startswith("label") else kind, _PATTERNS["number"])
        parts[place] = f"(?P<{parts[place]}>{_PATTERNS['x'] if kind in 'cxyz' else pattern})"
    for place in range(0, len(parts), 2):
        parts[place] = re.escape(parts[place])
    return re.compile(re.escape(mnemonic) + r"(?:\s+|$)" + "".join(parts))


@cache
def _rows(mnemonic: str) -> tuple[Row, ...]:
    return tuple(row for row in TABLE.values() if row.text.split()[0] == mnemonic)


@cache
def _mnemonics() -> tuple[str, ...]:
    return tuple(dict.fromkeys([row.text.split()[0] for row in TABLE.values()]
                               + [form.text.split()[0] for form in COMPRESSED]))


def _squeezed(line: str) -> str:
    """One blank behind the mnemonic, none around punctuation; blanks inside a word stay, and match nothing."""
    mnemonic, _, rest = " ".join(line.split()).partition(" ")
    return (mnemonic + " " + re.sub(r" ?([,()]) ?", r"\1", rest)).strip()


def parse(line: str, features: frozenset[str]) -> tuple[Parsed, CompressedForm | None]:
    """The base instruction that `line` stands for; the compressed form when it was written as one (``c.…``).

    Raises `Unencodable`."""
    squeezed = _squeezed(line)
    # An offset may be left out in front of a base register.
    squeezed = re.sub(r"(?<=,)\((?=\w+\)$)", "0(", squeezed)
    mnemonic = squeezed.split(" ")[0]
    if mnemonic.startswith("c."):
        return _parse_compressed(squeezed, mnemonic, features)
    rows = _rows(mnemonic)
    if not rows:
        raise Unencodable(_unknown_mnemonic(mnemonic))
    for row in rows:
        found = _pattern(row.text, tuple((o.name, o.kind) for o in row.operands)).fullmatch(squeezed)
        if found is None:
            continue
        if row.feature is not None and row.feature not in features:
            raise Unencodable(f"`{mnemonic}` needs the extension {row.feature}, which the target does not have")
        operands = {o.name: _value(found[o.name], o.kind) for o in row.operands}
        encoding = ENCODINGS[row.form]
        if encoding.expansion is None:
            return Parsed(row.form, operands), None
        return _expanded(encoding.expansion, operands, features), None
    raise Unencodable(f"`{mnemonic}` is written " + " or ".join(f"`{row.form}`" for row in rows))


def _unknown_mnemonic(mnemonic: str) -> str:
    near = get_close_matches(mnemonic, _mnemonics(), 1, 0.7)
    return f"no instruction is named `{mnemonic}`" + (f"; did you mean `{near[0]}`?" if near else "")


def _expanded(text: str, operands: Operands, features: frozenset[str]) -> Parsed:
    return parse(text.format_map({name: _spelled(name, value) for name, value in operands.items()}), features)[0]


def _spelled(name: str, value: int | str) -> str:
    return REGISTERS[value] if isinstance(value, int) and name in ("d", "a", "b") else str(value)


def _value(text: str, kind: str) -> int | str:
    if kind in ("label", "table"):
        return text
    if kind == "x":
        number = REGISTER_NUMBERS.get(text)
        if number is None:
            raise Unencodable(f"no register is named `{text}`")
        return number
    value = int(text, 0) if not re.fullmatch(r"-?0[0-9]+", text) else _octal(text)
    signed, bits = kind[0] == "i", int(kind[1:])
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        raise Unencodable(f"{text} does not fit; this operand goes from {low} to {high}")
    return value


def _octal(text: str) -> int:
    # Assemblers read a leading zero as octal, people as decimal.
    raise Unencodable(f"`{text}` is octal to some assemblers; write it without the leading zero")


def encode_word(parsed: Parsed, distance: int = 0) -> int:
    """The 32-bit instruction. `distance` is the branch's, in bytes; operands have been range-checked.

    Raises `Unencodable` for a distance that does not fit."""
    encoding: Encoding = ENCODINGS[parsed.form]
    word = encoding.match
    for name, field in encoding.fields:
        value = parsed.operands[name]
        if field in ("imm_b", "imm_j"):
            reach = 1 << (12 if field == "imm_b" else 20)
            if distance % 2 or not -reach <= distance < reach:
                raise Unencodable(f"a branch of {distance} bytes does not fit `{parsed.form}`")
            value = distance
        if FIELDS[field]:
            assert isinstance(value, int)
            word |= _scatter(value, FIELDS[field])
    return word


def _scatter(value: int, places: tuple[tuple[int, int, int], ...]) -> int:
    word = 0
    for high, low, place in places:
        word |= (value >> low & (1 << high - low + 1) - 1) << place
    return word


# Compression

@cache
def _forms(base_mnemonic: str) -> tuple[CompressedForm, ...]:
    return tuple(form for form in COMPRESSED if form.base_mnemonic == base_mnemonic)


def _text(parsed: Parsed) -> str:
    row = TABLE[parsed.form]
    return row.text.format_map({name: _spelled(name, value) for name, value in parsed.operands.items()})


@cache
def _base_pattern(form: CompressedForm) -> re.Pattern[str]:
    """The base instruction's text with its operands as groups; a second mention must be equal to the first."""
    parts = re.split(r"\{(\w)\}", form.base)
    seen: set[str] = set()
    for place in range(0, len(parts), 2):
        parts[place] = re.escape(parts[place])
    for place in range(1, len(parts), 2):
        name = parts[place]
        parts[place] = f"(?P={name})" if name in seen else f"(?P<{name}>[.\\w-]+)"
        seen.add(name)
    return re.compile("".join(parts))


def compressed_form(parsed: Parsed) -> tuple[CompressedForm, Operands] | None:
    """The first compressed form that says what `parsed` says, whatever the distance of a branch."""
    text = _text(parsed)
    for form in _forms(text.split(" ")[0]):
        found = _base_pattern(form).fullmatch(text)
        if found is None:
            continue
        values = {name: _short_value(found[name], kind) for name, kind in form.kinds}
        if None not in values.values():
            return form, {name: value for name, value in values.items() if value is not None}
    return None


def _short_value(text: str, kind: str) -> int | str | None:
    """The operand's value where `kind` admits it, else None."""
    if kind.startswith("label"):
        return text
    if kind in "cxyz":
        number = REGISTER_NUMBERS[text]
        admitted = {"z": True, "x": number != 0, "y": number not in (0, 2), "c": 8 <= number < 16}[kind]
        return number if admitted else None
    value = int(text)
    if kind == "lui":
        low = value & 0x3F
        return value if low and value == (low if low < 32 else low | 0xFFFC0) else None
    shape = re.fullmatch(r"(n?)([iu])(\d+)(?:\*(\d+))?", kind)
    assert shape is not None
    bits, scale = int(shape[3]), int(shape[4] or 1)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if shape[2] == "i" else (0, (1 << bits) - 1)
    if value % scale or not low <= value // scale <= high or (shape[1] and not value):
        return None
    return value


def encode_compressed(form: CompressedForm, operands: Operands, distance: int = 0) -> int:
    """The 16-bit instruction; `distance` is the branch's, in bytes, and must fit."""
    word = form.match
    for name, places in form.fields:
        value = distance if name == "t" else operands[name]
        assert isinstance(value, int)
        # A three-bit register field holds x8 to x15 as 0 to 7.
        word |= _scatter(value, places)
    return word


def _parse_compressed(squeezed: str, mnemonic: str, features: frozenset[str]) -> tuple[Parsed, CompressedForm | None]:
    forms = [form for form in COMPRESSED if form.text.split()[0] == mnemonic]
    if not forms:
        raise Unencodable(_unknown_mnemonic(mnemonic))
    if "c" not in features:
        raise Unencodable(f"`{mnemonic}` needs the extension c, which the target does not have")
    found = _pattern(forms[0].text, forms[0].kinds).fullmatch(squeezed)
    if found is None:
        raise Unencodable(f"`{mnemonic}` is written `{forms[0].text.replace('{', '').replace('}', '')}`")
    base = _expanded(forms[0].base, found.groupdict(), features)
    chosen = compressed_form(base)
    if chosen is None or chosen[0].text.split()[0] != mnemonic:
        kinds = ", ".join(f"{name}: {kind}" for name, kind in forms[0].kinds)
        raise Unencodable(f"the operands do not fit `{mnemonic}` ({kinds})")
    return base, chosen[0]


# Whole lines

_INVERSE = {"beq": "bne", "bne": "beq", "blt": "bge", "bge": "blt", "bltu": "bgeu", "bgeu": "bltu"}


def encode_line(line: str, index: int, features: frozenset[str]) -> tuple[Piece, str]:
    """The piece that `line` assembles to, and the base instruction's mnemonic. Raises `Unencodable`."""
    piece, mnemonic = _encoded(line, features)
    return replace(piece, line=index), mnemonic


@lru_cache(maxsize=20_000)
def _encoded(line: str, features: frozenset[str]) -> tuple[Piece, str]:
    parsed, form = parse(line, features)
    return _piece(parsed, " ".join(line.split()), features, form is not None), parsed.form.split(" ")[0]


def _piece(parsed: Parsed, text: str, features: frozenset[str], must_be_short: bool) -> Piece:
    label = parsed.operands.get("t")
    if parsed.form == "auipc x, table":
        return Piece(0, text, _bytes(encode_word(parsed), 4),
                     fixups=(Fixup(0, "R_RISCV_PCREL_HI20", str(label)),))
    if "l" in parsed.operands:
        return Piece(0, text, _bytes(encode_word(parsed), 4),
                     fixups=(Fixup(0, "R_RISCV_PCREL_LO12_I", str(parsed.operands["l"])),))
    short = compressed_form(parsed) if "c" in features else None
    if label is None:
        if short is not None:
            return Piece(0, text, _bytes(encode_compressed(*short), 2))
        return Piece(0, text, _bytes(encode_word(parsed), 4))
    variants = []
    if short is not None:
        reach = 1 << int(dict(short[0].kinds)["t"].removeprefix("label")) - 1
        form, operands = short
        variants.append(Variant(2, -reach, reach - 2,
                                lambda distance: ((_bytes(encode_compressed(form, operands, distance), 2), text),)))
    if not must_be_short:
        reach = 1 << (20 if parsed.form.startswith("jal") else 12)
        variants.append(Variant(4, -reach, reach - 2,
                                lambda distance: ((_bytes(encode_word(parsed, distance), 4), text),)))
        if not parsed.form.startswith("jal"):
            variants.append(_inverted(parsed, str(label), short is not None))
    return Piece(0, text, label=str(label), variants=tuple(variants))


def _inverted(parsed: Parsed, label: str, may_be_short: bool) -> Variant:
    """A conditional branch that is too far, as the opposite one over a jump (which may be short itself)."""
    mnemonic = parsed.form.split()[0]
    opposite = Parsed(parsed.form.replace(mnemonic, _INVERSE[mnemonic], 1), parsed.operands)
    short = compressed_form(opposite) if may_be_short else None
    size = 2 if short is not None else 4
    skip = encode_compressed(*short, size + 4) if short is not None else encode_word(opposite, size + 4)
    jump = Parsed("jal x, label", {"d": 0, "t": label})
    registers = f"{_spelled('a', parsed.operands['a'])}, {_spelled('b', parsed.operands['b'])}"

    def encode(distance: int) -> tuple[tuple[bytes, str], ...]:
        return ((_bytes(skip, size), f"{_INVERSE[mnemonic]} {registers}, . + {size + 4}"),
                (_bytes(encode_word(jump, distance - size), 4), f"j {label}"))

    return Variant(size + 4, size - (1 << 20), size + (1 << 20) - 2, encode)


def _bytes(word: int, size: int) -> bytes:
    return word.to_bytes(size, "little")
