"""ARM64's vector rows (Advanced SIMD of ARMv8.0-A), integers only.

Source: Arm Architecture Reference Manual for A-profile (DDI 0487), C7.2. A write of fewer than 128 bits clears the
rest of the register. Immediate kinds besides those of arm64.py: ``shift8`` … ``shift64`` go from 1 to that many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from intent_tool.machine.instruction import Row
from intent_tool.machine.lane_meanings import clamped, joined, lane, lanewise, mask

REGISTERS = tuple(f"v{number}" for number in range(32))
"""Of v8 to v15 the low 64 bits belong to the caller (AAPCS64, 6.1.2)."""

MakeRow = Callable[..., Row]
Addresses = Callable[[int], Iterable[tuple[bool, str, str, str]]]
Value = Callable[[int], str]
"""From a lane's width to an expression over lanes: ``{x}`` and ``{y}`` of the sources, ``{o}`` the old one."""

_WIDTHS = {"b": 8, "h": 16, "s": 32, "d": 64, "q": 128}
_ALL = ("8b", "16b", "4h", "8h", "2s", "4s", "2d")
_UP_TO_WORDS = _ALL[:6]
_BYTES = _ALL[:2]
_PERMUTATIONS = ("zip1", "zip2", "uzp1", "uzp2", "trn1", "trn2")


def register_name(number: int, kind: str) -> str:
    """``v3.16b``, ``v3.b``, ``q3``."""
    return f"v{number}{kind[1:]}" if kind.startswith("v.") else f"{kind}{number}"


def _lane_width(arrangement: str) -> int:
    return _WIDTHS[arrangement[-1]]


def _bits(arrangement: str) -> int:
    return int(arrangement[:-1]) * _lane_width(arrangement)


def _of_twice(arrangement: str, count: int) -> str:
    """An arrangement of `count` lanes twice as wide."""
    return f"{count}{'hsd'['bhs'.index(arrangement[-1])]}"


def _cast(is_signed: bool, width: int, value: str) -> str:
    return f"i{width}({value})" if is_signed else value


def _saturated(op: str, is_signed: bool) -> Value:
    def value(w: int) -> str:
        if not is_signed:
            return f"min({{x}} + {{y}}, {mask(w)})" if op == "+" else "max({x} - {y}, 0)"
        return f"u{w}({clamped(f'i{w}({{x}}) {op} i{w}({{y}})', -(1 << w - 1), (1 << w - 1) - 1)})"
    return value


def _halved(is_signed: bool, rounding: str) -> Value:
    return lambda w: f"u{w}({_cast(is_signed, w, '{x}')} + {_cast(is_signed, w, '{y}')}{rounding} >> 1)"


def _chosen(function: str, is_signed: bool) -> Value:
    return lambda w: f"u{w}({function}({_cast(is_signed, w, '{x}')}, {_cast(is_signed, w, '{y}')}))"


def _apart(is_signed: bool) -> Value:
    return lambda w: f"abs({_cast(is_signed, w, '{x}')} - {_cast(is_signed, w, '{y}')})"


def _compared(op: str, is_signed: bool, other: str = "{y}") -> Value:
    return lambda w: (f"{mask(w)} if {_cast(is_signed, w, '{x}')} {op} "
                      f"{other if other == '0' else _cast(is_signed, w, other)} else 0")


def _lanes() -> Iterator[tuple[str, tuple[str, ...], Value, str]]:
    """Name, arrangements, value and latency of instructions on two sources, lane by lane."""
    yield "add", _ALL, lambda w: f"u{w}({{x}} + {{y}})", "alu"
    yield "sub", _ALL, lambda w: f"u{w}({{x}} - {{y}})", "alu"
    for name, op, is_signed in (("eq", "==", False), ("hi", ">", False), ("hs", ">=", False), ("gt", ">", True),
                                ("ge", ">=", True)):
        yield f"cm{name}", _ALL, _compared(op, is_signed), "alu"
    yield "cmtst", _ALL, lambda w: f"{mask(w)} if {{x}} & {{y}} else 0", "alu"
    for letter, is_signed in (("u", False), ("s", True)):
        yield f"{letter}qadd", _ALL, _saturated("+", is_signed), "alu"
        yield f"{letter}qsub", _ALL, _saturated("-", is_signed), "alu"
        yield f"{letter}hadd", _UP_TO_WORDS, _halved(is_signed, ""), "alu"
        yield f"{letter}rhadd", _UP_TO_WORDS, _halved(is_signed, " + 1"), "alu"
        yield f"{letter}min", _UP_TO_WORDS, _chosen("min", is_signed), "alu"
        yield f"{letter}max", _UP_TO_WORDS, _chosen("max", is_signed), "alu"
        yield f"{letter}abd", _UP_TO_WORDS, _apart(is_signed), "alu"
    yield "mul", _UP_TO_WORDS, lambda w: f"u{w}({{x}} * {{y}})", "mul"
    yield "mla", _UP_TO_WORDS, lambda w: f"u{w}({{o}} + {{x}} * {{y}})", "mul"
    yield "mls", _UP_TO_WORDS, lambda w: f"u{w}({{o}} - {{x}} * {{y}})", "mul"


