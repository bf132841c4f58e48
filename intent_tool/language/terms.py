"""Contracts as a graph of integer operations: all names resolved, every definition inlined, ranges known.

A `Term` is an unbounded integer with an interval that surely holds it wherever the contract asks for it. Equal
terms are one object, so the graph shares what the contract repeats. Conditions are terms of range 0..1.

=============  ===================================================================================
op             arguments and `data`
=============  ===================================================================================
const          `data` is the value
param          `data` is the parameter's name
var            `data` is a number; bound by a `loop` (or by a write of many elements)
add sub mul    two terms
floordiv mod   two terms, Python's rounding towards minus infinity; the divisor is not zero
and or xor     two terms, two's complement of unbounded width
shl shr        value, count >= 0
inv            ``~x``
eq ne lt le    two terms; 0 or 1
ite            condition, then, otherwise; an arm has a meaning only where it is chosen
min max abs    two terms, two terms, one term
wrap           one term; `data` is (bits, signed): the value modulo 2**bits in that type's range
popcount parity clz ctz bitrev bswap rotl rotr
               the bit vocabulary; `data` is the width in bits (0 where it has none)
assume         the same value, with a narrower interval that holds wherever this term is used
load           index; `data` is the buffer's name. Content as on entry.
table          index; `data` is a tuple of integers
loop           count, then initial states; `data` is a `Loop`. Not a number: its results are `state` terms
state          a loop; `data` is the number of the state whose final value this is
=============  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from intent_tool.language.diagnostics import Span

UNBOUNDED = 1 << 4096
"""Stands for no bound at all; no contract that fits C's types computes with numbers of this size."""


class Term:
    """One node; made by `Terms` only, compared by identity."""

    __slots__ = ("args", "bare", "data", "hi", "id", "lo", "op")

    def __init__(self, id: int, op: str, args: tuple[Term, ...], data: Any, lo: int, hi: int) -> None:
        self.id, self.op, self.args, self.data, self.lo, self.hi = id, op, args, data, lo, hi
        self.bare: Term = self
        """The same value without any `assume`; facts are kept about bare terms."""

    def __repr__(self) -> str:
        if self.op == "const":
            return str(self.data)
        if self.op in ("param", "var"):
            return str(self.data) if self.op == "param" else f"v{self.data}"
        inner = ", ".join(map(repr, self.args)) + ("" if self.data is None else f"; {self.data}")
        return f"{self.op}({inner})"

    @property
    def is_const(self) -> bool:
        return self.lo == self.hi


@dataclass(frozen=True, eq=False)
class Loop:
    """A fold: `states` start with the initial values; `next` gives them for the following round.

    `index` counts rounds from 0. `span` is where the contract wrote the fold."""

    index: Term
    states: tuple[Term, ...]
    next: tuple[Term, ...]
    span: Span


def bit_width(lo: int, hi: int) -> int:
    """Bits of the smallest two's-complement (if lo < 0) or unsigned type that holds lo..hi; at least 1."""
    if lo < 0:
        return max((~lo).bit_length(), hi.bit_length() if hi > 0 else 0) + 1
    return max(1, hi.bit_length())


