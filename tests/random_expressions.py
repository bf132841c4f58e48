"""Random expressions of the language as text, and what Python itself says they are."""

from __future__ import annotations

from functools import reduce
from typing import Any

from hypothesis import strategies as st

SCALARS = ("a", "b", "c")
SIGNATURE = "int64_t f(uint8_t a, int32_t b, uint64_t c, const int16_t d[n], size_t n)"


def wrap(x: int, width: int, signed: bool) -> int:
    x %= 1 << width
    return x - (1 << width) if signed and x >= 1 << (width - 1) else x


def digits(x: int, width: int) -> str:
    """The binary digits of a value that must fit `width`."""
    text = bin(x)[2:]
    if x < 0 or (len(text) > width and x):
        raise ValueError("does not fit")
    return text.rjust(width, "0")


PYTHON: dict[str, Any] = {
    "reduce": reduce, "popcount": lambda x: digits(x, 10**6 if x < 0 else max(1, x.bit_length())).count("1"),
    "parity": lambda x: digits(x, max(1, x.bit_length())).count("1") % 2,
    "clz": lambda x, w: len(digits(x, w)) - len(digits(x, w).lstrip("0")),
    "ctz": lambda x, w: len(digits(x, w)) - len(digits(x, w).rstrip("0")),
    "bitrev": lambda x, w: int(digits(x, w)[::-1], 2),
    "bswap": lambda x, n: sum(int(digits(x, 8 * n)[8 * i:8 * i + 8], 2) << 8 * i for i in range(n)),
    "rotl": lambda x, n, w: int(digits(x, w)[n % w:] + digits(x, w)[:n % w], 2),
    "rotr": lambda x, n, w: int(digits(x, w)[-n % w:] + digits(x, w)[:-n % w], 2),
    "bits": lambda x, high, low: (x >> low) % (1 << (high - low + 1)),
    **{f"{'ui'[s]}{w}": (lambda x, w=w, s=s: wrap(x, w, s)) for w in (8, 16, 32, 64) for s in (False, True)},
}
"""The language's own functions, written independently of it."""


def texts(names: tuple[str, ...], depth: int) -> st.SearchStrategy[str]:
    """Expressions whose value is an integer; `names` are integer variables."""
    atoms = st.one_of(st.sampled_from(names), st.integers(-300, 300).map(lambda v: f"({v})" if v < 0 else str(v)),
                      st.sampled_from(["0", "1", "True", "0xFFFF", "len(d)", "n", "1 << 31", "2**63"]))
    if depth == 0:
        return atoms.map(lambda s: f"({s})")
    inner = texts(names, depth - 1)
    sequence = sequences(names, depth - 1)
    with_x = texts((*names, "x"), depth - 1) if "x" not in names else inner
    return st.one_of(
        atoms,
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "&", "|", "^"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["<<", ">>"]), st.sampled_from(["a", "1", "5", "(b & 31)", "n"])).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"({t[0]} ** {t[1]})"),
        st.tuples(st.sampled_from(["-", "~", "+", "not "]), inner).map(lambda t: f"({t[0]}{t[1]})"),
        st.tuples(inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner,
                  st.sampled_from(["<", "==", "!="]), inner).map(lambda t: f"({' '.join(t)})"),
        st.tuples(inner, st.sampled_from(["in", "not in"]), sequence).map(lambda t: f"({' '.join(t)})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(st.sampled_from(["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "abs", "popcount",
                                   "parity"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(st.sampled_from(["clz", "ctz", "bitrev"]), inner, st.sampled_from([8, 13, 32, 64])).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(st.sampled_from(["rotl", "rotr"]), inner, inner, st.sampled_from([8, 13, 32, 64])).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]}, {t[3]})"),
        st.tuples(inner, st.sampled_from([1, 2, 3, 4, 8])).map(lambda t: f"bswap({t[0]}, {t[1]})"),
        st.tuples(inner, st.integers(0, 20), st.integers(0, 20)).map(
            lambda t: f"bits({t[0]}, {t[1] + t[2]}, {t[1]})"),
        st.tuples(st.sampled_from(["sum", "any", "all", "min", "max", "len"]), sequence).map(
            lambda t: f"{t[0]}({t[1]})"),
        st.tuples(sequence, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"divmod({t[0]}, {t[1]})[1]"),
        st.tuples(inner, st.integers(0, 9), st.integers(1, 99)).map(lambda t: f"pow({t[0]}, {t[1]}, {t[2]})"),
        st.tuples(with_x, sequence, with_x, inner).map(
            lambda t: f"next(({t[0]} for x in {t[1]} if {t[2]}), {t[3]})"),
        st.tuples(texts((*names, "s", "x") if "s" not in names else names, depth - 1), sequence, inner).map(
            lambda t: f"reduce(lambda s, x: bits({t[0]}, 40, 0), {t[1]}, {t[2]})" if "s" not in names else t[2]),
    )


def sequences(names: tuple[str, ...], depth: int) -> st.SearchStrategy[str]:
    """Expressions whose value is a list of integers."""
    if depth <= 0:
        return st.sampled_from(["d", "[a, b, 3]", "list(range(a & 7))"])
    inner = texts(names, depth - 1)
    with_x = texts((*names, "x"), depth - 1) if "x" not in names else inner
    return st.one_of(
        st.sampled_from(["d", "[a, b, c]", "list(range(3))"]),
        st.lists(inner, min_size=0, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(sequences(names, depth - 1), inner, inner).map(lambda t: f"{t[0]}[{t[1]}:{t[2]}]"),
        st.tuples(with_x, sequences(names, depth - 1), with_x).map(lambda t: f"[{t[0]} for x in {t[1]} if {t[2]}]"),
        st.tuples(with_x, sequences(names, depth - 1)).map(lambda t: f"[{t[0]} for x, _ in zip({t[1]}, d)]"),
        st.tuples(with_x, sequences(names, depth - 1)).map(lambda t: f"[{t[0]} for _, x in enumerate({t[1]})]"),
        st.tuples(st.sampled_from(["sorted", "reversed"]), sequences(names, depth - 1)).map(
            lambda t: f"list({t[0]}({t[1]}))"),
        st.tuples(sequences(names, depth - 1), sequences(names, depth - 1)).map(lambda t: f"({t[0]} + {t[1]})"),
    )
