"""x86-64's vector rows: SSE2, and AVX2 under the feature ``avx2``; integers only.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. A write of ``xmm`` keeps the upper
half of the ymm register where the row has no `upper`, and clears it where that is 0 (all VEX-encoded instructions).
Except for moves the rows have no memory operands: those of SSE2 would have to be aligned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from intent_tool.machine.instruction import Row
from intent_tool.machine.lane_meanings import clamped, joined, lane, lanewise, mask

REGISTERS = tuple(f"ymm{n}" for n in range(16))

MakeRow = Callable[..., Row]
Addresses = Callable[[], Iterable[tuple[str, str, int]]]

_WIDTHS = {"b": 8, "w": 16, "d": 32, "q": 64}
_ALU, _MUL, _SHIFT = "alu", "mul", "shift"


def _lanes() -> Iterator[tuple[str, int, str, str, bool]]:
    """Name without `v`, lane's width, value over the lanes ``{x}`` and ``{y}``, latency, and whether SSE2 has it."""
    for c, w in _WIDTHS.items():
        yield f"padd{c}", w, f"u{w}({{x}} + {{y}})", _ALU, True
        yield f"psub{c}", w, f"u{w}({{x}} - {{y}})", _ALU, True
        yield f"pcmpeq{c}", w, f"{mask(w)} if {{x}} == {{y}} else 0", _ALU, c != "q"
        yield f"pcmpgt{c}", w, f"{mask(w)} if i{w}({{x}}) > i{w}({{y}}) else 0", _ALU, c != "q"
    for c, w in (("b", 8), ("w", 16), ("d", 32)):
        top = (1 << w - 1) - 1
        for name, function in (("min", "min"), ("max", "max")):
            yield f"p{name}u{c}", w, f"{function}({{x}}, {{y}})", _ALU, c == "b"
            yield f"p{name}s{c}", w, f"u{w}({function}(i{w}({{x}}), i{w}({{y}})))", _ALU, c == "w"
        if c != "d":
            yield f"paddus{c}", w, f"min({{x}} + {{y}}, {mask(w)})", _ALU, True
            yield f"psubus{c}", w, "max({x} - {y}, 0)", _ALU, True
            for name, op in (("add", "+"), ("sub", "-")):
                exact = f"i{w}({{x}}) {op} i{w}({{y}})"
                yield f"p{name}s{c}", w, f"u{w}({clamped(exact, -top - 1, top)})", _ALU, True
            yield f"pavg{c}", w, "{x} + {y} + 1 >> 1", _ALU, True
    yield "pmullw", 16, "u16({x} * {y})", _MUL, True
    yield "pmulhw", 16, "u16(i16({x}) * i16({y}) >> 16)", _MUL, True
    yield "pmulhuw", 16, "{x} * {y} >> 16", _MUL, True
    yield "pmulld", 32, "u32({x} * {y})", _MUL, False
    yield "pmuludq", 64, "u32({x}) * u32({y})", _MUL, True
    yield "pmuldq", 64, "u64(i32({x}) * i32({y}))", _MUL, False
    yield "pmaddwd", 32, "u32(i16({x}) * i16({y}) + i16({x} >> 16) * i16({y} >> 16))", _MUL, True
    both = clamped("u8({x}) * i8({y}) + ({x} >> 8) * i8({y} >> 8)", -0x8000, 0x7fff)
    yield "pmaddubsw", 16, f"u16({both})", _MUL, False
    yield "psadbw", 64, "sum(abs(({x} >> 8 * j & 255) - ({y} >> 8 * j & 255)) for j in range(8))", _MUL, True


