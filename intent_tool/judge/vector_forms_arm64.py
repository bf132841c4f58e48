"""The forms of ARM64's vector instructions that the judge accepts, as forms_arm64.py writes them.

``v.16b`` and its like are vector registers with their arrangement, ``v.b[i]`` one lane, ``b h s d q`` the low bits
of a vector register.
"""

from __future__ import annotations

from collections.abc import Iterator

WIDTHS = {"b": 8, "h": 16, "s": 32, "d": 64, "q": 128}
ARRANGEMENTS = ("8b", "16b", "4h", "8h", "2s", "4s", "2d")
_BYTES = ARRANGEMENTS[:2]
_UP_TO_WORDS = ARRANGEMENTS[:6]


def lane_width(arrangement: str) -> int:
    """Of ``16b`` 8."""
    return WIDTHS[arrangement[-1]]


def size(arrangement: str) -> int:
    """Bits of all lanes."""
    return int(arrangement[:-1]) * lane_width(arrangement)


def wider(arrangement: str) -> str:
    """Lanes twice as wide in as many bits: ``8h`` of ``16b``."""
    return f"{int(arrangement[:-1]) // 2}{'bhsd'['bhs'.index(arrangement[-1]) + 1]}"


def widened(arrangement: str) -> str:
    """As many lanes twice as wide: ``8h`` of ``8b``."""
    return f"{arrangement[:-1]}{'bhsd'['bhs'.index(arrangement[-1]) + 1]}"


SAME = {
    **dict.fromkeys(("add", "sub", "cmeq", "cmhi", "cmhs", "cmgt", "cmge", "cmtst", "uqadd", "sqadd", "uqsub",
                     "sqsub", "addp"), ARRANGEMENTS),
    **dict.fromkeys(("mul", "mla", "mls", "umin", "umax", "smin", "smax", "uminp", "umaxp", "sminp", "smaxp",
                     "urhadd", "srhadd", "uhadd", "shadd", "uabd", "sabd"), _UP_TO_WORDS),
    **dict.fromkeys(("and", "orr", "eor", "bic", "orn", "bsl", "bit", "bif"), _BYTES),
    **dict.fromkeys(("zip1", "zip2", "uzp1", "uzp2", "trn1", "trn2"), ARRANGEMENTS),
}
"""Of two sources, all of one arrangement, and their destination."""
ONE = {
    **dict.fromkeys(("abs", "neg"), ARRANGEMENTS), **dict.fromkeys(("mvn", "mov", "cnt", "rbit", "rev16"), _BYTES),
    "rev32": ARRANGEMENTS[:4], "rev64": _UP_TO_WORDS, "clz": _UP_TO_WORDS, "cls": _UP_TO_WORDS,
}
ZERO_COMPARES = ("cmeq", "cmgt", "cmge", "cmlt", "cmle")
SHIFTS = ("shl", "ushr", "sshr", "usra", "ssra", "sri", "sli")
LONG = ("umull", "smull", "umlal", "smlal", "uaddl", "saddl", "usubl", "ssubl", "uabdl", "sabdl", "uabal", "sabal")
WIDE = ("uaddw", "saddw", "usubw", "ssubw")
NARROW = ("xtn", "uqxtn", "sqxtn", "sqxtun")
PAIRWISE_LONG = ("uaddlp", "saddlp", "uadalp", "sadalp")
ACROSS = ("addv", "umaxv", "uminv", "smaxv", "sminv")
ACROSS_LONG = ("uaddlv", "saddlv")
_ACROSS_ARRANGEMENTS = ("8b", "16b", "4h", "8h", "4s")
HALVES = (("8b", ""), ("16b", "2"), ("4h", ""), ("8h", "2"), ("2s", ""), ("4s", "2"))
"""The narrow side of instructions that widen or narrow, and the suffix for its upper half."""
SINGLES = ("b", "h", "s", "d", "q")
MEMORY = {
    **{f"{name} {r}, {address}": r for name in ("ldr", "str") for r in SINGLES
       for address in ("[x]", "[x, i]", "[x, i]!", "[x], i", "[x, x]", "[x, w, uxtw]", "[x, w, sxtw]",
                       *(("[x, x, lsl]",) if r != "b" else ()))},
    **{f"{name} {r}, {address}": r for name in ("ldur", "stur") for r in SINGLES for address in ("[x]", "[x, i]")},
}
"""Loads and stores of one register, with what it is."""
PAIRS = {f"{name} {r}, {r}, {address}": r for name in ("ldp", "stp") for r in ("s", "d", "q")
         for address in ("[x]", "[x, i]", "[x, i]!", "[x], i")}