def _two_sources(row: MakeRow) -> Iterator[Row]:
    for name, arrangements, value, latency in _lanes():
        for a in arrangements:
            w, bits = _lane_width(a), _bits(a)
            text = value(w)
            plus, old = ("+", {"o": "d"}) if "{o}" in text else ("", {})
            yield row(f"{name} {{d{plus}:v.{a}}}, {{a:v.{a}}}, {{b:v.{a}}}", latency=latency,
                      d=lanewise(w, bits, text, x="a", y="b", **old))
            if name in ("add", "umin", "umax", "smin", "smax"):
                # Pairwise: of the first source's lanes, then of the second's.
                both = f"(a | b << {bits})"
                pairs = value(w).format(x=lane(both, w, "2 * k"), y=lane(both, w, "2 * k + 1"))
                yield row(f"{name}p {{d:v.{a}}}, {{a:v.{a}}}, {{b:v.{a}}}", d=joined(w, bits // w, pairs))
    for a in _BYTES:
        full = mask(_bits(a))
        for name, text in (("and", "a & b"), ("orr", "a | b"), ("eor", "a ^ b"), ("bic", "a & ~b"),
                           ("orn", f"a | b ^ {full}")):
            yield row(f"{name} {{d:v.{a}}}, {{a:v.{a}}}, {{b:v.{a}}}", d=text)
        for name, text in (("bsl", "a & d | b & ~d"), ("bit", "a & b | d & ~b"), ("bif", "d & b | a & ~b")):
            yield row(f"{name} {{d+:v.{a}}}, {{a:v.{a}}}, {{b:v.{a}}}", d=text)
        yield row(f"ext {{d:v.{a}}}, {{a:v.{a}}}, {{b:v.{a}}}, #{{i:{'u4' if a == '16b' else 'u3'}}}",
                  d=f"(a | b << {_bits(a)}) >> 8 * i & {full}")
        index = lane("b", 8)
        yield row(f"tbl {{d:v.{a}}}, {{{{{{a:v.16b}}}}}}, {{b:v.{a}}}", form=f"tbl v.{a}, {{v.16b}}, v.{a}",
                  d=joined(8, _bits(a) // 8, f"{lane('a', 8, index)} if {index} < 16 else 0"))
    for a in _ALL:
        w, many = _lane_width(a), int(a[:-1])
        for name in _PERMUTATIONS:
            part = int(name[3]) - 1
            match name[:3]:
                case "zip":
                    value_of = lane("(b if k % 2 else a)", w, f"k // 2 + {part * many // 2}")
                case "uzp":
                    value_of = lane(f"(a | b << {_bits(a)})", w, f"2 * k + {part}")
                case _:
                    value_of = lane("(b if k % 2 else a)", w, f"k // 2 * 2 + {part}")
            yield row(f"{name} {{d:v.{a}}}, {{a:v.{a}}}, {{b:v.{a}}}", d=joined(w, many, value_of))
    for name, text in (("add", "u64(a + b)"), ("sub", "u64(a - b)"), ("cmeq", f"{mask(64)} if a == b else 0")):
        yield row(f"{name} {{d:d}}, {{a:d}}, {{b:d}}", d=text)


def _one_source(row: MakeRow) -> Iterator[Row]:
    values: tuple[tuple[str, tuple[str, ...], Value], ...] = (
        ("abs", _ALL, lambda w: f"abs(i{w}({{x}}))"), ("neg", _ALL, lambda w: f"u{w}(-{{x}})"),
        ("mvn", _BYTES, lambda w: f"{{x}} ^ {mask(w)}"), ("mov", _BYTES, lambda _: "{x}"),
        ("cnt", _BYTES, lambda _: "popcount({x})"), ("rbit", _BYTES, lambda w: f"bitrev({{x}}, {w})"),
        ("clz", _UP_TO_WORDS, lambda w: f"clz({{x}}, {w})"),
        ("cls", _UP_TO_WORDS, lambda w: f"clz(u{w}({{x}} ^ i{w}({{x}}) >> 1), {w}) - 1"))
    for name, arrangements, value in values:
        for a in arrangements:
            yield row(f"{name} {{d:v.{a}}}, {{a:v.{a}}}", d=lanewise(_lane_width(a), _bits(a), value(_lane_width(a)),
                                                                    x="a"))
    for name, group, arrangements in (("rev16", 16, _BYTES), ("rev32", 32, _ALL[:4]), ("rev64", 64, _UP_TO_WORDS)):
        for a in arrangements:
            w = _lane_width(a)
            yield row(f"{name} {{d:v.{a}}}, {{a:v.{a}}}",
                      d=joined(w, int(a[:-1]), lane("a", w, f"k ^ {group // w - 1}")))
    for name, op in (("eq", "=="), ("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
        for a in _ALL:
            yield row(f"cm{name} {{d:v.{a}}}, {{a:v.{a}}}, #0", form=f"cm{name} v.{a}, v.{a}, 0",
                      d=lanewise(_lane_width(a), _bits(a), _compared(op, name != "eq", "0")(_lane_width(a)), x="a"))


def _shifts(row: MakeRow) -> Iterator[Row]:
    for a in (*_ALL, "d"):
        kind = f"v.{a}" if a != "d" else "d"
        w, bits = _lane_width(a), 64 if a == "d" else _bits(a)
        left, right = f"u{w.bit_length() - 1}", f"shift{w}"
        for name, plus, count, value in (
                ("shl", "", left, f"u{w}({{x}} << i)"), ("ushr", "", right, "{x} >> i"),
                ("sshr", "", right, f"u{w}(i{w}({{x}}) >> i)"),
                ("usra", "+", right, f"u{w}({{o}} + ({{x}} >> i))"),
                ("ssra", "+", right, f"u{w}({{o}} + (i{w}({{x}}) >> i))"),
                ("sli", "+", left, f"u{w}({{x}} << i) | {{o}} & (1 << i) - 1"),
                ("sri", "+", right, f"{{x}} >> i | {{o}} >> {w} - i << {w} - i")):
            if a == "d" and plus:
                continue
            old = {"o": "d"} if plus else {}
            yield row(f"{name} {{d{plus}:{kind}}}, {{a:{kind}}}, #{{i:{count}}}",
                      d=lanewise(w, bits, value, x="a", **old), latency="shift")


def _widening(row: MakeRow) -> Iterator[Row]:
    for a in _UP_TO_WORDS:
        w, upper = _lane_width(a), _bits(a) == 128
        many = int(a[:-1]) // (1 + upper)
        wide, two = _of_twice(a, many), "2" if upper else ""
        x, y = (lane(source, w, f"k + {many}" if upper else "k") for source in "ab")
        o = lane("d", 2 * w)
        for letter, is_signed in (("u", False), ("s", True)):
            p, q = _cast(is_signed, w, x), _cast(is_signed, w, y)
            for name, plus, value, latency in (
                    ("mull", "", f"{p} * {q}", "mul"), ("mlal", "+", f"{o} + {p} * {q}", "mul"),
                    ("addl", "", f"{p} + {q}", "alu"), ("subl", "", f"{p} - {q}", "alu"),
                    ("abdl", "", f"abs({p} - {q})", "alu"), ("abal", "+", f"{o} + abs({p} - {q})", "alu")):
                yield row(f"{letter}{name}{two} {{d{plus}:v.{wide}}}, {{a:v.{a}}}, {{b:v.{a}}}",
                          d=joined(2 * w, many, f"u{2 * w}({value})"), latency=latency)
            for name, op in (("addw", "+"), ("subw", "-")):
                yield row(f"{letter}{name}{two} {{d:v.{wide}}}, {{a:v.{wide}}}, {{b:v.{a}}}",
                          d=joined(2 * w, many, f"u{2 * w}({lane('a', 2 * w)} {op} {q})"))
            yield row(f"{letter}shll{two} {{d:v.{wide}}}, {{a:v.{a}}}, #{{i:u{w.bit_length() - 1}}}",
                      d=joined(2 * w, many, f"u{2 * w}({p} << i)"), latency="shift")
            pairs = _of_twice(a, int(a[:-1]) // 2)
            both = " + ".join(_cast(is_signed, w, lane("a", w, f"2 * k + {j}")) for j in (0, 1))
            yield row(f"{letter}addlp {{d:v.{pairs}}}, {{a:v.{a}}}",
                      d=joined(2 * w, int(a[:-1]) // 2, f"u{2 * w}({both})"))
            yield row(f"{letter}adalp {{d+:v.{pairs}}}, {{a:v.{a}}}",
                      d=joined(2 * w, int(a[:-1]) // 2, f"u{2 * w}({o} + {both})"))
        yield from _narrowing(row, a, wide, many)


def _narrowing(row: MakeRow, a: str, wide: str, many: int) -> Iterator[Row]:
    w, upper = _lane_width(a), _bits(a) == 128
    two, plus = ("2", "+") if upper else ("", "")
    low, high = -(1 << w - 1), (1 << w - 1) - 1
    x = lane("a", 2 * w)
    for name, value in (("xtn", f"u{w}({x})"), ("uqxtn", f"min({x}, {mask(w)})"),
                        ("sqxtn", f"u{w}({clamped(f'i{2 * w}({x})', low, high)})"),
                        ("sqxtun", clamped(f"i{2 * w}({x})", 0, (1 << w) - 1)), ("shrn", f"u{w}({x} >> i)")):
        result = joined(w, many, value)
        count = f", #{{i:shift{w}}}" if name == "shrn" else ""
        yield row(f"{name}{two} {{d{plus}:v.{a}}}, {{a:v.{wide}}}{count}",
                  d=f"{result} << 64 | u64(d)" if upper else result, latency="shift" if count else "alu")


def _across(row: MakeRow) -> Iterator[Row]:
    for a in ("8b", "16b", "4h", "8h", "4s"):
        w, many, r = _lane_width(a), int(a[:-1]), a[-1]
        x = lane("a", w)
        yield row(f"addv {{d:{r}}}, {{a:v.{a}}}", d=f"u{w}(sum({x} for k in range({many})))", latency="mul")
        for letter, is_signed in (("u", False), ("s", True)):
            each = f"({_cast(is_signed, w, x)} for k in range({many}))"
            for name in ("min", "max"):
                yield row(f"{letter}{name}v {{d:{r}}}, {{a:v.{a}}}", d=f"u{w}({name}{each})", latency="mul")
            yield row(f"{letter}addlv {{d:{_of_twice(a, 1)[1:]}}}, {{a:v.{a}}}", d=f"u{2 * w}(sum{each})",
                      latency="mul")
    yield row("addp {d:d}, {a:v.2d}", d="u64(a + (a >> 64))")


def _moves(row: MakeRow) -> Iterator[Row]:
    for a in _ALL:
        w, general = _lane_width(a), "x" if a == "2d" else "w"
        index = f"u{(128 // w).bit_length() - 1}"
        low = f"u{w}(a)" if w < 64 else "a"
        yield row(f"dup {{d:v.{a}}}, {{a:{general}}}", d=joined(w, int(a[:-1]), low), latency="move")
        yield row(f"dup {{d:v.{a}}}, {{a:v.{a[-1]}}}[{{i:{index}}}]", d=joined(w, int(a[:-1]), lane("a", w, "i")))
    for r, w in (("b", 8), ("h", 16), ("s", 32), ("d", 64)):
        general = "x" if r == "d" else "w"
        index = f"u{(128 // w).bit_length() - 1}"
        kept = f"d & ~({mask(w)} << {w} * i)"
        low = f"u{w}(a)" if w < 64 else "a"
        yield row(f"mov {{d:{r}}}, {{a:v.{r}}}[{{i:{index}}}]", d=lane("a", w, "i"))
        yield row(f"mov {{d+:v.{r}}}[{{i:{index}}}], {{a:{general}}}", d=f"{kept} | {low} << {w} * i",
                  latency="move")
        yield row(f"mov {{d+:v.{r}}}[{{i:{index}}}], {{a:v.{r}}}[{{j:{index}}}]",
                  d=f"{kept} | {lane('a', w, 'j')} << {w} * i")
        name = "mov" if w >= 32 else "umov"
        yield row(f"{name} {{d:{general}}}, {{a:v.{r}}}[{{i:{index}}}]", d=lane("a", w, "i"), latency="move")
        for to, width in (("w", 32), ("x", 64)):
            if w < width:
                yield row(f"smov {{d:{to}}}, {{a:v.{r}}}[{{i:{index}}}]", d=f"u{width}(i{w}({lane('a', w, 'i')}))",
                          latency="move")
    for vector, general in (("d", "x"), ("s", "w")):
        yield row(f"fmov {{d:{vector}}}, {{a:{general}}}", d="a", latency="move")
        yield row(f"fmov {{d:{general}}}, {{a:{vector}}}", d="a", latency="move")
        yield row(f"fmov {{d:{vector}}}, {{a:{vector}}}", d="a", latency="move")
    yield row("movi {d:v.2d}, #0", form="movi v.2d, 0", d="0", latency="move")
    for a in _UP_TO_WORDS:
        w, many = _lane_width(a), int(a[:-1])
        for shift in range(0, w, 8):
            by, form = (f", lsl #{shift}", f", lsl {shift}") if shift else ("", "")
            yield row(f"movi {{d:v.{a}}}, #{{i:u8}}{by}", form=f"movi v.{a}, u8{form}", latency="move",
                      d=joined(w, many, f"i << {shift}"))
            if w > 8:
                yield row(f"mvni {{d:v.{a}}}, #{{i:u8}}{by}", form=f"mvni v.{a}, u8{form}", latency="move",
                          d=joined(w, many, f"i << {shift} ^ {mask(w)}"))


def _memory(row: MakeRow, addresses: Addresses) -> Iterator[Row]:
    for r, bits in _WIDTHS.items():
        size = bits // 8
        for unscaled, text, form, address in addresses(size):
            u = "u" if unscaled else ""
            yield row(f"ld{u}r {{d:{r}}}, {text}", form=f"ld{u}r {r}, {form}", d=f"load({address}, {size})",
                      latency="load")
            yield row(f"st{u}r {{a:{r}}}, {text}", form=f"st{u}r {r}, {form}", memory=f"store({address}, {size}, a)",
                      latency="store")
        for text, form, address in (("[{b+:xsp}], #{i:i9}", "[xsp], i", "b"),
                                    ("[{b+:xsp}, #{i:i9}]!", "[xsp, i]!", "u64(b + i)")):
            yield row(f"ldr {{d:{r}}}, {text}", form=f"ldr {r}, {form}", d=f"load({address}, {size})", b="u64(b + i)",
                      latency="load")
            yield row(f"str {{a:{r}}}, {text}", form=f"str {r}, {form}", memory=f"store({address}, {size}, a)",
                      b="u64(b + i)", latency="store")
        if size < 4:
            continue
        kind = f"i7*{size}"
        for text, form, address, after in (
                (f"[{{b:xsp}}, #{{i:{kind}}}]", "[xsp, i]", "u64(b + i)", {}),
                (f"[{{b+:xsp}}, #{{i:{kind}}}]!", "[xsp, i]!", "u64(b + i)", {"b": "u64(b + i)"}),
                (f"[{{b+:xsp}}], #{{i:{kind}}}", "[xsp], i", "b", {"b": "u64(b + i)"})):
            yield row(f"ldp {{d:{r}}}, {{e:{r}}}, {text}", form=f"ldp {r}, {r}, {form}", **after, latency="load",
                      d=f"load({address}, {size})", e=f"load(u64({address} + {size}), {size})")
            yield row(f"stp {{a:{r}}}, {{c:{r}}}, {text}", form=f"stp {r}, {r}, {form}", **after, latency="store",
                      memory=f"store({address}, {2 * size}, a | c << {bits})")
    there: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("", "[xsp]", {}), (", #16", "[xsp], 16", {"b": "u64(b + 16)"}))
    for then, form, moved in there:
        base = "{b+:xsp}" if moved else "{b:xsp}"
        yield row(f"ld1 {{{{{{d:v.16b}}}}}}, [{base}]{then}", form=f"ld1 {{v.16b}}, {form}", d="load(b, 16)",
                  latency="load", **moved)
        yield row(f"st1 {{{{{{a:v.16b}}}}}}, [{base}]{then}", form=f"st1 {{v.16b}}, {form}",
                  memory="store(b, 16, a)", latency="store", **moved)


def rows(row: MakeRow, addresses: Addresses) -> Iterator[Row]:
    """All rows; `row` makes one, `addresses` gives the ways to address memory of a size in bytes."""
    for family in (_two_sources, _one_source, _shifts, _widening, _across, _moves):
        yield from family(row)
    yield from _memory(row, addresses)
