"""The names that the language itself takes: built-in functions with their arity, casts, and words kept from users."""

from __future__ import annotations

import keyword

CASTS = {name: (int(name[1:]), name[0] == "i") for name in ("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64")}
"""Cast to width in bits and signedness."""

BUILTINS: dict[str, tuple[int, int | None]] = {
    "min": (1, None), "max": (1, None), "abs": (1, 1), "sum": (1, 2), "any": (1, 1), "all": (1, 1), "len": (1, 1),
    "range": (1, 3), "enumerate": (1, 2), "zip": (1, None), "reversed": (1, 1), "sorted": (1, 1), "divmod": (2, 2),
    "pow": (3, 3), "reduce": (3, 3), "bytes": (1, 1), "next": (2, 2), "ord": (1, 1), "int": (1, 1),
    "popcount": (1, 1), "clz": (2, 2), "ctz": (2, 2), "bswap": (2, 2), "bitrev": (2, 2), "rotl": (3, 3),
    "rotr": (3, 3), "bits": (3, 3), "parity": (1, 1), **{name: (1, 1) for name in CASTS},
}
"""Fewest and most arguments (None: any number)."""

USAGE = {
    "abs": "abs(x)", "len": "len(data)", "divmod": "divmod(a, b)", "pow": "pow(base, exponent, modulus)",
    "reduce": "reduce(function, sequence, initial)", "next": "next((x for x in data if x > 0), default)",
    "clz": "clz(x, width)", "ctz": "ctz(x, width)", "bswap": "bswap(x, bytes)", "bitrev": "bitrev(x, width)",
    "rotl": "rotl(x, count, width)", "rotr": "rotr(x, count, width)", "bits": "bits(x, high, low)",
}
"""How to call those whose arguments are easily forgotten."""

WIDTH_ARGUMENT = {"clz": (1, 64), "ctz": (1, 64), "bitrev": (1, 64), "rotl": (2, 64), "rotr": (2, 64),
                  "bswap": (1, 8)}
"""Which argument is a constant width, and its greatest value (bits; bytes for `bswap`)."""

PASSED_BY_NAME = frozenset({"min", "max"})
"""Built-ins that may be given to `reduce` without a lambda."""

LITERALS = frozenset({"True", "False"})
RESERVED = frozenset(BUILTINS) | {"aliased", "result", "True", "False", "None"}
"""Names that no parameter, definition, variable or function may have."""

C_WORDS = frozenset("""
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    alignas alignof asm atomic_cancel atomic_commit atomic_noexcept bool catch char8_t char16_t char32_t class
    co_await co_return co_yield compl concept consteval constexpr constinit const_cast decltype delete dynamic_cast
    explicit export false friend mutable namespace new noexcept nullptr operator private protected public
    reinterpret_cast requires static_assert static_cast synchronized template this thread_local throw true try typeid
    typename typeof typeof_unqual using virtual wchar_t and and_eq bitand bitor not not_eq or or_eq xor xor_eq
    stdin stdout stderr errno NULL main linux unix i386
    int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t ssize_t ptrdiff_t intptr_t uintptr_t
    intmax_t uintmax_t
""".split())  # noqa: SIM905
"""Words that may not name anything in a header for C99 and C++23: keywords, and names their headers define."""


def name_problem(name: str) -> str | None:
    """Why `name` cannot be given to a parameter, function, definition or variable; None when it can."""
    if not name.isascii() or not name.isidentifier():
        return f"`{name}` is not a name of ASCII letters, digits and `_`"
    if name in RESERVED:
        return f"`{name}` is a word of the intent language"
    if keyword.iskeyword(name):
        return f"`{name}` is a keyword of Python, and so of contracts"
    if name.startswith("_") and name != "_":
        return f"`{name}` starts with `_`"
    if len(name) > 100:
        return "a name of more than 100 characters"
    return None
