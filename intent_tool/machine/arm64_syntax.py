"""ARM64 lines, read into a form in which equal instructions are equal.

Both what was written and what the disassembler says of the bytes are read by this, and then compared. Most of what
ARM64 calls an instruction is an alias, and assembler and disassembler choose among aliases on their own, so every
alias is replaced by what it stands for. Source: Arm Architecture Reference Manual (DDI 0487), section C6.2, under
"Alias conditions" and "is equivalent to" of each instruction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Union

from intent_tool.machine.layout import Unencodable
from intent_tool.machine.line_syntax import LABEL, number, wrapped

CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
"""In the order of their encoding."""
_CONDITION_NAMES = {"cs": "hs", "cc": "lo"}

_GENERAL = re.compile(r"[xw](?:[12]?[0-9]|30|zr)|w?sp")
_NUMBER = "(?:[12]?[0-9]|3[01])"
_VECTOR = re.compile(rf"[bhsdq]{_NUMBER}|v{_NUMBER}\.(?:8b|16b|4h|8h|2s|4s|1d|2d)|v{_NUMBER}\.[bhsd]@[0-9]+")
"""A whole register, its low bits, or a lane, which is written ``v3.b@5`` here."""
_LIST = re.compile(rf"\{{v{_NUMBER}\.16b(?:\|v{_NUMBER}\.16b){{0,3}}\}}")
_SHIFTS = ("lsl", "lsr", "asr", "ror")
_EXTENDS = ("uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx")


@dataclass(frozen=True, slots=True)
class Modifier:
    """A shift or an extension of the register before it."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Memory:
    """`mode` is ``offset``, ``pre`` (``[…]!``) or ``post`` (``[…], #…``)."""

    parts: tuple[Operand, ...]
    mode: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """``:lo12:label`` has `low` set; adrp's operand has not."""

    name: str
    low: bool


@dataclass(frozen=True, slots=True)
class Condition:
    name: str


Operand = Union[str, int, Modifier, Memory, Symbol, Condition]
"""A register's name, an immediate, or one of the above."""


@dataclass(frozen=True, slots=True)
class Line:
    mnemonic: str
    operands: tuple[Operand, ...]


def parse(text: str) -> Line:
    """A line in lower case but for labels, aliases replaced. Raises `Unencodable` for everything that is not one
    plain instruction."""
    found = re.fullmatch(r"([a-z][a-z0-9]*)(?: (.+))?", text)
    if found is None:
        raise Unencodable("not an instruction")
    return _plain(Line(found[1], _operands(found[2] or "")))


def condition_name(text: str) -> str:
    """The condition as the disassembler names it: ``cs`` is ``hs``. Raises `Unencodable` for none."""
    name = _CONDITION_NAMES.get(text, text)
    if name not in CONDITIONS:
        raise Unencodable(f"no condition is named `{text}`")
    return name


def _operands(text: str) -> tuple[Operand, ...]:
    if text.endswith(","):
        raise Unencodable("an operand is missing")
    if "@" in text or "|" in text:
        raise Unencodable(f"`{text}` is not a list of operands")
    # Lanes and lists of registers without brackets and commas of their own.
    text = re.sub(r"(\bv[0-9]+\.[bhsd])\[([0-9]|1[0-5]|0x[0-9a-f])\]",
                  lambda found: f"{found[1]}@{int(found[2], 0)}", text)
    text = re.sub(r"\{([^{}]*)\}", lambda found: "{" + found[1].replace(", ", "|") + "}", text)
    operands: list[Operand] = []
    for part in re.findall(r"(?:\[[^\[\]]*\]!?|[^,\[\]]*)(?:,|$)", text) if text else ():
        word = part.removesuffix(",").strip()
        if not word and part == "":
            continue
        last = operands[-1] if operands else None
        if isinstance(last, Memory) and last.mode == "offset" and word[:1] in set("#-0123456789"):
            amount = _immediate(word)
            # The disassembler writes a negative one unsigned where the data is a vector register.
            amount -= 1 << 64 if amount >> 63 == 1 else 0
            operands[-1] = Memory((*last.parts, amount), "post")
        else:
            operands.append(_operand(word))
    spelled = re.sub(r"\s", "", text)
    if spelled.count("[") != sum(isinstance(o, Memory) for o in operands):
        raise Unencodable(f"`{text}` is not a list of operands")
    return tuple(operands)


def _operand(word: str) -> Operand:
    if _GENERAL.fullmatch(word) or _VECTOR.fullmatch(word) or _LIST.fullmatch(word):
        return word
    if word == "#0000000000000000":
        # As the disassembler writes the vector constant.
        return 0
    if word in CONDITIONS or word in _CONDITION_NAMES:
        return Condition(condition_name(word))
    found = re.fullmatch(r"(\w{3,4})(?: (#?\w+))?", word)
    if found is not None and found[1] in _SHIFTS + _EXTENDS:
        return Modifier(found[1], _immediate(found[2]) if found[2] else 0)
    found = re.fullmatch(r"\[(.*)\](!?)", word)
    if found is not None:
        parts = _operands(found[1])
        if not parts or not isinstance(parts[0], str) or any(isinstance(p, Memory) for p in parts):
            raise Unencodable(f"`{word}` is not an address")
        return Memory(parts, "pre" if found[2] else "offset")
    found = re.fullmatch(r"#?(:lo12:)?(\.L\w+)", word)
    if found is not None and LABEL.fullmatch(found[2]):
        return Symbol(found[2], bool(found[1]))
    if re.fullmatch(r"#.*|[-0-9].*", word):
        return _immediate(word)
    raise Unencodable(f"`{word}` is not a register, a number, an address or a condition" if word
                      else "an operand is missing")


