"""ARM64 (AArch64, ARMv8.0-A): registers' names, conditions, logical immediates, and the instruction table.

Source: Arm Architecture Reference Manual for A-profile (DDI 0487), chapter C6, and its pseudocode.

Operand kinds: ``x`` and ``w`` are general registers and admit the zero register (a write of w clears the upper
half); ``xsp`` and ``wsp`` admit the stack pointer instead. ``u4 … u16`` are unsigned; ``lsl`` is a multiple of 16
below the width; ``width`` is a field's width, 1 to (register width - `i`); ``bitmask`` is what
`is_logical_immediate` accepts; ``u12*8`` and ``i7*8`` are multiples of 8 of which the quotient fits; ``i9`` is
signed. An operand of kind ``cond`` is written as a name of `CONDITIONS` and stands for 0 or 1 in the meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intent_tool.machine import registers, row_notation
from intent_tool.machine.instruction import Row

REGISTERS = registers.ARM64
"""64-bit names. Encoding 31 is the zero register or the stack pointer, as the operand's kind says."""

FLAGS = ("n", "z", "c", "v")

CONDITIONS = {
    "eq": "z", "ne": "1 - z", "hs": "c", "lo": "1 - c", "mi": "n", "pl": "1 - n", "vs": "v", "vc": "1 - v",
    "hi": "c & (1 - z)", "ls": "(1 - c) | z", "ge": "n == v", "lt": "n != v",
    "gt": "(1 - z) & (n == v)", "le": "z | (n != v)",
}
"""When each condition holds, over the flags (each 0 or 1). In the order of their encoding."""


def register_name(register: int | str, kind: str) -> str:
    """The name of a register, given by its encoding or its 64-bit name, at the width of `kind`.

    ``register_name("x0", "w") == "w0"``, ``register_name(31, "x") == "xzr"``, ``register_name("sp", "wsp") ==
    "wsp"``. Raises ValueError for a name that is none, or that the kind does not admit."""
    wide, stack = kind.startswith("x"), kind.endswith("sp")
    if kind not in ("x", "w", "xsp", "wsp"):
        raise ValueError(f"no kind of register: {kind}")
    if register in (31, "sp", "xzr"):
        if stack != (register != "xzr") and register != 31:
            raise ValueError(f"{register} is not a register of kind {kind}")
        return ("sp" if wide else "wsp") if stack else ("xzr" if wide else "wzr")
    number = REGISTERS.index(register) if isinstance(register, str) else register
    if not 0 <= number < 31:
        raise ValueError(f"no register x{number}")
    return f"{kind[0]}{number}"