STRUCTURES = {f"{name} {{{', '.join(['v.16b'] * count)}}}, {address}": count for name in ("ld1", "st1")
              for count in (1, 2, 3, 4) for address in ("[x]", "[x], i")}
"""Loads and stores of several registers, one behind the other."""


def _lanewise() -> Iterator[str]:
    for name, arrangements in SAME.items():
        yield from (f"{name} v.{a}, v.{a}, v.{a}" for a in arrangements)
    for name, arrangements in ONE.items():
        yield from (f"{name} v.{a}, v.{a}" for a in arrangements)
    for a in ARRANGEMENTS:
        yield from (f"{name} v.{a}, v.{a}, i" for name in (*ZERO_COMPARES, *SHIFTS))
    yield from (f"{name} d, d, d" for name in ("add", "sub", "cmeq"))
    yield from (f"{name} d, d, i" for name in ("shl", "ushr", "sshr"))
    yield from (f"ext v.{a}, v.{a}, v.{a}, i" for a in _BYTES)
    yield from (f"tbl v.{a}, {{v.16b}}, v.{a}" for a in _BYTES)


def _widening() -> Iterator[str]:
    for a, suffix in HALVES:
        wide = widened(a) if not suffix else wider(a)
        yield from (f"{name}{suffix} v.{wide}, v.{a}, v.{a}" for name in LONG)
        yield from (f"{name}{suffix} v.{wide}, v.{wide}, v.{a}" for name in WIDE)
        yield from (f"{name}{suffix} v.{wide}, v.{a}, i" for name in ("ushll", "sshll"))
        yield from (f"{name}{suffix} v.{a}, v.{wide}" for name in NARROW)
        yield f"shrn{suffix} v.{a}, v.{wide}, i"
        yield from (f"{name} v.{wider(a) if a != '2s' else '1d'}, v.{a}" for name in PAIRWISE_LONG)
    yield "addp d, v.2d"
    for a in _ACROSS_ARRANGEMENTS:
        yield from (f"{name} {a[-1]}, v.{a}" for name in ACROSS)
        yield from (f"{name} {'bhsd'['bhs'.index(a[-1]) + 1]}, v.{a}" for name in ACROSS_LONG)


def _moves() -> Iterator[str]:
    for a in ARRANGEMENTS:
        yield f"dup v.{a}, {'x' if a == '2d' else 'w'}"
        yield f"dup v.{a}, v.{a[-1]}[i]"
    for r in "bhsd":
        yield f"mov {r}, v.{r}[i]"
        yield f"mov v.{r}[i], {'x' if r == 'd' else 'w'}"
        yield f"mov v.{r}[i], v.{r}[i]"
    yield from ("umov w, v.b[i]", "umov w, v.h[i]", "mov w, v.s[i]", "mov x, v.d[i]")
    yield from ("smov w, v.b[i]", "smov w, v.h[i]", "smov x, v.b[i]", "smov x, v.h[i]", "smov x, v.s[i]")
    yield from ("fmov d, x", "fmov x, d", "fmov s, w", "fmov w, s", "fmov d, d", "fmov s, s", "fmov x, v.d[i]",
                "fmov v.d[i], x")
    yield from ("movi v.8b, i", "movi v.16b, i", "movi d, i", "movi v.2d, i")
    yield from (f"{name} v.{a}, i{shift}" for name in ("movi", "mvni") for a in ("4h", "8h", "2s", "4s")
                for shift in ("", ", lsl"))


FORMS = frozenset([*_lanewise(), *_widening(), *_moves(), *MEMORY, *PAIRS, *STRUCTURES])