def _packed(width: int, to_signed: bool, bits: int) -> str:
    """Of each 128 bits first the lanes of ``{p}``, then those of ``{q}``, twice as wide and signed."""
    many, wide = 128 // width, 2 * width
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if to_signed else (0, (1 << width) - 1)
    source = f"({{p}} if k % {many} < {many // 2} else {{q}})"
    part = lane(source, wide, f"k // {many} * {many // 2} + k % {many // 2}")
    value = clamped(f"i{wide}({part})", low, high)
    return joined(width, bits // width, f"u{width}({value})" if to_signed else value)


def _interleaved(width: int, high: bool, bits: int) -> str:
    many = 128 // width
    place = f"k // {many} * {many} + k % {many} // 2" + (f" + {many // 2}" if high else "")
    return joined(width, bits // width, lane("({q} if k % 2 else {p})", width, place))


def _binary(bits: int) -> Iterator[tuple[str, str, str, bool]]:
    """Name without `v`, value over the vectors ``{p}`` and ``{q}``, latency, and whether SSE2 has it."""
    for name, width, value, latency, legacy in _lanes():
        yield name, lanewise(width, bits, value, x="{p}", y="{q}"), latency, legacy
    yield "pand", "{p} & {q}", _ALU, True
    yield "por", "{p} | {q}", _ALU, True
    yield "pxor", "{p} ^ {q}", _ALU, True
    yield "pandn", "~{p} & {q}", _ALU, True
    for pair, width in (("bw", 8), ("wd", 16), ("dq", 32), ("qdq", 64)):
        yield f"punpckl{pair}", _interleaved(width, False, bits), _ALU, True
        yield f"punpckh{pair}", _interleaved(width, True, bits), _ALU, True
    yield "packsswb", _packed(8, True, bits), _ALU, True
    yield "packssdw", _packed(16, True, bits), _ALU, True
    yield "packuswb", _packed(8, False, bits), _ALU, True
    yield "packusdw", _packed(16, False, bits), _ALU, False
    control = lane("{q}", 8)
    byte = lane("{p}", 8, f"k // 16 * 16 + ({control} & 15)")
    yield "pshufb", joined(8, bits // 8, f"0 if {control} >> 7 else {byte}"), _ALU, False


def _with_count(bits: int) -> Iterator[tuple[str, str]]:
    """Name without `v`, and value over the vector ``{p}`` and the immediate `i`."""
    for c, w in (("w", 16), ("d", 32), ("q", 64)):
        yield f"psll{c}", lanewise(w, bits, f"u{w}({{x}} << min(i, {w}))", x="{p}")
        yield f"psrl{c}", lanewise(w, bits, "{x} >> i", x="{p}")
        if c != "q":
            yield f"psra{c}", lanewise(w, bits, f"u{w}(i{w}({{x}}) >> i)", x="{p}")
    yield "pslldq", lanewise(128, bits, f"({{x}} << 8 * min(i, 16)) & {mask(128)}", x="{p}")
    yield "psrldq", lanewise(128, bits, "{x} >> 8 * i", x="{p}")


def _shuffles(bits: int) -> Iterator[tuple[str, str]]:
    yield "pshufd", joined(32, bits // 32, lane("{p}", 32, "k // 4 * 4 + (i >> 2 * (k % 4) & 3)"))
    low, high = "k // 8 * 8 + (i >> 2 * (k % 4) & 3)", "k // 8 * 8 + 4 + (i >> 2 * (k % 4) & 3)"
    yield "pshuflw", joined(16, bits // 16, lane("{p}", 16, f"{low} if k % 8 < 4 else k"))
    yield "pshufhw", joined(16, bits // 16, lane("{p}", 16, f"k if k % 8 < 4 else {high}"))


def _arithmetic(row: MakeRow) -> Iterator[Row]:
    for name, value, latency, legacy in _binary(128):
        if legacy:
            yield row(f"{name} {{d+:xmm}}, {{a:xmm}}", d=value.replace("{p}", "d").replace("{q}", "a"), size=(4, 5),
                      latency=latency)
    for name, value in _with_count(128):
        yield row(f"{name} {{d+:xmm}}, {{i:u8}}", d=value.replace("{p}", "d"), size=(5, 6), latency=_SHIFT)
    for name, value in _shuffles(128):
        yield row(f"{name} {{d:xmm}}, {{a:xmm}}, {{i:u8}}", d=value.replace("{p}", "a"), size=(5, 6))
    for r, bits in (("xmm", 128), ("ymm", 256)):
        vex = _vex(r)
        for name, value, latency, legacy in _binary(bits):
            yield row(f"v{name} {{d:{r}}}, {{a:{r}}}, {{b:{r}}}",
                      d=value.replace("{p}", "a").replace("{q}", "b"), latency=latency,
                      size=(4, 5) if legacy else (5, 5), **vex)
        for name, value in _with_count(bits):
            yield row(f"v{name} {{d:{r}}}, {{a:{r}}}, {{i:u8}}", d=value.replace("{p}", "a"), size=(5, 6),
                      latency=_SHIFT, **vex)
        for name, value in _shuffles(bits):
            yield row(f"v{name} {{d:{r}}}, {{a:{r}}}, {{i:u8}}", d=value.replace("{p}", "a"), size=(5, 6), **vex)
        for c, w in (("b", 8), ("w", 16), ("d", 32)):
            yield row(f"vpabs{c} {{d:{r}}}, {{a:{r}}}", d=lanewise(w, bits, f"abs(i{w}({{x}}))", x="a"), size=(5, 5),
                      **vex)
        both = f"({lane('a', 128)} << 128 | {lane('b', 128)}) >> 8 * i & {mask(128)}"
        yield row(f"vpalignr {{d:{r}}}, {{a:{r}}}, {{b:{r}}}, {{i:u8}}", d=joined(128, bits // 128, both),
                  size=(6, 6), **vex)
        yield row(f"vpblendvb {{d:{r}}}, {{a:{r}}}, {{b:{r}}}, {{c:{r}}}",
                  d=lanewise(8, bits, "{y} if {z} >> 7 else {x}", x="a", y="b", z="c"), size=(6, 6), **vex)
        yield row(f"vptest {{a:{r}}}, {{b:{r}}}", zf="(a & b) == 0", cf="(~a & b) == 0",
                  of="0", sf="0", pf="0", size=(5, 5), feature="avx2")


def _vex(r: str) -> dict[str, str]:
    """What all VEX-encoded rows with a destination of kind `r` have."""
    return {"feature": "avx2"} | ({"upper": "0"} if r == "xmm" else {})


def _widths(row: MakeRow) -> Iterator[Row]:
    """Between lanes of different widths, between vectors of different lengths, and to general registers."""
    for r, bits in (("xmm", 128), ("ymm", 256)):
        vex = _vex(r)
        for kind, cast in (("z", "{x}"), ("s", "u{w}(i{n}({x}))")):
            for pair, narrow, wide in (("bw", 8, 16), ("bd", 8, 32), ("bq", 8, 64), ("wd", 16, 32), ("wq", 16, 64),
                                       ("dq", 32, 64)):
                value = cast.format(x=lane("a", narrow), w=wide, n=narrow)
                yield row(f"vpmov{kind}x{pair} {{d:{r}}}, {{a:xmm}}", d=joined(wide, bits // wide, value),
                          size=(5, 5), **vex)
        for c, w in _WIDTHS.items():
            yield row(f"vpbroadcast{c} {{d:{r}}}, {{a:xmm}}", d=joined(w, bits // w, f"a & {mask(w)}"), size=(5, 5),
                      **vex)
        yield row(f"vpmovmskb {{d:r32}}, {{a:{r}}}", d=f"sum((a >> 8 * k + 7 & 1) << k for k in range({bits // 8}))",
                  size=(4, 5), latency="mul", feature="avx2")
        yield row(f"vmovdqa {{d:{r}}}, {{a:{r}}}", d="a", size=(4, 5), latency="move", **vex)
    yield row("vextracti128 {d:xmm}, {a:ymm}, {i:u8}", d=lane("a", 128, "i & 1"), size=(6, 6), **_vex("xmm"))
    yield row("vinserti128 {d:ymm}, {a:ymm}, {b:xmm}, {i:u8}", size=(6, 6), **_vex("ymm"),
              d=f"b << 128 | a & {mask(128)} if i & 1 else a >> 128 << 128 | b")
    yield row("vpermq {d:ymm}, {a:ymm}, {i:u8}", d=joined(64, 4, lane("a", 64, "i >> 2 * k & 3")), size=(6, 6),
              **_vex("ymm"))
    half = lane("(b if i >> 4 * k & 2 else a)", 128, "i >> 4 * k & 1")
    yield row("vperm2i128 {d:ymm}, {a:ymm}, {b:ymm}, {i:u8}", size=(6, 6), **_vex("ymm"),
              d=joined(128, 2, f"0 if i >> 4 * k & 8 else {half}"))
    yield row("vzeroupper", **{name: f"{name} & {mask(128)}" for name in REGISTERS}, size=(3, 3), feature="avx2")

    yield row("movdqa {d:xmm}, {a:xmm}", d="a", size=(4, 5), latency="move")
    yield row("pmovmskb {d:r32}, {a:xmm}", d="sum((a >> 8 * k + 7 & 1) << k for k in range(16))", size=(4, 5),
              latency="mul")
    for v, how in (("", {}), ("v", _vex("xmm"))):
        out = {"feature": "avx2"} if v else {}
        yield row(f"{v}movd {{d:xmm}}, {{a:r32}}", d="a", size=(4, 5), latency="move", **how)
        yield row(f"{v}movd {{d:r32}}, {{a:xmm}}", d="u32(a)", size=(4, 5), latency="move", **out)
        yield row(f"{v}movq {{d:xmm}}, {{a:r64}}", d="a", size=(5, 5), latency="move", **how)
        yield row(f"{v}movq {{d:r64}}, {{a:xmm}}", d="u64(a)", size=(5, 5), latency="move", **out)
        yield row(f"{v}movq {{d:xmm}}, {{a:xmm}}", d="u64(a)", size=(4, 5), latency="move", **how)
        yield row(f"{v}pextrw {{d:r32}}, {{a:xmm}}, {{i:u8}}", d=lane("a", 16, "i & 7"), size=(5, 6), latency="mul",
                  **out)
        inserted = f"{{p}} & ~({mask(16)} << 16 * (i & 7)) | u16({{q}}) << 16 * (i & 7)"
        if v:
            yield row("vpinsrw {d:xmm}, {a:xmm}, {b:r32}, {i:u8}", d=inserted.format(p="a", q="b"), size=(5, 6),
                      **how)
        else:
            yield row("pinsrw {d+:xmm}, {a:r32}, {i:u8}", d=inserted.format(p="d", q="a"), size=(5, 6))


def _memory(row: MakeRow, addresses: Addresses) -> Iterator[Row]:
    for text, address, least in addresses():
        plain = text.replace("{b:r64}", "r64").replace("{x:r64}", "r64").replace("{i:i32}", "i32")
        for name, r, word, bits, size in (
                ("movdqu", "xmm", "xmmword", 128, 4), ("movups", "xmm", "xmmword", 128, 3),
                ("movq", "xmm", "qword", 64, 4), ("movd", "xmm", "dword", 32, 4),
                ("vmovdqu", "xmm", "xmmword", 128, 4), ("vmovdqu", "ymm", "ymmword", 256, 4),
                ("vmovq", "xmm", "qword", 64, 4), ("vmovd", "xmm", "dword", 32, 4)):
            sizes = (size + least, size + 6)
            how = _vex(r) if name[0] == "v" else {}
            out = {"feature": "avx2"} if name[0] == "v" else {}
            low = "a" if bits >= 128 else f"u{bits}(a)"
            yield row(f"{name} {{d:{r}}}, {word} ptr {text}", form=f"{name} {r}, {plain}", size=sizes,
                      d=f"load({address}, {bits // 8})", latency="load", **how)
            yield row(f"{name} {word} ptr {text}, {{a:{r}}}", form=f"{name} {plain}, {r}", size=sizes,
                      memory=f"store({address}, {bits // 8}, {low})", latency="store", **out)


def rows(row: MakeRow, addresses: Addresses) -> Iterator[Row]:
    """All rows; `row` makes one, `addresses` gives the ways to address memory."""
    yield from _arithmetic(row)
    yield from _widths(row)
    yield from _memory(row, addresses)