def is_logical_immediate(value: int, width: int) -> bool:
    """Whether `and`, `orr`, `eor` and `ands` of `width` 32 or 64 bits can hold `value` (unsigned).

    DecodeBitMasks (Arm ARM, shared pseudocode): an element of 2, 4, 8 … 64 bits, repeated over the register, that
    is a rotation of a run of ones, neither empty nor full."""
    if not 0 < value < (1 << width) - 1:
        return False
    size = width
    while size > 2 and (value ^ value >> size // 2) & ((1 << size // 2) - 1) == 0:
        size //= 2
        value &= (1 << size) - 1
    neighbours = (value >> 1) | (value & 1) << (size - 1)
    # A rotated run of ones has two borders, going around.
    return (value ^ neighbours).bit_count() == 2


def _row(template: str, **how: Any) -> Row:
    return row_notation.row(template, flags=frozenset(FLAGS), registers=frozenset(REGISTERS), **how)


WIDTHS = (("w", 32), ("x", 64))


def _nzcv(result: str, carry: str, overflow: str, w: int) -> dict[str, str]:
    return {"n": f"bits({result}, {w - 1}, {w - 1})", "z": f"{result} == 0", "c": carry, "v": overflow}


def _sum_flags(a: str, b: str, w: int, carry_in: str = "") -> dict[str, str]:
    """Of AddWithCarry(a, b, carry_in); `b` may be any expression of an unsigned value."""
    total = f"{a} + {b}{carry_in}"
    return _nzcv(f"u{w}({total})", f"({total}) >> {w}", f"i{w}({total}) != i{w}({a}) + i{w}({b}){carry_in}", w)


def _difference_flags(a: str, b: str, w: int) -> dict[str, str]:
    return _nzcv(f"u{w}({a} - {b})", f"{a} >= {b}", f"i{w}({a} - {b}) != i{w}({a}) - i{w}({b})", w)


def _shifted(operand: str, r: str, w: int, names: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Text, value and latency of a register operand: plain, and shifted by a constant `s`."""
    count = {32: "u5", 64: "u6"}[w]
    values = {"lsl": f"u{w}({operand} << s)", "lsr": f"({operand} >> s)", "asr": f"u{w}(i{w}({operand}) >> s)",
              "ror": f"rotr({operand}, s, {w})"}
    yield f"{{{operand}:{r}}}", operand, "alu"
    for name in names:
        yield f"{{{operand}:{r}}}, {name} #{{s:{count}}}", values[name], "shift"


def _moves() -> Iterator[Row]:
    for r, w in WIDTHS:
        yield _row(f"mov {{d:{r}}}, {{a:{r}}}", d="a", latency="move")
        yield _row(f"movz {{d:{r}}}, #{{i:u16}}, lsl #{{s:lsl}}", form=f"movz {r}, u16, lsl", d="i << s")
        yield _row(f"movn {{d:{r}}}, #{{i:u16}}, lsl #{{s:lsl}}", form=f"movn {r}, u16, lsl", d=f"u{w}(~(i << s))")
        yield _row(f"movk {{d+:{r}}}, #{{i:u16}}, lsl #{{s:lsl}}", form=f"movk {r}, u16, lsl",
                   d="d & ~(0xFFFF << s) | i << s")


def _arithmetic() -> Iterator[Row]:
    for r, w in WIDTHS:
        sp = r + "sp"
        for text, b, latency in _shifted("b", r, w, ("lsl", "lsr", "asr")):
            for name, op, flags in (("add", "+", _sum_flags("a", b, w)), ("sub", "-", _difference_flags("a", b, w))):
                result = f"u{w}(a {op} {b})"
                yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {text}", d=result, latency=latency)
                yield _row(f"{name}s {{d:{r}}}, {{a:{r}}}, {text}", d=result, latency=latency, **flags)
            yield _row(f"cmp {{a:{r}}}, {text}", latency=latency, **_difference_flags("a", b, w))
            yield _row(f"cmn {{a:{r}}}, {text}", latency=latency, **_sum_flags("a", b, w))
        for text, a, latency in _shifted("a", r, w, ("lsl", "lsr", "asr")):
            yield _row(f"neg {{d:{r}}}, {text}", d=f"u{w}(-{a})", latency=latency)
        for shift, i in (("", "i"), (", lsl #12", "(i << 12)")):
            for name, op, flags in (("add", "+", _sum_flags("a", i, w)), ("sub", "-", _difference_flags("a", i, w))):
                result = f"u{w}(a {op} {i})"
                # These encode the stack pointer where others encode the zero register; the second form is for it.
                yield _row(f"{name} {{d:{sp}}}, {{a:{sp}}}, #{{i:u12}}{shift}", d=result,
                           form=f"{name} {r}, {r}, u12{shift.replace('#', '')}")
                yield _row(f"{name} {{d:{sp}}}, {{a:{sp}}}, #{{i:u12}}{shift}", d=result)
                yield _row(f"{name}s {{d:{r}}}, {{a:{sp}}}, #{{i:u12}}{shift}", d=result, **flags,
                           form=f"{name}s {r}, {r}, u12{shift.replace('#', '')}")
            yield _row(f"cmp {{a:{sp}}}, #{{i:u12}}{shift}", **_difference_flags("a", i, w),
                       form=f"cmp {r}, u12{shift.replace('#', '')}")
            yield _row(f"cmn {{a:{sp}}}, #{{i:u12}}{shift}", **_sum_flags("a", i, w),
                       form=f"cmn {r}, u12{shift.replace('#', '')}")
        borrow = f"u{w}(~b)"
        for name, b in (("adc", "b"), ("sbc", borrow)):
            result = f"u{w}(a + {b} + c)"
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=result)
            yield _row(f"{name}s {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=result, **_sum_flags("a", b, w, " + c"))
    for name, op in (("add", "+"), ("sub", "-")):
        for extend, b in (("uxtw", "b"), ("sxtw", "i32(b)")):
            yield _row(f"{name} {{d:xsp}}, {{a:xsp}}, {{b:w}}, {extend}", form=f"{name} x, x, w, {extend}",
                       d=f"u64(a {op} {b})", latency="shift")


def _logic() -> Iterator[Row]:
    for r, w in WIDTHS:
        for text, b, latency in _shifted("b", r, w, ("lsl", "lsr", "asr", "ror")):
            for name, op, value in (("and", "&", b), ("orr", "|", b), ("eor", "^", b), ("bic", "&", f"~{b}"),
                                    ("orn", "|", f"u{w}(~{b})"), ("eon", "^", f"u{w}(~{b})")):
                yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {text}", d=f"a {op} {value}", latency=latency)
            for name, value in (("ands", b), ("bics", f"~{b}")):
                result = f"(a & {value})"
                yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {text}", d=result, latency=latency,
                           **_nzcv(result, "0", "0", w))
            yield _row(f"tst {{a:{r}}}, {text}", latency=latency, **_nzcv(f"(a & {b})", "0", "0", w))
        for text, a, latency in _shifted("a", r, w, ("lsl", "lsr", "asr", "ror")):
            yield _row(f"mvn {{d:{r}}}, {text}", d=f"u{w}(~{a})", latency=latency)
        for name, op in (("and", "&"), ("orr", "|"), ("eor", "^")):
            yield _row(f"{name} {{d:{r}sp}}, {{a:{r}}}, #{{i:bitmask}}", form=f"{name} {r}, {r}, bitmask",
                       d=f"a {op} i")
        yield _row(f"ands {{d:{r}}}, {{a:{r}}}, #{{i:bitmask}}", d="a & i", **_nzcv("(a & i)", "0", "0", w))
        yield _row(f"tst {{a:{r}}}, #{{i:bitmask}}", **_nzcv("(a & i)", "0", "0", w))
        # An alias of orr with the zero register; what movz or movn can make is assembled as those.
        yield _row(f"mov {{d:{r}sp}}, #{{i:bitmask}}", form=f"mov {r}, bitmask", d="i", latency="move")


def _multiplication() -> Iterator[Row]:
    for r, w in WIDTHS:
        for name, result in (("mul", f"u{w}(a * b)"), ("mneg", f"u{w}(-(a * b))")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=result, latency="mul")
        for name, result in (("madd", f"u{w}(c + a * b)"), ("msub", f"u{w}(c - a * b)")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {{b:{r}}}, {{c:{r}}}", d=result, latency="mul")
        yield _row(f"udiv {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d="a // b if b else 0", latency="div")
        magnitude = f"abs(i{w}(a)) // abs(i{w}(b))"
        yield _row(f"sdiv {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", latency="div",
                   d=f"u{w}(-({magnitude}) if (i{w}(a) < 0) != (i{w}(b) < 0) else {magnitude}) if b else 0")
    yield _row("umulh {d:x}, {a:x}, {b:x}", d="a * b >> 64", latency="mulh")
    yield _row("smulh {d:x}, {a:x}, {b:x}", d="u64(i64(a) * i64(b) >> 64)", latency="mulh")
    yield _row("umull {d:x}, {a:w}, {b:w}", d="a * b", latency="mul")
    yield _row("smull {d:x}, {a:w}, {b:w}", d="u64(i32(a) * i32(b))", latency="mul")
    yield _row("umaddl {d:x}, {a:w}, {b:w}, {c:x}", d="u64(c + a * b)", latency="mul")
    yield _row("smaddl {d:x}, {a:w}, {b:w}, {c:x}", d="u64(c + i32(a) * i32(b))", latency="mul")
    yield _row("umsubl {d:x}, {a:w}, {b:w}, {c:x}", d="u64(c - a * b)", latency="mul")
    yield _row("smsubl {d:x}, {a:w}, {b:w}, {c:x}", d="u64(c - i32(a) * i32(b))", latency="mul")


def _shifts() -> Iterator[Row]:
    for r, w in WIDTHS:
        count = {32: "u5", 64: "u6"}[w]
        for name, by in (("lsl", f"u{w}(a << {{}})"), ("lsr", "a >> {}"), ("asr", f"u{w}(i{w}(a) >> {{}})"),
                         ("ror", f"rotr(a, {{}}, {w})")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, #{{i:{count}}}", d=by.format("i"), latency="shift")
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=by.format(f"(b & {w - 1})"), latency="shift")
        yield _row(f"extr {{d:{r}}}, {{a:{r}}}, {{b:{r}}}, #{{i:{count}}}", d=f"u{w}((a << {w} | b) >> i)",
                   latency="shift")
        field = "(a >> i & (1 << s) - 1)"
        low = "(a & (1 << s) - 1)"
        for template, result in (
                ("ubfx {d", field),
                ("sbfx {d", f"u{w}({field} - (({field} >> (s - 1)) << s))"),
                ("ubfiz {d", f"{low} << i"),
                ("sbfiz {d", f"u{w}({low} - (({low} >> (s - 1)) << s) << i)"),
                ("bfi {d+", f"d & ~((1 << s) - 1 << i) | {low} << i"),
                ("bfxil {d+", f"d & ~((1 << s) - 1) | {field}")):
            name = template.split()[0]
            yield _row(f"{template}:{r}}}, {{a:{r}}}, #{{i:{count}}}, #{{s:width}}", d=result, latency="shift",
                       form=f"{name} {r}, {r}, {count}, {count}")


def _bits() -> Iterator[Row]:
    for r, w in WIDTHS:
        yield _row(f"sxtb {{d:{r}}}, {{a:w}}", d=f"u{w}(i8(a))", latency="shift")
        yield _row(f"sxth {{d:{r}}}, {{a:w}}", d=f"u{w}(i16(a))", latency="shift")
        yield _row(f"clz {{d:{r}}}, {{a:{r}}}", d=f"clz(a, {w})")
        yield _row(f"cls {{d:{r}}}, {{a:{r}}}", d=f"clz(u{w}(a ^ i{w}(a) >> 1), {w}) - 1")
        yield _row(f"rbit {{d:{r}}}, {{a:{r}}}", d=f"bitrev(a, {w})")
        yield _row(f"rev {{d:{r}}}, {{a:{r}}}", d=f"bswap(a, {w // 8})")
        odd = sum(0xFF << start for start in range(0, w, 16))
        yield _row(f"rev16 {{d:{r}}}, {{a:{r}}}", d=f"a >> 8 & {odd:#x} | (a & {odd:#x}) << 8")
    yield _row("rev32 {d:x}, {a:x}", d="bswap(a >> 32, 4) << 32 | bswap(u32(a), 4)")
    yield _row("sxtw {d:x}, {a:w}", d="u64(i32(a))", latency="shift")
    yield _row("uxtb {d:w}, {a:w}", d="u8(a)", latency="shift")
    yield _row("uxth {d:w}, {a:w}", d="u16(a)", latency="shift")


def _conditional() -> Iterator[Row]:
    for r, w in WIDTHS:
        for name, other in (("csel", "b"), ("csinc", f"u{w}(b + 1)"), ("csinv", f"u{w}(~b)"), ("csneg", f"u{w}(-b)")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {{b:{r}}}, {{k:cond}}", d=f"a if k else {other}",
                       form=f"{name} {r}, {r}, {r}, CC")
        yield _row(f"cset {{d:{r}}}, {{k:cond}}", form=f"cset {r}, CC", d="k")
        yield _row(f"csetm {{d:{r}}}, {{k:cond}}", form=f"csetm {r}, CC", d=f"u{w}(-k)")
        for name, result in (("cinc", f"u{w}(a + 1)"), ("cinv", f"u{w}(~a)"), ("cneg", f"u{w}(-a)")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {{k:cond}}", form=f"{name} {r}, {r}, CC",
                       d=f"{result} if k else a")
        for name, by in (("ccmp", _difference_flags), ("ccmn", _sum_flags)):
            for source, kind, b in ((f"{{b:{r}}}", r, "b"), ("#{i:u5}", "u5", "i")):
                flags = {flag: f"({value}) if k else s >> {3 - place} & 1"
                         for place, (flag, value) in enumerate(by("a", b, w).items())}
                yield _row(f"{name} {{a:{r}}}, {source}, #{{s:u4}}, {{k:cond}}", form=f"{name} {r}, {kind}, u4, CC",
                           **flags)


def _control() -> Iterator[Row]:
    yield _row("b {t:label}", pc="t", latency="branch")
    for name, condition in CONDITIONS.items():
        yield _row(f"b.{name} {{t:label}}", pc=f"t if {condition} else next_pc", latency="branch")
    for r, w in WIDTHS:
        yield _row(f"cbz {{a:{r}}}, {{t:label}}", pc="t if a == 0 else next_pc", latency="branch")
        yield _row(f"cbnz {{a:{r}}}, {{t:label}}", pc="t if a != 0 else next_pc", latency="branch")
        count = {32: "u5", 64: "u6"}[w]
        yield _row(f"tbz {{a:{r}}}, #{{i:{count}}}, {{t:label}}", pc="next_pc if a >> i & 1 else t",
                   latency="branch")
        yield _row(f"tbnz {{a:{r}}}, #{{i:{count}}}, {{t:label}}", pc="t if a >> i & 1 else next_pc",
                   latency="branch")
    yield _row("ret", pc="x30", latency="branch")
    yield _row("svc #{i:u16}", x0="undefined", memory="undefined", latency="branch",
               opaque=("x0", "x1", "x2", "x3", "x4", "x5", "x8"))


def _memory() -> Iterator[Row]:
    yield _row("adrp {d:x}, {t:table}", d="t >> 12 << 12")
    yield _row("add {d:xsp}, {a:xsp}, :lo12:{t:table}", form="add x, x, table", d="u64(a + (t & 0xFFF))")
    for suffix, register, size, value in (
            ("r", "w", 4, "{}"), ("r", "x", 8, "{}"), ("rb", "w", 1, "{}"), ("rh", "w", 2, "{}"),
            ("rsb", "w", 1, "u32(i8({}))"), ("rsb", "x", 1, "u64(i8({}))"), ("rsh", "w", 2, "u32(i16({}))"),
            ("rsh", "x", 2, "u64(i16({}))"), ("rsw", "x", 4, "u64(i32({}))")):
        for unscaled, text, form, address, after in (
                *((*how, {}) for how in _addresses(size)),
                (False, "[{b+:xsp}], #{i:i9}", "[xsp], i", "b", {"b": "u64(b + i)"})):
            load = f"ld{'u' if unscaled else ''}{suffix}"
            yield _row(f"{load} {{d:{register}}}, {text}", form=f"{load} {register}, {form}",
                       d=value.format(f"load({address}, {size})"), **after, latency="load")
            if "s" not in suffix:
                store = f"st{'u' if unscaled else ''}{suffix}"
                low = "a" if size >= 4 else f"u{8 * size}(a)"
                yield _row(f"{store} {{a:{register}}}, {text}", form=f"{store} {register}, {form}",
                           memory=f"store({address}, {size}, {low})", **after, latency="store")
    for r, w in WIDTHS:
        size = w // 8
        kind = f"i7*{size}"
        for text, form, address, after in (
                (f"[{{b:xsp}}, #{{i:{kind}}}]", "[xsp, i]", "u64(b + i)", {}),
                (f"[{{b+:xsp}}, #{{i:{kind}}}]!", "[xsp, i]!", "u64(b + i)", {"b": "u64(b + i)"}),
                (f"[{{b+:xsp}}], #{{i:{kind}}}", "[xsp], i", "b", {"b": "u64(b + i)"})):
            yield _row(f"ldp {{d:{r}}}, {{e:{r}}}, {text}", form=f"ldp {r}, {r}, {form}", **after, latency="load",
                       d=f"load({address}, {size})", e=f"load(u64({address} + {size}), {size})")
            yield _row(f"stp {{a:{r}}}, {{c:{r}}}, {text}", form=f"stp {r}, {r}, {form}",
                       memory=f"store({address}, {2 * size}, a | c << {w})", **after, latency="store")


def _addresses(size: int) -> Iterator[tuple[bool, str, str, str]]:
    """Whether it is the unscaled instruction; text, form and value of each way to address `size` bytes."""
    yield False, f"[{{b:xsp}}, #{{i:u12*{size}}}]", "[xsp, i]", "u64(b + i)"
    yield True, "[{b:xsp}, #{i:i9}]", "[xsp, i]", "u64(b + i)"
    yield False, "[{b:xsp}, {x:x}]", "[xsp, x]", "u64(b + x)"
    if size > 1:
        shift = size.bit_length() - 1
        yield False, f"[{{b:xsp}}, {{x:x}}, lsl #{shift}]", f"[xsp, x, lsl {shift}]", f"u64(b + (x << {shift}))"


def _rows() -> Iterator[Row]:
    for family in (_moves, _arithmetic, _logic, _multiplication, _shifts, _bits, _conditional, _control, _memory):
        yield from family()


TABLE: dict[str, Row] = row_notation.table(_rows())
