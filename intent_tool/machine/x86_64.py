"""x86-64: registers' names, conditions, and the instruction table.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2; AMD64 Architecture Programmer's
Manual, volume 3, where the two differ (what both promise is what is written here).

Operand kinds: ``r8 r16 r32 r64`` (a write of r32 clears the upper half, a write of r8 or r16 leaves the rest alone,
hence its role ``both``); ``i32`` sign-extended; ``i32u``, ``u8`` and ``u7`` unsigned (all counts are taken modulo the
width; keystone refuses some above 127); ``i64`` any 64 bits; ``label``, ``table``; ``xmm`` and ``ymm``, see
vector_x86_64.py. Index registers cannot be rsp. The auxiliary carry flag is not modelled: nothing here reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intent_tool.machine import registers, row_notation, vector_x86_64
from intent_tool.machine.instruction import Row

REGISTERS = registers.X86_64
"""64-bit names, in the order of their encoding."""

FLAGS = ("cf", "zf", "sf", "of", "pf")

CONDITIONS = {
    "e": "zf", "ne": "1 - zf",
    "b": "cf", "ae": "1 - cf", "be": "cf | zf", "a": "(1 - cf) & (1 - zf)",
    "s": "sf", "ns": "1 - sf", "o": "of", "no": "1 - of", "p": "pf", "np": "1 - pf",
    "l": "sf != of", "ge": "sf == of", "le": "zf | (sf != of)", "g": "(1 - zf) & (sf == of)",
}
"""When each condition holds, over the flags (each 0 or 1)."""


def register_name(register: int | str, kind: str) -> str:
    """The name of a register, given by its encoding or its 64-bit name (of vectors ``ymm…``), at the width of `kind`.

    ``register_name("rax", "r8") == "al"``, ``register_name(4, "r8") == "spl"``, ``register_name("r8", "r32")
    == "r8d"``, ``register_name("ymm3", "xmm") == "xmm3"``. Raises KeyError for another kind, ValueError for a name
    that is none."""
    if kind in ("xmm", "ymm"):
        return f"{kind}{vector_x86_64.REGISTERS.index(register) if isinstance(register, str) else register}"
    number = REGISTERS.index(register) if isinstance(register, str) else register
    name = REGISTERS[number]
    if number >= 8:
        return name + {"r64": "", "r32": "d", "r16": "w", "r8": "b"}[kind]
    short = name[1:]
    low_byte = short[0] + "l" if short.endswith("x") else short + "l"
    return {"r64": name, "r32": "e" + short, "r16": short, "r8": low_byte}[kind]


def _row(template: str, **how: Any) -> Row:
    return row_notation.row(template, flags=frozenset(FLAGS),
                            registers=frozenset((*REGISTERS, *vector_x86_64.REGISTERS)), **how)


WIDTHS = (32, 64)
SCALES = (1, 2, 4, 8)


def _result_flags(result: str, width: int) -> dict[str, str]:
    """Sign, zero and parity, which nearly every instruction takes from its result in the same way."""
    return {"zf": f"{result} == 0", "sf": f"bits({result}, {width - 1}, {width - 1})",
            "pf": f"1 - parity(u8({result}))"}


UNDEFINED_FLAGS = dict.fromkeys(FLAGS, "undefined")


def _sizes(width: int, smallest: int, largest: int) -> tuple[int, int]:
    """Sizes with the REX prefix: always there at 64 bits, at 32 bits only for the upper eight registers."""
    return (smallest + (width == 64), largest + 1)


def _moves() -> Iterator[Row]:
    for w in WIDTHS:
        yield _row(f"mov {{d:r{w}}}, {{a:r{w}}}", d="a", size=_sizes(w, 2, 2), latency="move")
    yield _row("mov {d:r32}, {i:i32u}", d="i", size=(5, 6))
    yield _row("mov {d:r64}, {i:i32}", d="u64(i)", size=(7, 7))
    yield _row("movabs {d:r64}, {i:i64}", d="u64(i)", size=(10, 10))
    yield _row("movzx {d:r32}, {a:r8}", d="a", size=(3, 4))
    yield _row("movzx {d:r32}, {a:r16}", d="a", size=(3, 4))
    for w in WIDTHS:
        yield _row(f"movsx {{d:r{w}}}, {{a:r8}}", d=f"u{w}(i8(a))", size=_sizes(w, 3, 3))
        yield _row(f"movsx {{d:r{w}}}, {{a:r16}}", d=f"u{w}(i16(a))", size=_sizes(w, 3, 3))
    yield _row("movsxd {d:r64}, {a:r32}", d="u64(i32(a))", size=(3, 3))
    for w in WIDTHS:
        yield _row(f"bswap {{d+:r{w}}}", d=f"bswap(d, {w // 8})", size=_sizes(w, 2, 2))
    yield _row("cdq", rdx="u32(i32(rax) >> 31)", size=(1, 1))
    yield _row("cqo", rdx="u64(i64(rax) >> 63)", size=(2, 2))


def _arithmetic() -> Iterator[Row]:
    for w in WIDTHS:
        u, i, r = f"u{w}", f"i{w}", f"r{w}"
        register_size, immediate_size = _sizes(w, 2, 2), _sizes(w, 3, 6)
        # The second operand's text, its unsigned and its signed value.
        for b, unsigned, size in (("a", "a", register_size), ("i", f"{u}(i)", immediate_size)):
            source = f"{{a:{r}}}" if b == "a" else "{i:i32}"
            for name, op, carry, signed in (
                    ("add", f"d + {unsigned}", "", f"{i}(d) + {i}({b})"),
                    ("adc", f"d + {unsigned} + cf", "", f"{i}(d) + {i}({b}) + cf"),
                    ("sub", f"d - {unsigned}", "-", f"{i}(d) - {i}({b})"),
                    ("sbb", f"d - {unsigned} - cf", "-", f"{i}(d) - {i}({b}) - cf")):
                result = f"{u}({op})"
                yield _row(f"{name} {{d+:{r}}}, {source}", d=result, size=size, **_result_flags(result, w),
                           cf=f"({op}) < 0" if carry else f"({op}) >> {w}", of=f"{i}({op}) != {signed}")
            for name, op in (("and", "&"), ("or", "|"), ("xor", "^")):
                result = f"(d {op} {unsigned})"
                yield _row(f"{name} {{d+:{r}}}, {source}", d=result, size=size, **_result_flags(result, w),
                           cf="0", of="0")
        for second, b, size in ((f"{{b:{r}}}", "b", register_size), ("{i:i32}", "i", immediate_size)):
            difference, conjunction = f"{u}(a - {b})", f"(a & {u}({b}))"
            yield _row(f"cmp {{a:{r}}}, {second}", size=size, **_result_flags(difference, w),
                       cf=f"a < {u}({b})", of=f"{i}(a - {b}) != {i}(a) - {i}({b})")
            # `test` has no short form for a small immediate.
            test_size = size if b == "b" else (5 + (w == 64), 7)
            yield _row(f"test {{a:{r}}}, {second}", size=test_size, **_result_flags(conjunction, w), cf="0", of="0")
        top = 1 << (w - 1)
        yield _row(f"neg {{d+:{r}}}", d=f"{u}(-d)", size=register_size, **_result_flags(f"{u}(-d)", w),
                   cf="d != 0", of=f"d == {top:#x}")
        yield _row(f"not {{d+:{r}}}", d=f"{u}(~d)", size=register_size)
        yield _row(f"inc {{d+:{r}}}", d=f"{u}(d + 1)", size=register_size, **_result_flags(f"{u}(d + 1)", w),
                   of=f"d == {top - 1:#x}")
        yield _row(f"dec {{d+:{r}}}", d=f"{u}(d - 1)", size=register_size, **_result_flags(f"{u}(d - 1)", w),
                   of=f"d == {top:#x}")


def _multiplication() -> Iterator[Row]:
    for w in WIDTHS:
        u, i, r = f"u{w}", f"i{w}", f"r{w}"
        undefined = {"sf": "undefined", "zf": "undefined", "pf": "undefined"}
        for template, left, right, size in (
                (f"imul {{d+:{r}}}, {{a:{r}}}", "d", f"{i}(a)", (3, 3)),
                (f"imul {{d:{r}}}, {{a:{r}}}, {{i:i32}}", "a", "i", (3, 6))):
            product = f"{i}({left}) * {right}"
            overflow = f"{i}({product}) != {product}"
            yield _row(template, d=f"{u}({product})", cf=overflow, of=overflow, **undefined,
                       size=_sizes(w, *size), latency="mul")
        full = f"{u}(rax) * a"
        yield _row(f"mul {{a:{r}}}", rax=f"{u}({full})", rdx=f"{u}(({full}) >> {w})", cf=f"({full}) >> {w} != 0",
                   of=f"({full}) >> {w} != 0", **undefined, size=_sizes(w, 2, 2), latency="mulh")
        full = f"{i}(rax) * {i}(a)"
        overflow = f"{i}({full}) != {full}"
        yield _row(f"imul {{a:{r}}}", rax=f"{u}({full})", rdx=f"{u}(({full}) >> {w})", cf=overflow, of=overflow,
                   **undefined, size=_sizes(w, 2, 2), latency="mulh")


def _division() -> Iterator[Row]:
    for w in WIDTHS:
        u, i, r = f"u{w}", f"i{w}", f"r{w}"
        n = f"({u}(rdx) << {w} | {u}(rax))"
        yield _row(f"div {{a:{r}}}", rax=f"{n} // a", rdx=f"{n} % a", **UNDEFINED_FLAGS, size=_sizes(w, 2, 2),
                   latency="div", traps=f"a == 0 or {n} // a >> {w} != 0")
        n = f"({i}(rdx) << {w} | {u}(rax))"
        magnitude, negative = f"abs({n}) // abs({i}(a))", f"({n} < 0) != ({i}(a) < 0)"
        quotient = f"(-({magnitude}) if {negative} else {magnitude})"
        yield _row(f"idiv {{a:{r}}}", rax=f"{u}({quotient})", rdx=f"{u}({n} - {quotient} * {i}(a))",
                   **UNDEFINED_FLAGS, size=_sizes(w, 2, 2), latency="div",
                   traps=f"a == 0 or {i}({quotient}) != {quotient}")


def _shifts() -> Iterator[Row]:
    """A count of 0 leaves every flag as it was; the overflow flag is defined for a count of 1 only."""
    for w in WIDTHS:
        u, i, r, top = f"u{w}", f"i{w}", f"r{w}", w - 1
        for count, n, size in (("{i:u8}", f"(i & {top})", (2, 3)), ("cl", f"(rcx & {top})", (2, 2))):
            def changed(flag: str, value: str, n: str = n) -> str:
                return f"{flag} if {n} == 0 else {value}"

            def once(value: str, n: str = n) -> str:
                return f"of if {n} == 0 else {value} if {n} == 1 else undefined"

            left, right, arithmetic = f"{u}(d << {n})", f"(d >> {n})", f"{u}({i}(d) >> {n})"
            for name, result, carry, overflow in (
                    ("shl", left, f"d >> ({w} - {n}) & 1", f"(d >> {top} ^ d >> {top - 1}) & 1"),
                    ("shr", right, f"d >> ({n} - 1) & 1", f"d >> {top}"),
                    ("sar", arithmetic, f"{i}(d) >> ({n} - 1) & 1", "0")):
                flags = {key: changed(key, f"({value})") for key, value in _result_flags(result, w).items()}
                yield _row(f"{name} {{d+:{r}}}, {count}", d=result, **flags, cf=changed("cf", f"({carry})"),
                           of=once(f"({overflow})"), size=_sizes(w, *size), latency="shift")
            rotated = f"rotl(d, {n}, {w})"
            yield _row(f"rol {{d+:{r}}}, {count}", d=rotated, cf=changed("cf", f"({rotated} & 1)"),
                       of=once(f"(({rotated} >> {top} ^ {rotated}) & 1)"), size=_sizes(w, *size), latency="shift")
            rotated = f"rotr(d, {n}, {w})"
            yield _row(f"ror {{d+:{r}}}, {count}", d=rotated, cf=changed("cf", f"({rotated} >> {top})"),
                       of=once(f"(({rotated} >> {top} ^ {rotated} >> {top - 1}) & 1)"), size=_sizes(w, *size),
                       latency="shift")
            last, kind, double_size = ("cl", "cl", (3, 3)) if count == "cl" else ("{i:u7}", "u8", (4, 4))
            for name, result, carry in (
                    ("shld", f"{u}(d << {n} | a >> ({w} - {n}))", f"d >> ({w} - {n}) & 1"),
                    ("shrd", f"{u}(d >> {n} | a << ({w} - {n}))", f"d >> ({n} - 1) & 1")):
                flags = {key: changed(key, f"({value})") for key, value in _result_flags(result, w).items()}
                yield _row(f"{name} {{d+:{r}}}, {{a:{r}}}, {last}", form=f"{name} {r}, {r}, {kind}", d=result,
                           **flags, cf=changed("cf", f"({carry})"), of=once(f"((d ^ {result}) >> {top})"),
                           size=_sizes(w, *double_size), latency="shift")


def _bits() -> Iterator[Row]:
    unmodelled = {"of": "undefined", "sf": "undefined", "pf": "undefined"}
    for w in WIDTHS:
        r = f"r{w}"
        for place, last, size in (("i", "{i:u7}", _sizes(w, 4, 4)), ("b", f"{{b:{r}}}", _sizes(w, 3, 3))):
            yield _row(f"bt {{a:{r}}}, {last}", form=f"bt {r}, {'u8' if place == 'i' else r}",
                       cf=f"a >> ({place} & {w - 1}) & 1", **unmodelled, size=size)
        for place, last, size in (("i", "{i:u7}", _sizes(w, 4, 4)), ("a", f"{{a:{r}}}", _sizes(w, 3, 3))):
            bit = f"(1 << ({place} & {w - 1}))"
            for name, result in (("bts", f"d | {bit}"), ("btr", f"d & ~{bit}"), ("btc", f"d ^ {bit}")):
                yield _row(f"{name} {{d+:{r}}}, {last}", form=f"{name} {r}, {'u8' if place == 'i' else r}",
                           d=result, cf=f"(d & {bit}) != 0", **unmodelled, size=size)
        # Of a zero source: AMD's manual, and Intel's since 2024, say that the destination stays as it was. Whether
        # r32 then has its upper half cleared differs between processors (AMD keeps it, QEMU clears it).
        upper = {"upper": "0 if a else undefined"} if w == 32 else {}
        for name, index in (("bsf", f"ctz(a, {w})"), ("bsr", f"{w - 1} - clz(a, {w})")):
            yield _row(f"{name} {{d+:{r}}}, {{a:{r}}}", d=f"{index} if a else d", **upper, zf="a == 0",
                       cf="undefined", **unmodelled, size=_sizes(w, 3, 3), latency="mul")
        for name, feature, result in (("lzcnt", "lzcnt", f"clz(a, {w})"), ("tzcnt", "bmi1", f"ctz(a, {w})")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}", d=result, cf="a == 0", zf=f"{result} == 0", **unmodelled,
                       size=_sizes(w, 4, 4), feature=feature)
        yield _row(f"popcnt {{d:{r}}}, {{a:{r}}}", d="popcount(a)", zf="a == 0", cf="0", of="0", sf="0", pf="0",
                   size=_sizes(w, 4, 4), latency="mul", feature="popcnt")


def _bmi() -> Iterator[Row]:
    for w in WIDTHS:
        u, i, r, top = f"u{w}", f"i{w}", f"r{w}", w - 1

        def signs(result: str, w: int = w) -> dict[str, str]:
            return _result_flags(result, w) | {"of": "0", "pf": "undefined"}

        result = f"({u}(~a) & b)"
        yield _row(f"andn {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=result, **signs(result), cf="0", size=(5, 5),
                   feature="bmi1")
        # QEMU before 9.1 inverts the carry of `blsi` (a != 0), so nothing is promised of it.
        for name, result, carry in (("blsr", "(a & a - 1)", "a == 0"), ("blsi", "(a & -a)", "undefined"),
                                    ("blsmsk", f"{u}(a ^ a - 1)", "a == 0")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}", d=result, **signs(result), cf=carry, size=(5, 5),
                       feature="bmi1")
        result = "(a >> u8(b) & (1 << u8(b >> 8)) - 1)"
        yield _row(f"bextr {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=result, zf=f"{result} == 0", cf="0", of="0",
                   sf="undefined", pf="undefined", size=(5, 5), latency="mul", feature="bmi1")
        result = "(a & (1 << u8(b)) - 1)"
        yield _row(f"bzhi {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=result, **signs(result), cf=f"u8(b) > {top}",
                   size=(5, 5), feature="bmi2")
        for name, result in (("shlx", f"{u}(a << (b & {top}))"), ("shrx", f"a >> (b & {top})"),
                             ("sarx", f"{u}({i}(a) >> (b & {top}))")):
            yield _row(f"{name} {{d:{r}}}, {{a:{r}}}, {{b:{r}}}", d=result, size=(5, 5), latency="shift",
                       feature="bmi2")
        yield _row(f"rorx {{d:{r}}}, {{a:{r}}}, {{i:u8}}", d=f"rotr(a, i & {top}, {w})", size=(6, 6),
                   latency="shift", feature="bmi2")
    # The high half is written last: it stays when both destinations are one register.
    yield _row("mulx {d:r64}, {e:r64}, {a:r64}", e="u64(rdx * a)", d="rdx * a >> 64", size=(5, 5), latency="mulh",
               feature="bmi2")


def _conditional() -> Iterator[Row]:
    for name, condition in CONDITIONS.items():
        yield _row(f"set{name} {{d+:r8}}", d=condition, size=(3, 4))
        for w in WIDTHS:
            # At 32 bits the upper half is cleared whether the condition holds or not.
            yield _row(f"cmov{name} {{d+:r{w}}}, {{a:r{w}}}", d=f"a if {condition} else d", size=_sizes(w, 3, 3))
        yield _row(f"j{name} {{t:label}}", pc=f"t if {condition} else next_pc", size=(2, 6), latency="branch")


def _control() -> Iterator[Row]:
    yield _row("jmp {t:label}", pc="t", size=(2, 5), latency="branch")
    yield _row("ret", pc="load(rsp, 8)", rsp="u64(rsp + 8)", size=(1, 1), latency="branch")
    yield _row("push {a:r64}", memory="store(u64(rsp - 8), 8, a)", rsp="u64(rsp - 8)", size=(1, 2), latency="store")
    # In this order: `pop rsp` ends with the loaded value.
    yield _row("pop {d:r64}", rsp="u64(rsp + 8)", d="load(rsp, 8)", size=(1, 2), latency="load")
    yield _row("syscall", rax="undefined", rcx="undefined", r11="undefined", memory="undefined", size=(2, 2),
               latency="branch", opaque=("rax", "rdi", "rsi", "rdx", "r10", "r8", "r9"))


def _addresses() -> Iterator[tuple[str, str, int]]:
    """Text, value and smallest size (beyond the ModRM byte) of each way to address memory.

    The displacement may be 0. The largest size is 5: a scaled-index byte, and four of displacement."""
    yield "[{b:r64} + {i:i32}]", "u64(b + i)", 0
    for scale in SCALES:
        yield f"[{{b:r64}} + {{x:r64}}*{scale} + {{i:i32}}]", f"u64(b + x * {scale} + i)", 1


def _memory() -> Iterator[Row]:
    for text, address, least in _addresses():
        for w in WIDTHS:
            yield _row(f"lea {{d:r{w}}}, {text}", d=f"u{w}({address})", size=_sizes(w, 2 + least, 7))
    for scale in SCALES:
        for w in WIDTHS:
            yield _row(f"lea {{d:r{w}}}, [{{x:r64}}*{scale} + {{i:i32}}]", d=f"u{w}(x * {scale} + i)",
                       size=_sizes(w, 7, 7))
    yield _row("lea {d:r64}, [rip + {t:table}]", form="lea r64, [table]", d="t", size=(7, 7))
    for text, address, least in _addresses():
        for size, word in ((1, "byte"), (2, "word")):
            yield _row(f"movzx {{d:r32}}, {word} ptr {text}", d=f"load({address}, {size})", size=(3 + least, 9),
                       latency="load")
            for w in WIDTHS:
                yield _row(f"movsx {{d:r{w}}}, {word} ptr {text}", d=f"u{w}(i{8 * size}(load({address}, {size})))",
                           size=_sizes(w, 3 + least, 8), latency="load")
        yield _row(f"movsxd {{d:r64}}, dword ptr {text}", d=f"u64(i32(load({address}, 4)))", size=(3 + least, 8),
                   latency="load")
        for w, word in ((32, "dword"), (64, "qword")):
            plain = text.replace("{b:r64}", "r64").replace("{x:r64}", "r64").replace("{i:i32}", "i32")
            yield _row(f"mov {{d:r{w}}}, {word} ptr {text}", form=f"mov r{w}, {plain}",
                       d=f"load({address}, {w // 8})", size=_sizes(w, 2 + least, 7), latency="load")
            yield _row(f"mov {word} ptr {text}, {{a:r{w}}}", form=f"mov {plain}, r{w}",
                       memory=f"store({address}, {w // 8}, a)", size=_sizes(w, 2 + least, 7), latency="store")
        for w, word in ((32, "dword"), (64, "qword")):
            u, i = f"u{w}", f"i{w}"
            plain = text.replace("{b:r64}", "r64").replace("{x:r64}", "r64").replace("{i:i32}", "i32")
            # Costs go by mnemonic, so these are as cheap as the operation itself.
            m, sizes = f"load({address}, {w // 8})", _sizes(w, 2 + least, 7)
            memory = f"{word} ptr {text}"
            for name, op, carry, signed in (("add", "+", f"(d + {m}) >> {w}", f"{i}(d) + {i}({m})"),
                                            ("sub", "-", f"d < {m}", f"{i}(d) - {i}({m})")):
                result = f"{u}(d {op} {m})"
                yield _row(f"{name} {{d+:r{w}}}, {memory}", form=f"{name} r{w}, {plain}", d=result, size=sizes,
                           **_result_flags(result, w), cf=carry, of=f"{i}(d {op} {m}) != {signed}")
            for name, op in (("and", "&"), ("or", "|"), ("xor", "^")):
                result = f"(d {op} {m})"
                yield _row(f"{name} {{d+:r{w}}}, {memory}", form=f"{name} r{w}, {plain}", d=result, size=sizes,
                           **_result_flags(result, w), cf="0", of="0")
            difference = f"{u}(a - {m})"
            yield _row(f"cmp {{a:r{w}}}, {memory}", form=f"cmp r{w}, {plain}", size=sizes,
                       **_result_flags(difference, w), cf=f"a < {m}", of=f"{i}(a - {m}) != {i}(a) - {i}({m})")
        yield _row(f"mov byte ptr {text}, {{a:r8}}", memory=f"store({address}, 1, a)", size=(2 + least, 8),
                   latency="store")
        yield _row(f"mov word ptr {text}, {{a:r16}}", memory=f"store({address}, 2, a)", size=(3 + least, 9),
                   latency="store")


def _rows() -> Iterator[Row]:
    for family in (_moves, _arithmetic, _multiplication, _division, _shifts, _bits, _bmi, _conditional, _control,
                   _memory):
        yield from family()
    yield from vector_x86_64.rows(_row, _addresses)


TABLE: dict[str, Row] = row_notation.table(_rows())
