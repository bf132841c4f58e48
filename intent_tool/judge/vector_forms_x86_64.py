"""The forms of x86-64's vector instructions that the judge accepts, as forms_x86_64.py writes them.

``r128 r256`` are xmm and ymm registers. SSE2 instructions other than moves fault on memory that is not aligned, so
their memory operands are left out; those of VEX instructions do not.
"""

from __future__ import annotations

from collections.abc import Iterator

_SSE2_BINARY = """
    paddb paddw paddd paddq psubb psubw psubd psubq paddusb paddusw psubusb psubusw paddsb paddsw psubsb psubsw
    pavgb pavgw pminub pmaxub pminsw pmaxsw pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pand pandn por pxor
    pmullw pmulhw pmulhuw pmuludq pmaddwd psadbw packsswb packssdw packuswb punpcklbw punpcklwd punpckldq
    punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq
"""
_AVX2_BINARY = """
    pshufb pmaddubsw pmuldq pcmpeqq pcmpgtq packusdw pminsb pminsd pminuw pminud pmaxsb
    pmaxsd pmaxuw pmaxud pmulld
"""
SHIFTS = ("psllw", "psrlw", "psraw", "pslld", "psrld", "psrad", "psllq", "psrlq", "pslldq", "psrldq")
SHUFFLES = ("pshufd", "pshuflw", "pshufhw")
MOVES = ("movdqu", "movups")
WIDENING = {f"pmov{kind}x{pair}": ratio for kind in "sz" for pair, ratio in (
    ("bw", 2), ("bd", 4), ("bq", 8), ("wd", 2), ("wq", 4), ("dq", 2))}
"""How many times narrower the source's lanes are."""
BROADCASTS = {"pbroadcastb": 8, "pbroadcastw": 16, "pbroadcastd": 32, "pbroadcastq": 64}
_GENERAL_MOVES = ("movd r128, r32", "movd r32, r128", "movd r128, m32", "movd m32, r128", "movq r128, r64",
                  "movq r64, r128", "movq r128, m64", "movq m64, r128", "movq r128, r128")


def _legacy() -> Iterator[str]:
    yield from (f"{name} r128, r128" for name in (*_SSE2_BINARY.split(), *MOVES, "movdqa", "movaps"))
    yield from (f"{name} {both}" for name in MOVES for both in ("r128, m128", "m128, r128"))
    yield from (f"{name} r128, i" for name in SHIFTS)
    yield from (f"{name} r128, r128, i" for name in SHUFFLES)
    yield from _GENERAL_MOVES
    yield from ("pmovmskb r32, r128", "pextrw r32, r128, i", "pinsrw r128, r32, i", "pinsrw r128, m16, i")


def _vex() -> Iterator[str]:
    for r, m, half in (("r128", "m128", 64), ("r256", "m256", 128)):
        for source in (r, m):
            yield from (f"v{name} {r}, {r}, {source}" for name in (_SSE2_BINARY + _AVX2_BINARY).split())
            yield from (f"v{name} {r}, {source}" for name in MOVES)
            yield from (f"v{name} {r}, {source}" for name in ("pabsb", "pabsw", "pabsd"))
            yield from (f"v{name} {r}, {source}, i" for name in SHUFFLES)
            yield f"vptest {r}, {source}"
            yield f"vpalignr {r}, {r}, {source}, i"
            yield f"vpblendvb {r}, {r}, {source}, {r}"
        yield from (f"v{name} {m}, {r}" for name in MOVES)
        yield from (f"v{name} {r}, {r}" for name in ("movdqa", "movaps"))
        yield from (f"v{name} {r}, {r}, i" for name in SHIFTS)
        yield f"vpmovmskb r32, {r}"
        for name, ratio in WIDENING.items():
            yield f"v{name} {r}, r128"
            yield f"v{name} {r}, m{2 * half // ratio}"
        yield from (f"v{name} {r}, {source}" for name, width in BROADCASTS.items()
                    for source in ("r128", f"m{width}"))
    yield from ("v" + form for form in _GENERAL_MOVES)
    yield from ("vpextrw r32, r128, i", "vpinsrw r128, r128, r32, i", "vpinsrw r128, r128, m16, i")
    yield from ("vextracti128 r128, r256, i", "vextracti128 m128, r256, i", "vbroadcasti128 r256, m128")
    for source in ("r128", "m128"):
        yield f"vinserti128 r256, r256, {source}, i"
    for source in ("r256", "m256"):
        yield f"vpermq r256, {source}, i"
        yield f"vperm2i128 r256, r256, {source}, i"
    yield "vzeroupper"


FORMS = frozenset([*_legacy(), *_vex()])