def _immediate(word: str) -> int:
    return number(word.removeprefix("#"))


# Aliases

def _width(operands: tuple[Operand, ...]) -> int:
    return 32 if operands and isinstance(operands[0], str) and operands[0].startswith("w") else 64


def _zero(operands: tuple[Operand, ...]) -> str:
    return "wzr" if _width(operands) == 32 else "xzr"


def _plain(line: Line) -> Line:
    """`line` with every alias replaced, immediates as bits of the register's width where they are bits."""
    name, o = line.mnemonic, tuple(x for x in line.operands
                                   if not (isinstance(x, Modifier) and x.name == "lsl" and x.amount == 0))
    alias = _ALIASES.get((name, len(o))) or _ALIASES.get((name, -1))
    if alias is not None:
        replaced = alias(o)
        if replaced is not None:
            return _plain(replaced)
    if name in ("add", "adds", "sub", "subs") and len(o) >= 3 and isinstance(o[2], int):
        value = o[2]
        if len(o) == 4 and o[3] == Modifier("lsl", 12):
            value, o = value << 12, o[:3]
        if value < 0:
            # AddWithCarry(x, NOT(-v), 1) and AddWithCarry(x, v, 0) are one sum, with the same flags.
            name, value = {"add": "sub", "sub": "add", "adds": "subs", "subs": "adds"}[name], -value
        o = (*o[:2], value, *o[3:])
    elif name in ("and", "ands", "orr", "eor") and len(o) == 3 and isinstance(o[2], int):
        o = (*o[:2], wrapped(o[2], _width(o)))
    elif name.startswith("ldur") or name.startswith("stur"):
        # The same access, encoded with an unscaled offset; the assembler picks what fits.
        name = name[:2] + name[3:]
    o = tuple(Memory(x.parts[:1], x.mode) if isinstance(x, Memory) and x.mode == "offset" and x.parts[1:] == (0,)
              else x for x in o)
    if name == "orr" and len(o) == 3 and o[1] in ("wzr", "xzr") and isinstance(o[2], int):
        name, o = "constant", (o[0], o[2])
    if name == "ret" and o == ("x30",):
        o = ()
    return Line(name, o)


Alias = Callable[[tuple[Operand, ...]], "Line | None"]


def _zero_second(name: str) -> Alias:
    """``op d, m`` is ``name d, zr, m``."""
    return lambda o: Line(name, (o[0], _zero(o), *o[1:])) if o else None


def _zero_first(name: str) -> Alias:
    """``op n, m`` is ``name zr, n, m``: only the flags are kept."""
    return lambda o: Line(name, (_zero(o), *o))


def _zero_last(name: str) -> Alias:
    """``op d, n, m`` is ``name d, n, m, zr``; the widening ones add to a 64-bit register."""
    return lambda o: Line(name, (*o, _zero(o)))


def _move(o: tuple[Operand, ...]) -> Line | None:
    d, source = o
    if isinstance(source, int):
        return Line("constant", (d, wrapped(source, _width(o))))
    if isinstance(source, str) and _GENERAL.fullmatch(source):
        if "sp" in (d, source) or "wsp" in (d, source):
            return Line("add", (d, source, 0))
        return Line("orr", (d, _zero(o), source))
    if isinstance(source, str) and source.endswith(("b", "h", "s", "d")):
        return Line("orr", (d, source, source))
    return None


def _lane_move(o: tuple[Operand, ...]) -> Line | None:
    """dup, ins and umov as the move that they are: of a lane to a scalar or a lane, or whole to a register."""
    d, source = o
    is_whole = isinstance(source, str) and re.search(r"\.[sd]@", source) is not None
    moves = isinstance(d, str) and ("@" in d or d[0] in "bhsd" or (d[0] in "wx" and is_whole))
    return Line("mov", o) if moves else None


def _wide(invert: bool) -> Alias:
    """movz, movn: a constant like any other."""
    def constant(o: tuple[Operand, ...]) -> Line | None:
        shift = o[2].amount if len(o) == 3 and isinstance(o[2], Modifier) and o[2].name == "lsl" else 0
        if len(o) not in (2, 3) or not isinstance(o[1], int) or not 0 <= o[1] < 1 << 16 or shift % 16:
            return None
        value = wrapped(o[1] << shift, _width(o))
        return Line("constant", (o[0], ~value & (1 << _width(o)) - 1 if invert else value))
    return constant