class Terms:
    """Makes terms: shares equal ones, folds constants, applies identities that hold for all integers."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Term] = {}
        self.count = 0
        self._variables = 0

    def _make(self, op: str, args: tuple[Term, ...], data: Any, lo: int, hi: int) -> Term:
        lo, hi = max(lo, -UNBOUNDED), min(hi, UNBOUNDED)
        key = (op, tuple(a.id for a in args), data if op != "loop" else id(data), lo, hi)
        known = self._known.get(key)
        if known is not None:
            return known
        term = Term(self.count, op, args, data, lo, hi)
        self.count += 1
        self._known[key] = term
        if op == "assume":
            term.bare = args[0].bare
        elif any(a.bare is not a for a in args):
            term.bare = self._rebuild(op, tuple(a.bare for a in args), data, lo, hi)
        return term

    def _rebuild(self, op: str, args: tuple[Term, ...], data: Any, lo: int, hi: int) -> Term:
        if op in _FOLD:
            return self.binary(op, args[0], args[1])
        if op == "inv":
            return self.inv(args[0])
        if op == "ite":
            return self.ite(*args)
        if op == "abs":
            return self.abs(args[0])
        if op == "wrap":
            return self.wrap(args[0], *data)
        if op in ("table", "load", "loop"):
            return self._make(op, args, data, lo, hi)
        if op == "state":
            return self._make(op, args, data, -UNBOUNDED, UNBOUNDED)
        return self.bits(op, data, *args)

    def remake(self, term: Term, args: tuple[Term, ...], data: Any) -> Term:
        """The operation of `term` on other operands. Where these make it meaningless, as in an arm that is never
        chosen, any number will do."""
        op = term.op
        if op == "assume":
            return self.assume(args[0], term.lo, term.hi)
        if op in ("load", "loop", "state"):
            return self._make(op, args, data, term.lo, term.hi)
        if op == "table":
            index = args[0]
            return self.const(0) if index.op == "const" and not 0 <= index.data < len(data) else \
                self.table(data, index)
        if op in ("shl", "shr") and args[1].op == "const" and args[1].data < 0:
            return self.const(0)
        try:
            return self._rebuild(op, args, data, term.lo, term.hi)
        except (ValueError, OverflowError):
            return self.const(0)

    # Leaves

    def const(self, value: int) -> Term:
        return self._make("const", (), value, value, value)

    def param(self, name: str, lo: int, hi: int) -> Term:
        return self._make("param", (), name, lo, hi)

    def var(self, lo: int, hi: int) -> Term:
        self._variables += 1
        return self._make("var", (), self._variables, lo, hi)

    def assume(self, term: Term, lo: int, hi: int) -> Term:
        """`term` where it is known to lie in lo..hi. An empty interval means that the place is never reached."""
        lo, hi = max(lo, term.lo), min(hi, term.hi)
        if lo > hi or (lo, hi) == (term.lo, term.hi) or term.op == "const":
            return term
        if lo == hi:
            return self.const(lo)
        return self._make("assume", (term.args[0] if term.op == "assume" else term,), None, lo, hi)

    # Operators

    def binary(self, op: str, a: Term, b: Term) -> Term:
        """Any two-operand operator of the table above."""
        if a.op == "const" and b.op == "const" and not (op in ("floordiv", "mod") and b.data == 0) \
                and not (op in ("shl", "shr") and not 0 <= b.data <= 8192):
            return self.const(_FOLD[op](a.data, b.data))
        simpler: Term | None = getattr(self, "_" + op)(a, b)
        if simpler is not None:
            return simpler
        if op in _COMMUTATIVE and b.op != "const" and (a.op == "const" or b.id < a.id):
            a, b = b, a
        lo, hi = _bounds(op, a, b)
        if lo == hi:
            return self.const(lo)
        return self._make(op, (a, b), None, lo, hi)

    def _add(self, a: Term, b: Term) -> Term | None:
        if a.op == "const":
            a, b = b, a
        if b.op == "const":
            if b.data == 0:
                return a
            if a.op == "add" and a.args[1].op == "const":
                return self.binary("add", a.args[0], self.const(a.args[1].data + b.data))
            if a.op == "sub" and a.args[0].op == "const":
                return self.binary("sub", self.const(a.args[0].data + b.data), a.args[1])
        return None

    def _sub(self, a: Term, b: Term) -> Term | None:
        if a.bare is b.bare:
            return self.const(0)
        if b.op == "const":
            return self.binary("add", a, self.const(-b.data))
        if a.op == "add" and a.args[0].bare is b.bare:
            return a.args[1]
        if a.op == "add" and a.args[1].bare is b.bare:
            return a.args[0]
        return None

    def _mul(self, a: Term, b: Term) -> Term | None:
        if a.op == "const":
            a, b = b, a
        if b.op == "const":
            if b.data == 0:
                return b
            if b.data == 1:
                return a
            if b.data == -1:
                return self.binary("sub", self.const(0), a)
        return None

    def _floordiv(self, a: Term, b: Term) -> Term | None:
        if b.op == "const" and b.data > 0:
            if b.data & (b.data - 1) == 0:
                return self.binary("shr", a, self.const(b.data.bit_length() - 1))
            if a.op == "floordiv" and a.args[1].op == "const" and a.args[1].data > 0:
                return self.binary("floordiv", a.args[0], self.const(a.args[1].data * b.data))
        if b.op == "const" and b.data == -1:
            return self.binary("sub", self.const(0), a)
        return None

    def _mod(self, a: Term, b: Term) -> Term | None:
        if b.op == "const" and b.data > 0:
            if b.data & (b.data - 1) == 0:
                return self.binary("and", a, self.const(b.data - 1))
            if a.lo >= 0 and a.hi < b.data:
                return a
        return None

    def _and(self, a: Term, b: Term) -> Term | None:
        if a.op == "const":
            a, b = b, a
        if a.bare is b.bare:
            return a
        if b.op == "const":
            if b.data == 0:
                return b
            if b.data == -1:
                return a
            # A mask of ones that covers the whole interval changes nothing.
            if a.lo >= 0 and b.data > 0 and b.data & (b.data + 1) == 0 and a.hi <= b.data:
                return a
            if a.op == "and" and a.args[1].op == "const":
                return self.binary("and", a.args[0], self.const(a.args[1].data & b.data))
            if a.op == "wrap" and not a.data[1] and 0 <= b.data < 1 << a.data[0]:
                return self.binary("and", a.args[0], b)
        return None

    def _or(self, a: Term, b: Term) -> Term | None:
        if a.op == "const":
            a, b = b, a
        if a.bare is b.bare or (b.op == "const" and b.data == 0):
            return a
        return None

    def _xor(self, a: Term, b: Term) -> Term | None:
        if a.op == "const":
            a, b = b, a
        if a.bare is b.bare:
            return self.const(0)
        if b.op == "const":
            if b.data == 0:
                return a
            if b.data == -1:
                return self.inv(a)
            if a.op == "xor" and a.args[1].op == "const":
                return self.binary("xor", a.args[0], self.const(a.args[1].data ^ b.data))
            if b.data == 1 and a.lo >= 0 and a.hi <= 1:
                return self.negate(a)
        return None

    def _shl(self, a: Term, b: Term) -> Term | None:
        if b.op == "const":
            if b.data == 0:
                return a
            if a.op == "shl" and a.args[1].op == "const":
                return self.binary("shl", a.args[0], self.const(a.args[1].data + b.data))
        return a if a.op == "const" and a.data == 0 else None

    def _shr(self, a: Term, b: Term) -> Term | None:
        if b.op == "const":
            if b.data == 0:
                return a
            if a.op == "shr" and a.args[1].op == "const":
                return self.binary("shr", a.args[0], self.const(a.args[1].data + b.data))
            if a.op == "shl" and a.args[1].op == "const" and a.args[1].data >= b.data >= 0:
                return self.binary("shl", a.args[0], self.const(a.args[1].data - b.data))
        return a if a.op == "const" and a.data in (0, -1) else None

    def _eq(self, a: Term, b: Term) -> Term | None:
        if a.bare is b.bare:
            return self.const(1)
        if a.hi < b.lo or b.hi < a.lo:
            return self.const(0)
        if a.op == "const":
            a, b = b, a
        if b.op == "const" and a.lo >= 0 and a.hi <= 1:
            return a if b.data == 1 else self.negate(a)
        return None

    def _ne(self, a: Term, b: Term) -> Term | None:
        if a.op == "const":
            a, b = b, a
        if b.op == "const" and b.data in (0, 1) and a.lo >= 0 and a.hi <= 1:
            return a if b.data == 0 else self.negate(a)
        same = self._eq(a, b)
        return self.negate(same) if same is not None else None

    def _lt(self, a: Term, b: Term) -> Term | None:
        if a.hi < b.lo:
            return self.const(1)
        return self.const(0) if a.lo >= b.hi or a.bare is b.bare else None

    def _le(self, a: Term, b: Term) -> Term | None:
        if a.hi <= b.lo or a.bare is b.bare:
            return self.const(1)
        return self.const(0) if a.lo > b.hi else None

    def _min(self, a: Term, b: Term) -> Term | None:
        return a if a.hi <= b.lo or a is b else b if b.hi <= a.lo else None

    def _max(self, a: Term, b: Term) -> Term | None:
        return a if a.lo >= b.hi or a is b else b if b.lo >= a.hi else None

    def inv(self, a: Term) -> Term:
        if a.op == "const":
            return self.const(~a.data)
        if a.op == "inv":
            return a.args[0]
        return self._make("inv", (a,), None, ~a.hi, ~a.lo)

    def abs(self, a: Term) -> Term:
        if a.lo >= 0:
            return a
        if a.hi <= 0:
            return self.binary("sub", self.const(0), a)
        return self._make("abs", (a,), None, 0, max(-a.lo, a.hi))

    def negate(self, condition: Term) -> Term:
        """Logical not of a condition."""
        if condition.op == "const":
            return self.const(1 - condition.data)
        if condition.op in ("eq", "ne"):
            return self._make("ne" if condition.op == "eq" else "eq", condition.args, None, 0, 1)
        if condition.op in ("lt", "le"):
            a, b = condition.args
            return self._make("le" if condition.op == "lt" else "lt", (b, a), None, 0, 1)
        return self.ite(condition, self.const(0), self.const(1))

    def truth(self, a: Term) -> Term:
        """`a` as a condition: 1 where it is not zero."""
        return a if a.lo >= 0 and a.hi <= 1 else self.binary("ne", a, self.const(0))

    def ite(self, condition: Term, then: Term, otherwise: Term) -> Term:
        if condition.op == "const":
            return then if condition.data else otherwise
        if then is otherwise:
            return then
        if condition.op == "ite" and condition.args[1:] == (self.const(0), self.const(1)):
            return self.ite(condition.args[0], otherwise, then)
        if then.op == "const" and otherwise.op == "const" and (then.data, otherwise.data) == (1, 0):
            return condition
        # The same value at two of three places: one choice with a longer condition, so that the value stands once.
        if then.op == "ite" and otherwise.op != "const" and otherwise in then.args[1:]:
            test, kept = then.args[0], then.args[1] is otherwise
            both = self.ite(condition, self.negate(test) if kept else test, self.const(0))
            return self.ite(both, then.args[2] if kept else then.args[1], otherwise)
        if otherwise.op == "ite" and then.op != "const" and then in otherwise.args[1:]:
            test, kept = otherwise.args[0], otherwise.args[1] is then
            either = self.ite(condition, self.const(1), test if kept else self.negate(test))
            return self.ite(either, then, otherwise.args[2] if kept else otherwise.args[1])
        return self._make("ite", (condition, then, otherwise), None,
                          min(then.lo, otherwise.lo), max(then.hi, otherwise.hi))

    def wrap(self, a: Term, bits: int, signed: bool) -> Term:
        lo, hi = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        if lo <= a.lo and a.hi <= hi:
            return a
        if a.op == "const":
            return self.const((a.data - lo) % (1 << bits) + lo)
        if a.op == "wrap" and a.data[0] >= bits:
            return self.wrap(a.args[0], bits, signed)
        return self._make("wrap", (a,), (bits, signed), lo, hi)

    def bits(self, op: str, width: int, *args: Term) -> Term:
        """The bit vocabulary. `width` in bits; 0 for popcount and parity."""
        a = args[0]
        if all(t.op == "const" for t in args):
            return self.const(BIT_FUNCTIONS[op](width, *(t.data for t in args)))
        if op in ("rotl", "rotr") and args[1].op == "const" and args[1].data % width == 0:
            return a
        if op in ("rotl", "rotr") and args[1].op == "const":
            count = args[1].data % width if op == "rotl" else -args[1].data % width
            return self._make("rotl", (a, self.const(count)), width, 0, (1 << width) - 1)
        if op == "popcount":
            return self._make(op, args, width, 0 if a.lo <= 0 else 1, max(0, a.hi.bit_length()))
        if op == "parity":
            return self._make(op, args, width, 0, 1)
        if op == "clz":
            return self._make(op, args, width, max(0, width - max(a.hi, 0).bit_length()),
                              width - max(a.lo, 0).bit_length())
        if op == "ctz":
            return self._make(op, args, width, 0, width if a.lo <= 0 else min(width, max(a.hi, 1).bit_length() - 1))
        return self._make(op, args, width, 0, (1 << width) - 1)

    def load(self, buffer: str, index: Term, lo: int, hi: int) -> Term:
        term = self._make("load", (index,), buffer, lo, hi)
        return term

    def table(self, values: tuple[int, ...], index: Term) -> Term:
        if index.op == "const":
            return self.const(values[index.data])
        reachable = values[max(index.lo, 0):min(index.hi, len(values) - 1) + 1] or values
        if len(set(reachable)) == 1:
            return self.const(reachable[0])
        return self._make("table", (index,), values, min(reachable), max(reachable))

    def loop(self, count: Term, initial: tuple[Term, ...], body: Loop,
             bounds: Iterable[tuple[int, int]]) -> tuple[Term, ...]:
        """The final values of a fold; `bounds` hold for each state before and after every round."""
        loop = self._make("loop", (count, *initial), body, 0, 0)
        return tuple(self._make("state", (loop,), k, lo, hi) for k, (lo, hi) in enumerate(bounds))


def walk(roots: Iterable[Term]) -> Iterator[Term]:
    """Every term below `roots`, also in loop bodies; operands before users."""
    seen: set[int] = set()
    stack: list[tuple[Term, bool]] = [(root, False) for root in roots]
    while stack:
        term, expanded = stack.pop()
        if expanded:
            yield term
            continue
        if term.id in seen:
            continue
        seen.add(term.id)
        stack.append((term, True))
        if isinstance(term.data, Loop):
            stack.extend((t, False) for t in (*term.data.next, *term.data.states, term.data.index))
        stack.extend((a, False) for a in term.args)


_COMMUTATIVE = frozenset({"add", "mul", "and", "or", "xor", "eq", "ne", "min", "max"})

_FOLD: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "floordiv": lambda a, b: a // b, "mod": lambda a, b: a % b,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << b, "shr": lambda a, b: a >> b,
    "eq": lambda a, b: int(a == b), "ne": lambda a, b: int(a != b),
    "lt": lambda a, b: int(a < b), "le": lambda a, b: int(a <= b), "min": min, "max": max,
}

BIT_FUNCTIONS: dict[str, Callable[..., int]] = {
    "popcount": lambda width, x: x.bit_count(),
    "parity": lambda width, x: x.bit_count() & 1,
    "clz": lambda width, x: width - x.bit_length(),
    "ctz": lambda width, x: (x & -x).bit_length() - 1 if x else width,
    "bitrev": lambda width, x: int(format(x, f"0{width}b")[::-1], 2),
    "bswap": lambda width, x: int.from_bytes(x.to_bytes(width // 8, "little"), "big"),
    "rotl": lambda width, x, n: ((x << n % width) | (x >> width - n % width)) & ((1 << width) - 1),
    "rotr": lambda width, x, n: ((x >> n % width) | (x << width - n % width)) & ((1 << width) - 1),
}


def _bounds(op: str, a: Term, b: Term) -> tuple[int, int]:
    """The interval of `a op b`, exact for each pair of independent intervals except for the bitwise ones."""
    if op == "add":
        return a.lo + b.lo, a.hi + b.hi
    if op == "sub":
        return a.lo - b.hi, a.hi - b.lo
    if op == "mul":
        if a is b:
            squares = (a.lo * a.lo, a.hi * a.hi)
            return (0 if a.lo <= 0 <= a.hi else min(squares)), max(squares)
        return _corners(lambda x, y: x * y, (a.lo, a.hi), (b.lo, b.hi))
    if op == "floordiv":
        divisors = [d for d in (b.lo, b.hi, -1 if b.lo <= -1 <= b.hi else 0, 1 if b.lo <= 1 <= b.hi else 0) if d]
        return _corners(lambda x, y: x // y, (a.lo, a.hi), divisors) if divisors else (0, 0)
    if op == "mod":
        low, high = min(0, b.lo + 1), max(0, b.hi - 1)
        if b.lo > 0 and a.lo >= 0:
            high = min(high, a.hi)
        return low, high
    if op in ("and", "or", "xor"):
        return _bitwise(op, a, b)
    if op == "shl":
        top = min(max(b.hi, 0), 4096)
        return _corners(lambda x, y: x << y, (a.lo, a.hi), (max(b.lo, 0) if b.lo <= 4096 else 4096, top))
    if op == "shr":
        return _corners(lambda x, y: x >> y, (a.lo, a.hi), (min(max(b.lo, 0), 8192), min(max(b.hi, 0), 8192)))
    if op == "min":
        return min(a.lo, b.lo), min(a.hi, b.hi)
    if op == "max":
        return max(a.lo, b.lo), max(a.hi, b.hi)
    return 0, 1


def _corners(f: Any, xs: Iterable[int], ys: Iterable[int]) -> tuple[int, int]:
    values = [f(x, y) for x in xs for y in ys]
    return min(values), max(values)


def _bitwise(op: str, a: Term, b: Term) -> tuple[int, int]:
    width = max(t.bit_length() for t in (a.hi, b.hi, ~a.lo, ~b.lo))
    if a.lo >= 0 and b.lo >= 0:
        if op == "and":
            return 0, min(a.hi, b.hi)
        top = (1 << max(a.hi.bit_length(), b.hi.bit_length())) - 1
        return (max(a.lo, b.lo), top) if op == "or" else (0, top)
    if op == "and" and (a.lo >= 0 or b.lo >= 0):
        return 0, a.hi if a.lo >= 0 else b.hi
    if op == "or" and (a.hi < 0 or b.hi < 0):
        return max(t.lo for t in (a, b) if t.hi < 0), -1
    return -(1 << width), (1 << width) - 1