def _shift(base: str, register: str) -> Alias:
    def shift(o: tuple[Operand, ...]) -> Line | None:
        d, n, by = o
        if not isinstance(by, int):
            return Line(register, o)
        w = _width(o)
        if not 0 <= by < w:
            raise Unencodable(f"a shift count goes from 0 to {w - 1}")
        if base == "extr":
            return Line("extr", (d, n, n, by))
        if register == "lslv":
            return Line(base, (d, n, -by % w, w - 1 - by))
        return Line(base, (d, n, by, w - 1))
    return shift


def _field(base: str, insert: bool) -> Alias:
    """Bit fields: `insert` shifts left into place (ubfiz, bfi), otherwise down (ubfx, bfxil)."""
    def field(o: tuple[Operand, ...]) -> Line | None:
        d, n, low, width = o
        if not isinstance(low, int) or not isinstance(width, int):
            return None
        w = _width(o)
        if not (0 <= low < w and 1 <= width <= w - low):
            raise Unencodable(f"a field of {width} bits at bit {low} is not inside {w} bits")
        return Line(base, (d, n, -low % w, width - 1) if insert else (d, n, low, low + width - 1))
    return field


def _extension(base: str, last: int) -> Alias:
    """``sxtb x0, w1`` is ``sbfm x0, x1, #0, #7``: the source by the destination's width."""
    def extension(o: tuple[Operand, ...]) -> Line | None:
        d, n = o
        if not isinstance(d, str) or not isinstance(n, str):
            return None
        return Line(base, (d, d[0] + n[1:], 0, last))
    return extension


def _no_shift(base: str) -> Alias:
    """``uxtl d, n`` is ``ushll d, n, #0``."""
    return lambda o: Line(base, (*o, 0))


def _conditional(base: str, sources: int) -> Alias:
    """``cset d, c`` is ``csinc d, zr, zr, not c``; ``cinc d, n, c`` is ``csinc d, n, n, not c``."""
    def conditional(o: tuple[Operand, ...]) -> Line | None:
        condition = o[-1]
        if not isinstance(condition, Condition):
            return None
        place = CONDITIONS.index(condition.name)
        source = o[1] if sources else _zero(o)
        return Line(base, (o[0], source, source, Condition(CONDITIONS[place ^ 1])))
    return conditional


_ALIASES: dict[tuple[str, int], Alias] = {
    ("mov", 2): _move, ("movz", -1): _wide(False), ("movn", -1): _wide(True),
    ("dup", 2): _lane_move, ("ins", 2): _lane_move, ("umov", 2): _lane_move,
    **{(f"{letter}xtl{two}", 2): _no_shift(f"{letter}shll{two}") for letter in "us" for two in ("", "2")},
    ("not", 2): lambda o: Line("mvn", o),
    ("mvn", -1): _zero_second("orn"), ("neg", -1): _zero_second("sub"), ("negs", -1): _zero_second("subs"),
    ("ngc", -1): _zero_second("sbc"), ("ngcs", -1): _zero_second("sbcs"),
    ("cmp", -1): _zero_first("subs"), ("cmn", -1): _zero_first("adds"), ("tst", -1): _zero_first("ands"),
    ("mul", 3): _zero_last("madd"), ("mneg", 3): _zero_last("msub"),
    ("smull", 3): _zero_last("smaddl"), ("umull", 3): _zero_last("umaddl"),
    ("smnegl", 3): _zero_last("smsubl"), ("umnegl", 3): _zero_last("umsubl"),
    ("lsl", 3): _shift("ubfm", "lslv"), ("lsr", 3): _shift("ubfm", "lsrv"),
    ("asr", 3): _shift("sbfm", "asrv"), ("ror", 3): _shift("extr", "rorv"),
    ("ubfx", 4): _field("ubfm", False), ("sbfx", 4): _field("sbfm", False), ("bfxil", 4): _field("bfm", False),
    ("ubfiz", 4): _field("ubfm", True), ("sbfiz", 4): _field("sbfm", True), ("bfi", 4): _field("bfm", True),
    ("bfc", 3): lambda o: _field("bfm", True)((o[0], _zero(o), *o[1:])),
    ("uxtb", 2): _extension("ubfm", 7), ("uxth", 2): _extension("ubfm", 15), ("uxtw", 2): _extension("ubfm", 31),
    ("sxtb", 2): _extension("sbfm", 7), ("sxth", 2): _extension("sbfm", 15), ("sxtw", 2): _extension("sbfm", 31),
    ("cset", 2): _conditional("csinc", 0), ("csetm", 2): _conditional("csinv", 0),
    ("cinc", 3): _conditional("csinc", 1), ("cinv", 3): _conditional("csinv", 1),
    ("cneg", 3): _conditional("csneg", 1),
}
"""By mnemonic and number of operands; -1 is any."""


def same(written: Line, made: Line) -> bool:
    """Whether the bytes, read back as `made`, are what was `written`. Symbols are 0 in the bytes."""
    return Line(written.mnemonic, tuple(0 if isinstance(o, Symbol) else o for o in written.operands)) == made
