"""The judge's formulas: a hash-consed graph of bit-vector terms, simplified as it is built.

Every term has a width in bits and a value from 0 to ``2**width - 1``; conditions have width 1. Equal terms are one
object, so what machine code and contract have in common is compared at no cost. All operators are total, with the
meaning of SMT-LIB's theory FixedSizeBitVectors (division by zero included).

==============  =====================================================================================
op              arguments and `data`
==============  =====================================================================================
const           `data` is the value
var             `data` is the name; free
sum             `data` is (coefficients, constant): sum of coefficient*argument, plus the constant
mul             two terms, of the same width as the product
and or xor      two terms
not             one term
shl lshr ashr   value and count, of one width; the count is not constant (a constant one becomes a `sum`,
                an `extract` or an extension)
udiv urem       two terms
sdiv srem       two terms, rounded towards zero
concat          the high part, the low part
extract         `data` is (high, low): bits high..low
zext sext       one narrower term
eq ult slt      two terms; width 1
ite             condition, then, otherwise
popcount        number of ones, in just enough bits
clz ctz         leading, trailing zeros (the width for 0), in just enough bits
saddo ssubo     whether signed addition, subtraction of two terms overflows; width 1
table           index; `data` is the values, at most as many as the index can tell apart; the first one outside
==============  =====================================================================================

Every term also knows an interval of its value, unsigned and signed, and what is known to fit fewer bits is an
extension of a narrower term: so 32-bit arithmetic of a contract and the same done in 64-bit registers meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


class Term:
    """One node; made by `Graph` only, compared by identity."""

    __slots__ = ("args", "data", "exact", "hi", "id", "lo", "op", "shi", "slo", "width", "zeros")

    def __init__(self, id: int, op: str, width: int, args: tuple[Term, ...], data: Any) -> None:
        self.id, self.op, self.width, self.args, self.data = id, op, width, args, data
        self.lo, self.hi = 0, (1 << width) - 1
        self.slo, self.shi = -(1 << width - 1), (1 << width - 1) - 1
        self.zeros: int | None = None
        self.exact = False
        """Of a sum: with coefficients read as signed numbers it is the same over the integers: it never wraps."""

    def __repr__(self) -> str:
        if self.op == "const":
            return f"{self.data:#x}:{self.width}"
        if self.op == "var":
            return f"{self.data}:{self.width}"
        # Not the whole term, which as a tree may be larger than memory.
        inner = ", ".join(repr(a) if a.op in ("const", "var") else f"#{a.id}" for a in self.args)
        return f"#{self.id}={self.op}:{self.width}({inner}{'' if self.data is None else f'; {self.data}'})"

    @property
    def is_const(self) -> bool:
        return self.op == "const"


def signed(value: int, width: int) -> int:
    """The two's-complement reading of an unsigned value."""
    return value - (1 << width) if value >> (width - 1) else value


class Graph:
    """Makes terms."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Term] = {}
        self._fields: dict[tuple[int, int, int], Term] = {}
        self._equal: dict[tuple[int, int], Term] = {}
        self._opposites: dict[Term, Term] = {}
        """What `not_` has made of each: it goes down into conditions, over and over in long ones."""
        self._count = 0
        self.true = self.const(1, 1)
        self.false = self.const(0, 1)

    def __len__(self) -> int:
        return self._count

    def _make(self, op: str, width: int, args: tuple[Term, ...] = (), data: Any = None) -> Term:
        key = (op, width, data, *[a.id for a in args])
        known = self._known.get(key)
        if known is None:
            known = Term(self._count, op, width, args, data)
            self._count += 1
            self._known[key] = known
            _bound(known)
            if known.lo == known.hi and op != "const":
                known = self._known[key] = self.const(known.lo, width)
        return known

    # Leaves.

    def const(self, value: int, width: int) -> Term:
        return self._make("const", width, (), value & ((1 << width) - 1))

    def var(self, name: str, width: int) -> Term:
        """The free variable of that name; one name has one width."""
        return self._make("var", width, (), name)

    def bounded_var(self, name: str, width: int, lo: int, hi: int, slo: int, shi: int) -> Term:
        """The free variable, known to lie within unsigned and signed bounds; solvers are told of them."""
        if (lo, hi, slo, shi) == (0, (1 << width) - 1, -(1 << width - 1), (1 << width - 1) - 1):
            return self.var(name, width)
        key = ("bounded", name, width, lo, hi, slo, shi)
        known = self._known.get(key)
        if known is None:
            known = Term(self._count, "var", width, (), name)
            self._count += 1
            self._known[key] = known
            known.lo, known.hi, known.slo, known.shi = lo, hi, slo, shi
            _agree(known)
        return known

    # Arithmetic.

    def add(self, a: Term, b: Term) -> Term:
        return self.linear(((1, a), (1, b)), 0, a.width)

    def sub(self, a: Term, b: Term) -> Term:
        return self.linear(((1, a), (-1, b)), 0, a.width)

    def neg(self, a: Term) -> Term:
        return self.linear(((-1, a),), 0, a.width)

    def linear(self, parts: Iterable[tuple[int, Term]], constant: int, width: int) -> Term:
        """The sum of coefficient*term over `parts`, plus `constant`, modulo ``2**width``."""
        modulus = (1 << width) - 1
        atoms: dict[Term, int] = {}
        for coefficient, term in parts:
            constant += self._collect(coefficient, term, atoms)
        kept = sorted(((t, c & modulus) for t, c in atoms.items() if c & modulus), key=lambda item: item[0].id)
        constant &= modulus
        if not kept:
            return self.const(constant, width)
        if len(kept) == 1:
            term, coefficient = kept[0]
            if coefficient == 1 and constant == 0:
                return term
            if coefficient == modulus and constant == modulus:
                return self.not_(term)
            if width == 1:
                return self.not_(term) if constant else term
            if coefficient == 1 << (width - 1) and constant == 0 and term.op not in ("extract", "zext"):
                # Only the lowest bit of the term matters.
                return self.linear([(coefficient, self.zext(self.extract(term, 0, 0), width))], 0, width)
        if len(kept) == 2 and constant == 0:
            for (term, coefficient), other in (kept, reversed(kept)):
                chosen = self._greater_by_difference(term, *other) if coefficient == 1 else None
                if chosen is not None:
                    return chosen
        return self._narrow_sum(tuple(c for _, c in kept), constant, tuple(t for t, _ in kept), width)

    def _greater_by_difference(self, term: Term, b: Term, coefficient: int) -> Term | None:
        """``b + (a - b if … else 0)``, which is how the greater of two comes out of a saturating subtraction."""
        if term.op != "ite" or coefficient != 1:
            return None
        zero = [t.op == "const" and t.data == 0 for t in term.args[1:]]
        if sum(zero) != 1:
            return None
        difference = term.args[1 + zero.index(False)]
        if difference.op != "sum" or b not in difference.args or len(difference.args) > 2:
            return None
        a = self.add(difference, b)
        if a.op == "sum":
            return None
        return self.ite(term.args[0], *((b, a) if zero[0] else (a, b)))

    def summands(self, term: Term) -> tuple[list[tuple[int, Term]], int]:
        """Signed coefficients, each with its term, and a constant: their sum, modulo ``2**width``, is `term`."""
        atoms: dict[Term, int] = {}
        constant = self._collect(1, term, atoms)
        width, mask = term.width, (1 << term.width) - 1
        return [(signed(c & mask, width), atom) for atom, c in atoms.items()], signed(constant & mask, width)

    def _collect(self, coefficient: int, term: Term, atoms: dict[Term, int]) -> int:
        """Adds coefficient*term to `atoms`, and returns what is constant of it."""
        if term.op == "const":
            return coefficient * int(term.data)
        if term.op == "sum":
            for c, atom in zip(term.data[0], term.args, strict=True):
                atoms[atom] = atoms.get(atom, 0) + coefficient * c
            return coefficient * int(term.data[1])
        if term.op == "not":
            return -coefficient + self._collect(-coefficient, term.args[0], atoms)
        if term.op == "sext" and term.args[0].width == 1:
            # A mask, which is how vectors count.
            return self._collect(-coefficient, self.zext(term.args[0], term.width), atoms)
        exact_constant = _exact_constant(term) if term.op in ("zext", "sext") and term.args[0].op == "sum" else None
        if exact_constant is not None:
            # The narrow sum does not wrap, so it means the same when it is computed in this width.
            inner = term.args[0]
            extend = self.zext if term.op == "zext" else self.sext
            total = coefficient * exact_constant
            for c, atom in zip(_integer_coefficients(term), inner.args, strict=True):
                total += self._collect(coefficient * c, extend(atom, term.width), atoms)
            return total
        atoms[term] = atoms.get(term, 0) + coefficient
        return 0

    def _narrow_sum(self, coefficients: tuple[int, ...], constant: int, atoms: tuple[Term, ...], width: int) -> Term:
        """The sum, as an extension of a narrower sum where it is known to fit one and its atoms are extensions."""
        if all(a.op in ("zext", "sext") for a in atoms):
            for is_signed in (False, True):
                lo, hi = _sum_interval(coefficients, constant, atoms, width, is_signed)
                if lo >= 0 and hi < 1 << (width - 1):
                    need = max(hi.bit_length(), *(a.args[0].width for a in atoms))
                    if need < width:
                        return self.zext(self._sum_at(coefficients, constant, atoms, need), width)
                elif -(1 << width - 1) <= lo < 0 and hi < 1 << (width - 1):
                    bits = max((~lo).bit_length(), hi.bit_length() if hi > 0 else 0) + 1
                    need = max(bits, *(a.args[0].width for a in atoms))
                    if need < width:
                        return self.sext(self._sum_at(coefficients, constant, atoms, need), width)
        return self._make("sum", width, atoms, (coefficients, constant))

    def _sum_at(self, coefficients: tuple[int, ...], constant: int, atoms: tuple[Term, ...], width: int) -> Term:
        return self.linear([(c, self.extract(a, width - 1, 0)) for c, a in zip(coefficients, atoms, strict=True)],
                           constant, width)

    def mul(self, a: Term, b: Term) -> Term:
        width = a.width
        if a.op == "const":
            a, b = b, a
        if b.op == "const":
            return self.linear([(b.data, a)], 0, width)
        for x, y in ((a, b), (b, a)):
            if x.op == "ite" and x.args[1].op == x.args[2].op == "const":
                # A sign, mostly.
                return self.ite(x.args[0], self.mul(y, x.args[1]), self.mul(y, x.args[2]))
        if b.id < a.id:
            a, b = b, a
        exact = self._quotient_product(a, b)
        if exact is not None:
            return exact
        for x, y in ((a, b), (b, a)):
            scale = _common_factor(x)
            if scale is not None:
                factor, rest = scale
                return self.linear([(factor, self.mul(self._divided(x, factor, rest), y))], 0, width)
        for extension in ("zext", "sext"):
            narrow_a, narrow_b = _unextended(a, extension), _unextended(b, extension)
            if narrow_a is not None and narrow_b is not None:
                need = narrow_a.width + narrow_b.width
                if need < width:
                    extend = self.zext if extension == "zext" else self.sext
                    return extend(self.mul(extend(narrow_a, need), extend(narrow_b, need)), width)
        for x, y in ((a, b), (b, a)):
            if x.op == "zext" and x.args[0].width == 1:
                return self.ite(x.args[0], y, self.const(0, width))
        need = max((a.hi * b.hi).bit_length(), 1)
        if need < width and a.op == "zext" and b.op == "zext":
            return self.zext(self._make("mul", need, self._ordered(
                self.extract(a, need - 1, 0), self.extract(b, need - 1, 0))), width)
        return self._make("mul", width, (a, b))

    def _divided(self, term: Term, factor: int, rest: tuple[int, ...]) -> Term:
        return self.linear(zip(rest, term.args, strict=True), term.data[1] // factor, term.width)

    @staticmethod
    def _ordered(a: Term, b: Term) -> tuple[Term, Term]:
        return (b, a) if b.id < a.id else (a, b)

    def udiv(self, a: Term, b: Term) -> Term:
        return self._unsigned_division("udiv", a, b)

    def urem(self, a: Term, b: Term) -> Term:
        return self._unsigned_division("urem", a, b)

    def _unsigned_division(self, op: str, a: Term, b: Term) -> Term:
        width = a.width
        if a.op == "const" and b.op == "const":
            if b.data == 0:
                return self.const(-1, width) if op == "udiv" else a
            return self.const(a.data // b.data if op == "udiv" else a.data % b.data, width)
        if b.op == "const" and b.data and b.data & (b.data - 1) == 0:
            shift = b.data.bit_length() - 1
            if op == "udiv":
                return self.lshr(a, self.const(shift, width))
            return self.zext(self.extract(a, shift - 1, 0), width) if shift else self.const(0, width)
        if b.lo > a.hi:
            return self.const(0, width) if op == "udiv" else a
        if op == "udiv" and b.op == "const" and b.data:
            exact = self._quotient_of_sum(a, b.data)
            if exact is not None:
                return exact
        if op == a.op == "udiv" and b.op == a.args[1].op == "const" and b.data and a.args[1].data:
            total = b.data * a.args[1].data
            return self.const(0, width) if total >> width else self.udiv(a.args[0], self.const(total, width))
        need = max(a.hi.bit_length(), b.hi.bit_length(), 1)
        if need < width and (b.lo > 0 or op == "urem"):
            return self.zext(self._unsigned_division(
                op, self.extract(a, need - 1, 0), self.extract(b, need - 1, 0)), width)
        if need < width:
            narrow = self.udiv(self.extract(a, need - 1, 0), self.extract(b, need - 1, 0))
            return self.ite(self.eq(b, self.const(0, width)), self.const(-1, width), self.zext(narrow, width))
        if op == "urem" and b.op == "const" and b.data:
            return self._remainder_by_constant(a, b)
        return self._make(op, width, (a, b))

    def _quotient_of_sum(self, a: Term, divisor: int) -> Term | None:
        """``a / divisor`` where the divisor divides every coefficient of a sum that does not wrap."""
        if a.op != "sum" or not _never_wraps(a):
            return None
        coefficients = [signed(c, a.width) for c in a.data[0]]
        if any(c % divisor for c in coefficients):
            return None
        return self.linear([(c // divisor, t) for c, t in zip(coefficients, a.args, strict=True)],
                           signed(a.data[1], a.width) // divisor, a.width)

    def _remainder_by_constant(self, a: Term, b: Term) -> Term:
        """``a - (a / b) * b``: how code computes it, and a sum of quotients like those of other remainders."""
        width = a.width
        t = self.linear([(1, a), (-b.data, self.udiv(a, b))], 0, width)
        if t.op == "sum":
            t.lo, t.hi = 0, min(t.hi, b.data - 1)
            _agree(t)
            t.exact = a.op != "sum" or a.exact or _never_wraps(a)
        return t

    def sdiv(self, a: Term, b: Term) -> Term:
        return self._signed_division("sdiv", a, b)

    def srem(self, a: Term, b: Term) -> Term:
        return self._signed_division("srem", a, b)

    def _signed_division(self, op: str, a: Term, b: Term) -> Term:
        width = a.width
        if a.op == "const" and b.op == "const":
            return self.const(_signed_quotient(op, signed(a.data, width), signed(b.data, width)), width)
        if a.slo >= 0 and b.slo >= 0:
            return self._unsigned_division("udiv" if op == "sdiv" else "urem", a, b)
        bits = max(_signed_bits(a), _signed_bits(b))
        if bits < width:
            narrow = self.sext(self._signed_division(
                op, self.extract(a, bits - 1, 0), self.extract(b, bits - 1, 0)), width)
            if op == "srem":
                return narrow
            # The one quotient that has a bit more.
            least = self.const(-(1 << bits - 1), width)
            wraps = self.and_(self.eq(a, least), self.eq(b, self.const(-1, width)))
            return self.ite(wraps, self.neg(least), narrow)
        return self._make(op, width, (a, b))

    def _quotient_product(self, x: Term, y: Term) -> Term | None:
        """``(a / b) * b`` as ``a - a % b``, whichever of `x` and `y` is the quotient; either extended or cut off to
        the width of the product, and of a divisor 0 with SMT-LIB's quotient."""
        width = x.width
        for quotient, divisor in ((x, y), (y, x)):
            inner = quotient.args[0] if quotient.op in ("zext", "sext") or (
                quotient.op == "extract" and quotient.data[1] == 0) else quotient
            if inner.op not in ("udiv", "sdiv"):
                continue
            a, b = inner.args
            if quotient.op in ("zext", "sext"):
                if (quotient.op == "zext") != (inner.op == "udiv") and inner.slo < 0:
                    continue
                if inner.op == "sdiv" and b.slo <= -1 <= b.shi and a.slo == -(1 << a.width - 1):
                    # The quotient may wrap.
                    continue
                resize = self.zext if inner.op == "udiv" else self.sext
            else:
                resize = self._low
            if resize(b, width) is divisor:
                remainder = self.urem(a, b) if inner.op == "udiv" else self.srem(a, b)
                return self.sub(resize(a, width), resize(remainder, width))
        return None

    def _low(self, a: Term, width: int) -> Term:
        return self.extract(a, width - 1, 0)

    # Bits.

    def not_(self, a: Term) -> Term:
        known = self._opposites.get(a)
        if known is None:
            known = self._opposites[a] = self._opposite(a)
        return known

    def _opposite(self, a: Term) -> Term:
        if a.op == "const":
            return self.const(~a.data, a.width)
        if a.op == "not":
            return a.args[0]
        if a.op == "sum":
            return self.linear([(-1, a)], -1, a.width)
        if a.op == "sext":
            return self.sext(self.not_(a.args[0]), a.width)
        if a.op == "ite" and (a.args[1].op == "const" or a.args[2].op == "const"):
            return self.ite(a.args[0], self.not_(a.args[1]), self.not_(a.args[2]))
        if a.width == 1 and a.op in ("and", "or") and "not" in (a.args[0].op, a.args[1].op):
            # Of two arguments at most one is negated, and then not the whole.
            opposite = self.or_ if a.op == "and" else self.and_
            return opposite(self.not_(a.args[0]), self.not_(a.args[1]))
        return self._make("not", a.width, (a,))

    def and_(self, a: Term, b: Term) -> Term:
        if a.op == "const":
            a, b = b, a
        if a is b:
            return a
        width = a.width
        if b.op == "const":
            if a.op == "const":
                return self.const(a.data & b.data, width)
            if b.data == 0:
                return b
            if b.data == (1 << width) - 1:
                return a
            return self._mask(a, b)
        if a is self.not_(b):
            return self.const(0, width)
        if width == 1:
            found = self._conjunction(a, b)
            if found is not None:
                return found
        narrowest = min((t for t in (a, b) if t.op == "zext"), key=lambda t: t.args[0].width, default=None)
        if narrowest is not None:
            inner = narrowest.args[0].width
            return self.zext(self.and_(self.extract(a, inner - 1, 0), self.extract(b, inner - 1, 0)), width)
        if a.op == "sext" and b.op == "sext":
            return self._extended_pair(self.and_, a, b)
        if a.op == "concat" and b.op == "concat" and a.args[1].width == b.args[1].width:
            return self.concat(self.and_(a.args[0], b.args[0]), self.and_(a.args[1], b.args[1]))
        for x, y in ((a, b), (b, a)):
            if x.op == "sext" and x.args[0].width == 1:
                return self.ite(x.args[0], y, self.const(0, width))
            if x.op == "and" and (x.args[0] is y or x.args[1] is y):
                return x
        return self._make("and", width, self._ordered(a, b))

    def _extended_pair(self, operator: Any, a: Term, b: Term) -> Term:
        inner = max(a.args[0].width, b.args[0].width)
        return self.sext(operator(self.extract(a, inner - 1, 0), self.extract(b, inner - 1, 0)), a.width)

    def _mask(self, a: Term, mask: Term) -> Term:
        """a & constant, where the constant is neither 0 nor all ones."""
        width, value = a.width, mask.data
        low = (value & -value).bit_length() - 1
        high = value.bit_length() - 1
        if value == (1 << high + 1) - (1 << low):
            # One run of ones: a field.
            field = self.extract(a, high, low)
            if low:
                field = self.concat(field, self.const(0, low))
            return self.zext(field, width)
        if a.op == "zext":
            inner = a.args[0]
            return self.zext(self.and_(inner, self.const(value, inner.width)), width)
        if a.op == "concat":
            high_part, low_part = a.args
            return self.concat(self.and_(high_part, self.const(value >> low_part.width, high_part.width)),
                               self.and_(low_part, self.const(value, low_part.width)))
        if a.op == "and" and a.args[1].op == "const":
            return self.and_(a.args[0], self.const(a.args[1].data & value, width))
        if a.op == "ite" and (a.args[1].op == "const" or a.args[2].op == "const"):
            return self.ite(a.args[0], self.and_(a.args[1], mask), self.and_(a.args[2], mask))
        if high < width - 1:
            return self.zext(self.and_(self.extract(a, high, 0), self.const(value, high + 1)), width)
        return self._make("and", width, (a, mask))

    def or_(self, a: Term, b: Term) -> Term:
        if a.op == "const":
            a, b = b, a
        if a is b:
            return a
        width = a.width
        full = (1 << width) - 1
        if b.op == "const":
            if a.op == "const":
                return self.const(a.data | b.data, width)
            if b.data == 0:
                return a
            if b.data == full:
                return b
        if a is self.not_(b):
            return self.const(full, width)
        if width == 1:
            found = self._disjunction(a, b)
            if found is not None:
                return found
        for x, y in ((a, b), (b, a)):
            zeros = trailing_zeros(x)
            if zeros and y.hi < 1 << zeros:
                return self.concat(self.extract(x, width - 1, zeros), self.extract(y, zeros - 1, 0))
        if a.op == "zext" and b.op == "zext":
            inner = max(a.args[0].width, b.args[0].width)
            return self.zext(self.or_(self.extract(a, inner - 1, 0), self.extract(b, inner - 1, 0)), width)
        if a.op == "sext" and b.op == "sext":
            return self._extended_pair(self.or_, a, b)
        if a.op in ("concat", "zext") and b.op in ("concat", "zext"):
            split = min(t.args[-1].width for t in (a, b))
            return self.concat(self.or_(self.extract(a, width - 1, split), self.extract(b, width - 1, split)),
                               self.or_(self.extract(a, split - 1, 0), self.extract(b, split - 1, 0)))
        for x, y in ((a, b), (b, a)):
            if x.op == "sext" and x.args[0].width == 1:
                return self.ite(x.args[0], self.const(full, width), y)
        if a.op == "ite" and b.op == "const" and (a.args[1].op == "const" or a.args[2].op == "const"):
            return self.ite(a.args[0], self.or_(a.args[1], b), self.or_(a.args[2], b))
        if a.op == b.op == "ite" and a.args[0] is b.args[0] and all(
                any(t.args[arm].op == "const" for t in (a, b)) for arm in (1, 2)):
            # A choice made by masks.
            return self.ite(a.args[0], self.or_(a.args[1], b.args[1]), self.or_(a.args[2], b.args[2]))
        if b.op == "const":
            return self._make("or", width, (a, b))
        return self._make("or", width, self._ordered(a, b))

    def xor(self, a: Term, b: Term) -> Term:
        if a.op == "const":
            a, b = b, a
        if a is b:
            return self.const(0, a.width)
        width = a.width
        if b.op == "const":
            if a.op == "const":
                return self.const(a.data ^ b.data, width)
            if b.data == 0:
                return a
            if b.data == (1 << width) - 1:
                return self.not_(a)
            if a.op == "xor" and a.args[1].op == "const":
                return self.xor(a.args[0], self.const(a.args[1].data ^ b.data, width))
            if a.op == "concat" or (a.op == "zext" and b.data >> a.args[0].width):
                split = a.args[-1].width
                upper = self.const(b.data >> split, width - split)
                return self.concat(self.xor(self.extract(a, width - 1, split), upper),
                                   self.xor(self.extract(a, split - 1, 0), self.const(b.data, split)))
            if a.op == "ite" and (a.args[1].op == "const" or a.args[2].op == "const"):
                return self.ite(a.args[0], self.xor(a.args[1], b), self.xor(a.args[2], b))
        if a.op == "not" and b.op == "not":
            return self.xor(a.args[0], b.args[0])
        if a.op == "not" or b.op == "not":
            x, y = (a.args[0], b) if a.op == "not" else (a, b.args[0])
            return self.not_(self.xor(x, y))
        if width == 1:
            found = self._less_by_flags(a, b) or self._less_by_flags(b, a) or self._by_condition(self.xor, a, b)
            if found is not None:
                return found
        for x, y in ((a, b), (b, a)):
            if x.op == "xor":
                if x.args[0] is y:
                    return x.args[1]
                if x.args[1] is y:
                    return x.args[0]
        if a.op == "zext" and (b.op == "zext" or (b.op == "const" and not b.data >> a.args[0].width)):
            inner = max(t.args[0].width for t in (a, b) if t.op == "zext")
            return self.zext(self.xor(self.extract(a, inner - 1, 0), self.extract(b, inner - 1, 0)), width)
        for x, y in ((a, b), (b, a)):
            if x.op == "sext" and x.args[0].width == 1:
                return self.ite(x.args[0], self.not_(y), y)
        if a.op == "sext" and b.op == "sext":
            return self._extended_pair(self.xor, a, b)
        if a.op in ("concat", "zext") and b.op in ("concat", "zext"):
            split = min(t.args[-1].width for t in (a, b))
            return self.concat(self.xor(self.extract(a, width - 1, split), self.extract(b, width - 1, split)),
                               self.xor(self.extract(a, split - 1, 0), self.extract(b, split - 1, 0)))
        if b.op == "const":
            return self._make("xor", width, (a, b))
        return self._make("xor", width, self._ordered(a, b))

    def _less_by_flags(self, overflow: Term, sign: Term) -> Term | None:
        """Whether a - b, or a + b, is negative over the integers: `overflow` is that of the operation, and `sign`
        the sign of its result."""
        if overflow.op not in ("ssubo", "saddo"):
            return None
        a, b = overflow.args
        result = self.sub(a, b) if overflow.op == "ssubo" else self.add(a, b)
        if self.extract(result, a.width - 1, a.width - 1) is not sign:
            return None
        if overflow.op == "ssubo":
            return self.slt(a, b)
        wide = a.width + 1
        return self.extract(self.add(self.sext(a, wide), self.sext(b, wide)), wide - 1, wide - 1)

    def _by_condition(self, operator: Callable[[Term, Term], Term], a: Term, b: Term) -> Term | None:
        """The operator on two truth values that are each known where one condition fails."""
        for condition, x, known in self._choices(a):
            for other, y, also_known in self._choices(b):
                if condition is other:
                    return self.ite(condition, operator(x, y), operator(known, also_known))
        return None

    def _choices(self, a: Term) -> list[tuple[Term, Term, Term]]:
        """The ways to read a truth value as: if (condition) then (value) else (constant)."""
        inner = a.args[0] if a.op == "not" else a
        found = [(inner, self.true, self.false)]
        if inner.op == "and":
            p, q = inner.args
            found += [(p, q, self.false), (q, p, self.false)]
        elif inner.op == "or":
            p, q = inner.args
            found += [(self.not_(p), q, self.true), (self.not_(q), p, self.true)]
        if a.op == "not":
            return [(condition, self.not_(x), self.not_(known)) for condition, x, known in found]
        return found

    def _conjunction(self, a: Term, b: Term) -> Term | None:
        """Simpler forms of a & b, of width 1."""
        for x, y in ((a, b), (b, a)):
            if x.op == "not" and x.args[0].op == "eq":
                left, right = x.args[0].args
                if y.op == "not" and y.args[0].op in ("ult", "slt") and {*y.args[0].args} == {left, right}:
                    # left != right and not y0 < y1: y1 < y0
                    less = self.ult if y.args[0].op == "ult" else self.slt
                    return less(y.args[0].args[1], y.args[0].args[0])
                if y.op in ("ult", "slt") and {*y.args} == {left, right}:
                    return y
            if x.op == "and":
                if y in x.args:
                    return x
                if self.not_(y) in x.args:
                    return self.false
            if x.op == "or":
                if y in x.args:
                    return y
                inverse = self.not_(y)
                if inverse in x.args:
                    return self.and_(x.args[1] if x.args[0] is inverse else x.args[0], y)
        if a.op == "not" and b.op == "not":
            return self.not_(self.or_(a.args[0], b.args[0]))
        return self._by_condition(self.and_, a, b)

    def _disjunction(self, a: Term, b: Term) -> Term | None:
        """Simpler forms of a | b, of width 1."""
        for x, y in ((a, b), (b, a)):
            if x.op in ("ult", "slt") and y.op == "eq" and {*x.args} == {*y.args}:
                less = self.ult if x.op == "ult" else self.slt
                return self.not_(less(x.args[1], x.args[0]))
            if x.op == "extract" and y.op == "eq" and y.args[1].op == "const" and y.args[1].data == 0:
                # Negative or zero.
                value, zero = y.args
                if self.extract(value, value.width - 1, value.width - 1) is x:
                    return self.not_(self.slt(zero, value))
            if x.op == "or":
                if y in x.args:
                    return x
                if self.not_(y) in x.args:
                    return self.true
            if x.op == "and":
                if y in x.args:
                    return y
                inverse = self.not_(y)
                if inverse in x.args:
                    return self.or_(x.args[1] if x.args[0] is inverse else x.args[0], y)
        if a.op == "not" and b.op == "not":
            return self.not_(self.and_(a.args[0], b.args[0]))
        return self._by_condition(self.or_, a, b)

    # Shifts. A count of the width or more gives 0, or the sign.

    def shl(self, a: Term, count: Term) -> Term:
        if count.op == "const":
            return self.linear([(1 << count.data, a)], 0, a.width) if count.data < a.width else self.const(0, a.width)
        if a.op == "const" and a.data == 0:
            return a
        return self._make("shl", a.width, (a, count))

    def lshr(self, a: Term, count: Term) -> Term:
        if count.op == "const":
            if count.data >= a.width:
                return self.const(0, a.width)
            exact = self._quotient_of_sum(a, 1 << count.data)
            if exact is not None:
                return exact
            return self.zext(self.extract(a, a.width - 1, count.data), a.width)
        if a.op == "const" and a.data == 0:
            return a
        if a.op == "zext":
            inner = a.args[0]
            if count.hi < 1 << inner.width:
                return self.zext(self.lshr(inner, self.extract(count, inner.width - 1, 0)), a.width)
        return self._make("lshr", a.width, (a, count))

    def ashr(self, a: Term, count: Term) -> Term:
        if count.op == "const":
            return self.sext(self.extract(a, a.width - 1, min(count.data, a.width - 1)), a.width)
        if a.slo >= 0:
            return self.lshr(a, count)
        if a.op == "const" and a.data == (1 << a.width) - 1:
            return a
        if a.op == "sext":
            inner = a.args[0]
            if count.hi < 1 << inner.width:
                return self.sext(self.ashr(inner, self.extract(count, inner.width - 1, 0)), a.width)
        return self._make("ashr", a.width, (a, count))

    # Shape.

    def concat(self, high: Term, low: Term) -> Term:
        width = high.width + low.width
        if high.op == "const" and low.op == "const":
            return self.const(high.data << low.width | low.data, width)
        if high.op == "const" and high.data == 0:
            return self.zext(low, width)
        if low.op == "const" and low.data == 0:
            return self.linear([(1 << low.width, self.zext(high, width))], 0, width)
        if high.op == "concat":
            return self.concat(high.args[0], self.concat(high.args[1], low))
        if high.op == low.op == "ite" and high.args[0] is low.args[0]:
            # A choice that went through memory byte by byte.
            then, otherwise = (self.concat(high.args[k], low.args[k]) for k in (1, 2))
            return self.ite(high.args[0], then, otherwise)
        if high.op == "zext":
            return self.zext(self.concat(high.args[0], low), width)
        if high.op == "sext" and low.op == "extract" and low.data[0] == low.args[0].width - 1 \
                and high.args[0] is self.extract(low.args[0], low.data[0], low.data[0]):
            return self.sext(low, width)
        if high.op == "extract":
            rest = low.args[0] if low.op == "concat" else low
            if rest.op == "extract" and rest.args[0] is high.args[0] and rest.data[0] + 1 == high.data[1]:
                joined = self.extract(high.args[0], high.data[0], rest.data[1])
                return self.concat(joined, low.args[1]) if low.op == "concat" else joined
            inner, end = high.args[0], high.data[1]
            if low.width <= end and low is self.extract(inner, end - 1, end - low.width):
                return self.extract(inner, high.data[0], end - low.width)
        return self._make("concat", width, (high, low))

    def extract(self, a: Term, high: int, low: int) -> Term:
        """Bits `high` down to `low` of `a`."""
        if high - low + 1 == a.width:
            return a
        # Remembered, since a field of a term is made of the fields of all below it.
        key = (a.id, high, low)
        known = self._fields.get(key)
        if known is None:
            known = self._fields[key] = self._field(a, high, low)
        return known

    def _field(self, a: Term, high: int, low: int) -> Term:
        width = high - low + 1
        match a.op:
            case "const":
                return self.const(a.data >> low, width)
            case "extract":
                return self.extract(a.args[0], high + a.data[1], low + a.data[1])
            case "concat":
                upper, lower = a.args
                if high < lower.width:
                    return self.extract(lower, high, low)
                if low >= lower.width:
                    return self.extract(upper, high - lower.width, low - lower.width)
                return self.concat(self.extract(upper, high - lower.width, 0),
                                   self.extract(lower, lower.width - 1, low))
            case "zext" | "sext":
                return self._extract_extension(a, high, low)
            case "not":
                return self.not_(self.extract(a.args[0], high, low))
            case "and":
                return self.and_(self.extract(a.args[0], high, low), self.extract(a.args[1], high, low))
            case "or":
                return self.or_(self.extract(a.args[0], high, low), self.extract(a.args[1], high, low))
            case "xor":
                return self.xor(self.extract(a.args[0], high, low), self.extract(a.args[1], high, low))
            case "ite":
                return self.ite(a.args[0], self.extract(a.args[1], high, low), self.extract(a.args[2], high, low))
            case "sum":
                if low == a.width - 1:
                    found = self._sign_of_sum(a)
                    if found is not None:
                        return found
                if low <= min(_zeros(c) for c in a.data[0]):
                    # The constant's bits below carry nothing upwards.
                    parts = [(c >> low, self.extract(t, width - 1, 0))
                             for c, t in zip(a.data[0], a.args, strict=True)]
                    return self.linear(parts, a.data[1] >> low, width)
                if high < a.width - 1:
                    return self.extract(self.extract(a, high, 0), high, low)
            case "mul":
                if low == 0:
                    return self.mul(self.extract(a.args[0], high, 0), self.extract(a.args[1], high, 0))
                if high < a.width - 1:
                    return self.extract(self.extract(a, high, 0), high, low)
            case "udiv" | "urem":
                if low == 0 and max(a.args[0].hi, a.args[1].hi) < 1 << width:
                    return self._unsigned_division(a.op, self.extract(a.args[0], high, 0),
                                                   self.extract(a.args[1], high, 0))
            case "sdiv" | "srem":
                if low == 0 and max(map(_signed_bits, a.args)) <= width:
                    return self._signed_division(a.op, self.extract(a.args[0], high, 0),
                                                 self.extract(a.args[1], high, 0))
            case "shl":
                if low == 0 and a.args[1].hi < 1 << width:
                    return self.shl(self.extract(a.args[0], high, 0), self.extract(a.args[1], high, 0))
            case "table":
                return self.table(a.args[0], 0, tuple(v >> low & (1 << width) - 1 for v in a.data), width)
        return self._make("extract", width, (a,), (high, low))

    def _sign_of_sum(self, a: Term) -> Term | None:
        """The sign of a difference that does not overflow, as a comparison."""
        width, (coefficients, constant) = a.width, a.data
        signs = tuple(signed(c, width) for c in coefficients)
        if signs not in ((1,), (-1,), (1, -1), (-1, 1)) or (len(signs) == 2 and constant) \
                or constant == 1 << (width - 1):
            return None
        lo, hi = _sum_interval(coefficients, constant, a.args, width, True)
        if lo < -(1 << width - 1) or hi >= 1 << (width - 1):
            return None
        x, y = (*a.args, self.const(-constant if signs == (1,) else constant, width))[:2]
        return self.slt(x, y) if signs[0] == 1 else self.slt(y, x)

    def _extract_extension(self, a: Term, high: int, low: int) -> Term:
        inner = a.args[0]
        if high < inner.width:
            return self.extract(inner, high, low)
        width = high - low + 1
        if a.op == "zext":
            if low >= inner.width:
                return self.const(0, width)
            return self.zext(self.extract(inner, inner.width - 1, low), width)
        return self.sext(self.extract(inner, inner.width - 1, min(low, inner.width - 1)), width)

    def zext(self, a: Term, width: int) -> Term:
        if width == a.width:
            return a
        if a.op == "const":
            return self.const(a.data, width)
        if a.op == "zext":
            return self.zext(a.args[0], width)
        if a.op == "sext" and a.slo >= 0:
            return self.zext(a.args[0], width)
        if a.op == "ite" and a.args[1].op == "const" and a.args[2].op == "const" and a.width > 1:
            return self.ite(a.args[0], self.zext(a.args[1], width), self.zext(a.args[2], width))
        return self._make("zext", width, (a,))

    def sext(self, a: Term, width: int) -> Term:
        if width == a.width:
            return a
        if a.op == "const":
            return self.const(signed(a.data, a.width), width)
        if a.slo >= 0:
            return self.zext(a, width)
        if a.op == "sext":
            return self.sext(a.args[0], width)
        if a.op == "ite" and a.args[1].op == "const" and a.args[2].op == "const":
            return self.ite(a.args[0], self.sext(a.args[1], width), self.sext(a.args[2], width))
        return self._make("sext", width, (a,))

    # Conditions.

    def eq(self, a: Term, b: Term) -> Term:
        if a is b:
            return self.true
        if a.op == "const":
            a, b = b, a
        if a.hi < b.lo or b.hi < a.lo or a.shi < b.slo or b.shi < a.slo:
            return self.false
        key = (a.id, b.id)
        known = self._equal.get(key)
        if known is None:
            known = self._equal[key] = self._equals(a, b)
        return known

    def _equals(self, a: Term, b: Term) -> Term:
        width = a.width
        if width == 1:
            return (a if b.data else self.not_(a)) if b.op == "const" else self.not_(self.xor(a, b))
        if b.op == "const":
            found = self._equals_constant(a, b)
            if found is not None:
                return found
        elif a.op == b.op == "zext" or a.op == b.op == "sext":
            inner = max(a.args[0].width, b.args[0].width)
            return self.eq(self.extract(a, inner - 1, 0), self.extract(b, inner - 1, 0))
        elif a.op == b.op == "concat" and a.args[1].width == b.args[1].width:
            return self.and_(self.eq(a.args[0], b.args[0]), self.eq(a.args[1], b.args[1]))
        elif a.op == b.op == "ite" and a.args[0] is b.args[0]:
            return self.ite(a.args[0], self.eq(a.args[1], b.args[1]), self.eq(a.args[2], b.args[2]))
        elif (found := self._is_extreme(a, b) or self._is_extreme(b, a)) is not None:
            return found
        elif "sum" in (a.op, b.op):
            difference = self.sub(a, b)
            if difference.op == "const":
                return self.const(difference.data == 0, 1)
            if len(_atoms(difference)) < len({*_atoms(a), *_atoms(b)}):
                return self.eq(difference, self.const(0, width))
        if b.op == "const":
            return self._make("eq", 1, (a, b))
        return self._make("eq", 1, self._ordered(a, b))

    def _is_extreme(self, a: Term, choice: Term) -> Term | None:
        """Whether `choice`, the lesser or the greater of `a` and another one, is `a`; None for other choices."""
        if choice.op != "ite" or a not in choice.args[1:]:
            return None
        condition, then, otherwise = choice.args
        if condition.op not in ("ult", "slt") or {*condition.args} != {then, otherwise}:
            return None
        if a is otherwise:
            return self.not_(condition)
        less = self.ult if condition.op == "ult" else self.slt
        return self.not_(less(condition.args[1], condition.args[0]))

    def _equals_constant(self, a: Term, b: Term) -> Term | None:
        width, value = a.width, b.data
        match a.op:
            case "zext":
                inner = a.args[0]
                return self.eq(inner, self.const(value, inner.width))
            case "sext":
                inner = a.args[0]
                return self.eq(inner, self.const(value, inner.width))
            case "not":
                return self.eq(a.args[0], self.const(~value, width))
            case "concat":
                upper, lower = a.args
                return self.and_(self.eq(upper, self.const(value >> lower.width, upper.width)),
                                 self.eq(lower, self.const(value, lower.width)))
            case "xor":
                if a.args[1].op == "const":
                    return self.eq(a.args[0], self.const(value ^ a.args[1].data, width))
                if value == 0:
                    return self.eq(*a.args)
            case "or" if value == 0:
                return self.and_(self.eq(a.args[0], b), self.eq(a.args[1], b))
            case "ite":
                then, otherwise = self.eq(a.args[1], b), self.eq(a.args[2], b)
                if "const" in (then.op, otherwise.op) or then is otherwise:
                    return self.ite(a.args[0], then, otherwise)
            case "sum":
                return self._sum_equals(a, value)
        return None

    def _sum_equals(self, a: Term, value: int) -> Term | None:
        width, (coefficients, constant) = a.width, a.data
        full = (1 << width) - 1
        zeros = min(map(_zeros, coefficients))
        target = (value - constant) & full
        if zeros:
            if target & ((1 << zeros) - 1):
                return self.false
            parts = [(c >> zeros, self.extract(t, width - zeros - 1, 0))
                     for c, t in zip(coefficients, a.args, strict=True)]
            return self.eq(self.linear(parts, 0, width - zeros), self.const(target >> zeros, width - zeros))
        if len(coefficients) == 1:
            return self.eq(a.args[0], self.const(target * pow(coefficients[0], -1, full + 1), width))
        if len(coefficients) == 2 and target == 0 and full in coefficients and 1 in coefficients:
            return self.eq(*a.args)
        if constant:
            return self.eq(self.linear(zip(coefficients, a.args, strict=True), 0, width), self.const(target, width))
        if coefficients[0] > full >> 1:
            # One of the two signs is the normal form.
            return self._make("eq", 1, (self.neg(a), self.const(-value, width)))
        return None

    def ne(self, a: Term, b: Term) -> Term:
        return self.not_(self.eq(a, b))

    def ult(self, a: Term, b: Term) -> Term:
        """Whether a < b, as unsigned numbers."""
        if a is b or a.lo >= b.hi:
            return self.false
        if a.hi < b.lo:
            return self.true
        width = a.width
        if b.op == "const" and b.data == 1:
            return self.eq(a, self.const(0, width))
        if a.op == "const" and a.data == 0:
            return self.ne(b, a)
        if b.op == "const" and b.data == (1 << width) - 1:
            return self.ne(a, b)
        if a.op == "const" and a.data == (1 << width) - 2:
            return self.eq(b, self.const(-1, width))
        if width == 1:
            return self.and_(self.not_(a), b)
        if b.op == "const" and b.data == 1 << (width - 1):
            return self.not_(self.extract(a, width - 1, width - 1))
        if a.op == "const" and a.data == (1 << (width - 1)) - 1:
            return self.extract(b, width - 1, width - 1)
        narrow = self._narrow_pair(a, b, "zext")
        if narrow is not None:
            return self.ult(*narrow)
        if a.op == b.op == "sext":
            # Sign extension keeps the unsigned order, too.
            inner = max(a.args[0].width, b.args[0].width)
            return self.ult(self.extract(a, inner - 1, 0), self.extract(b, inner - 1, 0))
        return self._make("ult", 1, (a, b))

    def _narrow_pair(self, a: Term, b: Term, extension: str) -> tuple[Term, Term] | None:
        terms = [t for t in (a, b) if t.op != "const"]
        if not all(t.op == extension for t in terms):
            return None
        inner = max(t.args[0].width for t in terms)
        for t in (a, b):
            if t.op == "const" and (t.data >> inner if extension == "zext" else
                                    not -(1 << inner - 1) <= signed(t.data, t.width) < 1 << (inner - 1)):
                return None
        return self.extract(a, inner - 1, 0), self.extract(b, inner - 1, 0)

    def slt(self, a: Term, b: Term) -> Term:
        """Whether a < b, as two's-complement numbers."""
        if a is b or a.slo >= b.shi:
            return self.false
        if a.shi < b.slo:
            return self.true
        width = a.width
        if width == 1:
            return self.and_(a, self.not_(b))
        if a.slo >= 0 and b.slo >= 0:
            return self.ult(a, b)
        if b.op == "const" and b.data == 0:
            return self.extract(a, width - 1, width - 1)
        if a.op == "const" and a.data == (1 << width) - 1:
            return self.not_(self.extract(b, width - 1, width - 1))
        if all(t.op in ("sext", "zext", "const") for t in (a, b)):
            need = max(_signed_bits(a), _signed_bits(b))
            need = max([need] + [t.args[0].width + (t.op == "zext") for t in (a, b) if t.op != "const"])
            if need < width:
                return self.slt(self.extract(a, need - 1, 0), self.extract(b, need - 1, 0))
        top = self.const(1 << width - 1, width)
        if all(t.op == "const" or (t.op == "xor" and t.args[1] is top) for t in (a, b)):
            # With their top bits flipped numbers without a sign compare as those with one.
            return self.ult(self.xor(a, top), self.xor(b, top))
        return self._make("slt", 1, (a, b))

    def ule(self, a: Term, b: Term) -> Term:
        return self.not_(self.ult(b, a))

    def sle(self, a: Term, b: Term) -> Term:
        return self.not_(self.slt(b, a))

    def saddo(self, a: Term, b: Term) -> Term:
        """Whether the signed sum does not fit the width."""
        for x, y in ((a, b), (b, a)):
            if y.op == "const" and y.data != 1 << (a.width - 1):
                return self.ssubo(x, self.neg(y))
        if -(1 << a.width - 1) <= a.slo + b.slo and a.shi + b.shi < 1 << (a.width - 1):
            return self.false
        return self._make("saddo", 1, self._ordered(a, b))

    def ssubo(self, a: Term, b: Term) -> Term:
        """Whether the signed difference does not fit the width."""
        if -(1 << a.width - 1) <= a.slo - b.shi and a.shi - b.slo < 1 << (a.width - 1):
            return self.false
        return self._make("ssubo", 1, (a, b))

    def ite(self, condition: Term, then: Term, otherwise: Term) -> Term:
        if condition.op == "const":
            return then if condition.data else otherwise
        if then is otherwise:
            return then
        if condition.op == "not":
            return self.ite(condition.args[0], otherwise, then)
        if then.op == "ite" and then.args[0] is condition:
            return self.ite(condition, then.args[1], otherwise)
        if otherwise.op == "ite" and otherwise.args[0] is condition:
            return self.ite(condition, then, otherwise.args[2])
        width = then.width
        if width == 1:
            if then.op == "const":
                return self.or_(condition, otherwise) if then.data else self.and_(self.not_(condition), otherwise)
            if otherwise.op == "const":
                return self.or_(self.not_(condition), then) if otherwise.data else self.and_(condition, then)
            if then is condition:
                return self.or_(condition, otherwise)
            if otherwise is condition:
                return self.and_(condition, then)
            if self.not_(then) is otherwise:
                return self.not_(self.xor(condition, then))
        if then.op == "const" and otherwise.op == "const":
            full = (1 << width) - 1
            if (then.data, otherwise.data) in ((1, 0), (0, 1)):
                return self.zext(condition if then.data else self.not_(condition), width)
            if (then.data, otherwise.data) in ((full, 0), (0, full)):
                return self.sext(condition if then.data else self.not_(condition), width)
        for extension in ("zext", "sext"):
            if all(t.op in (extension, "const") for t in (then, otherwise)) and width > 1 \
                    and extension in (then.op, otherwise.op):
                inner = max(t.args[0].width for t in (then, otherwise) if t.op != "const")
                if all(t.op != "const" or self._fits(t, inner, extension) for t in (then, otherwise)):
                    extend = self.zext if extension == "zext" else self.sext
                    return extend(self.ite(condition, self.extract(then, inner - 1, 0),
                                           self.extract(otherwise, inner - 1, 0)), width)
        if condition.op == "extract" and condition.data[0] == condition.args[0].width - 1 < width - 1:
            # The absolute value fits the width of what it is one of.
            x = condition.args[0]
            if condition.width == 1 and otherwise is self.sext(x, width) and then is self.neg(otherwise):
                return self.zext(self.ite(condition, self.neg(x), x), width)
        # What the condition says of one value: x if x == c else y.
        if condition.op == "eq" and condition.args[1].op == "const" and then is condition.args[0]:
            return self.ite(condition, condition.args[1], otherwise)
        if condition.op == "eq" and {*condition.args} == {then, otherwise}:
            return otherwise
        if condition.op == "slt" and {*condition.args} == {then, otherwise} and self.neg(then) is otherwise:
            # The greater of a number and its opposite is its absolute value.
            x, minus = (otherwise, then) if then.op == "sum" else (then, otherwise)
            is_negative = self.slt(x, self.const(0, width))
            return self.ite(is_negative, *((minus, x) if then is condition.args[1] else (x, minus)))
        if condition.op in ("ult", "slt") and {*condition.args} == {then, otherwise}:
            # The lesser or the greater of two: one order of comparison is the normal form.
            a, b = condition.args
            opposite = self.ult(b, a) if condition.op == "ult" else self.slt(b, a)
            if opposite is self.false:
                # The one is never greater than the other, and where they are equal either will do.
                return then
            if (a.op == "const" or (a.id > b.id and b.op != "const")) and opposite.op == condition.op:
                condition, then, otherwise = opposite, otherwise, then
        if then.op == "ite" and then.args[2] is otherwise:
            return self.ite(self.and_(condition, then.args[0]), then.args[1], otherwise)
        if otherwise.op == "ite" and otherwise.args[1] is then:
            return self.ite(self.or_(condition, otherwise.args[0]), then, otherwise.args[2])
        return self._make("ite", width, (condition, then, otherwise))

    @staticmethod
    def _fits(constant: Term, width: int, extension: str) -> bool:
        if extension == "zext":
            return not constant.data >> width
        return -(1 << width - 1) <= signed(constant.data, constant.width) < 1 << (width - 1)

    # Counting.

    def popcount(self, a: Term, width: int | None = None) -> Term:
        """The number of ones, as a term of `width` bits (default: that of `a`)."""
        return self._counted("popcount", a, a.width if width is None else width)

    def clz(self, a: Term, width: int | None = None) -> Term:
        """The number of leading zeros; that of all bits for 0."""
        return self._counted("clz", a, a.width if width is None else width)

    def ctz(self, a: Term, width: int | None = None) -> Term:
        return self._counted("ctz", a, a.width if width is None else width)

    def _counted(self, op: str, a: Term, width: int) -> Term:
        if a.op == "const":
            return self.const(_count(op, a.data, a.width), width)
        if op == "popcount" and a.op == "zext":
            return self._counted(op, a.args[0], width)
        bits = a.width.bit_length()
        if op == "clz" and a.op == "zext":
            inner = a.args[0]
            wide = max(bits, inner.width.bit_length())
            rest = self._counted(op, inner, wide)
            return self._resized(self.linear([(1, rest)], a.width - inner.width, wide), width)
        return self._resized(self._make(op, bits, (a,)), width)

    def _resized(self, a: Term, width: int) -> Term:
        return self.zext(a, width) if width >= a.width else self.extract(a, width - 1, 0)

    def table(self, index: Term, start: int, values: Sequence[int], width: int) -> Term:
        """``values[index - start]`` of `width` bits; the first value where the index is outside."""
        first = self.const(values[0], width)
        values = tuple(values)[:max((1 << index.width) - start, 0)]
        if index.op == "const":
            inside = start <= index.data < start + len(values)
            return self.const(values[index.data - start], width) if inside else first
        if all(v == first.data for v in values):
            return first
        top = max(values)
        if top < 1 << (width - 1):
            inner = max(top.bit_length(), 1)
            return self.zext(self.table(index, start, values, inner), width)
        return self._make("table", width, (self.sub(index, self.const(start, index.width)),), values)


# What the rules need to know about terms.

def _zeros(value: int) -> int:
    """The number of trailing zeros of a positive value."""
    return (value & -value).bit_length() - 1


def trailing_zeros(term: Term) -> int:
    """Low bits known to be 0."""
    if term.zeros is None:
        term.zeros = _counted_zeros(term)
    return term.zeros


def _counted_zeros(term: Term) -> int:
    if term.op == "const":
        return _zeros(term.data) if term.data else term.width
    if term.op == "sum":
        return min([_zeros(c) for c in term.data[0]] + ([_zeros(term.data[1])] if term.data[1] else []))
    if term.op in ("zext", "sext"):
        return trailing_zeros(term.args[0])
    if term.op == "concat":
        low = trailing_zeros(term.args[1])
        return low if low < term.args[1].width else low + trailing_zeros(term.args[0])
    if term.op in ("or", "xor"):
        return min(map(trailing_zeros, term.args))
    return 0


def _atoms(term: Term) -> tuple[Term, ...]:
    return term.args if term.op == "sum" else (term,)


def _unextended(term: Term, extension: str) -> Term | None:
    """The term that `term` extends; a constant as the narrowest that it extends."""
    return term.args[0] if term.op == extension else None


def _common_factor(term: Term) -> tuple[int, tuple[int, ...]] | None:
    """A power of two that all of a sum is a multiple of, and the coefficients without it."""
    if term.op != "sum":
        return None
    zeros = trailing_zeros(term)
    return (1 << zeros, tuple(c >> zeros for c in term.data[0])) if zeros else None


def _signed_bits(term: Term) -> int:
    """Bits of the smallest two's-complement type that holds the term."""
    return max((~term.slo).bit_length() if term.slo < 0 else term.slo.bit_length(),
               term.shi.bit_length() if term.shi >= 0 else (~term.shi).bit_length()) + 1


def _sum_interval(coefficients: Sequence[int], constant: int, atoms: Sequence[Term], width: int,
                  is_signed: bool) -> tuple[int, int]:
    """The exact interval of the sum over the integers, coefficients read as signed numbers."""
    lo = hi = signed(constant, width)
    for c, atom in zip(coefficients, atoms, strict=True):
        coefficient = signed(c, width)
        low, high = (atom.slo, atom.shi) if is_signed else (atom.lo, atom.hi)
        ends = (coefficient * low, coefficient * high)
        lo, hi = lo + min(ends), hi + max(ends)
    return lo, hi


def _never_wraps(t: Term) -> bool:
    """Whether a sum of unsigned atoms is the same over the integers."""
    lo, hi = _sum_interval(t.data[0], t.data[1], t.args, t.width, False)
    return lo >= 0 and hi < 1 << t.width


def _exact_constant(term: Term) -> int | None:
    """The constant with which the extended sum is what `term` is, over the integers; None where the sum may wrap."""
    inner, is_signed = term.args[0], term.op == "sext"
    if inner.exact and inner.slo >= 0:
        return signed(inner.data[1], inner.width)
    lo, hi = _sum_interval(inner.data[0], inner.data[1], inner.args, inner.width, is_signed)
    around = _wrapped_by(lo, hi, inner.width, is_signed)
    return signed(inner.data[1], inner.width) - around if around is not None else None


def _wrapped_by(lo: int, hi: int, width: int, is_signed: bool) -> int | None:
    """The multiple of ``2**width`` that all of lo..hi exceed what a term of that width holds by; None if none."""
    bottom = -(1 << width - 1) if is_signed else 0
    around = (lo - bottom) >> width << width
    return around if hi - around < bottom + (1 << width) else None


def _integer_coefficients(term: Term) -> list[int]:
    return [signed(c, term.args[0].width) for c in term.args[0].data[0]]


def _signed_quotient(op: str, a: int, b: int) -> int:
    """SMT-LIB's bvsdiv and bvsrem over the integers."""
    if b == 0:
        return (-1 if a >= 0 else 1) if op == "sdiv" else a
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient if op == "sdiv" else a - b * quotient


def _count(op: str, value: int, width: int) -> int:
    if op == "popcount":
        return value.bit_count()
    if op == "clz":
        return width - value.bit_length()
    return _zeros(value) if value else width


def _bound(t: Term) -> None:
    """Narrows the intervals of a new term by what its arguments are."""
    width = t.width
    full = (1 << width) - 1
    match t.op:
        case "const":
            t.lo = t.hi = t.data
            t.slo = t.shi = signed(t.data, width)
            return
        case "zext":
            t.lo, t.hi = t.args[0].lo, t.args[0].hi
        case "sext":
            t.slo, t.shi = t.args[0].slo, t.args[0].shi
        case "sum":
            for is_signed in (False, True):
                lo, hi = _sum_interval(t.data[0], t.data[1], t.args, width, is_signed)
                around = _wrapped_by(lo, hi, width, False)
                if around is not None:
                    t.lo, t.hi = max(t.lo, lo - around), min(t.hi, hi - around)
                around = _wrapped_by(lo, hi, width, True)
                if around is not None:
                    t.slo, t.shi = max(t.slo, lo - around), min(t.shi, hi - around)
        case "mul":
            a, b = t.args
            if a.hi * b.hi <= full:
                t.lo, t.hi = a.lo * b.lo, a.hi * b.hi
            ends = [x * y for x in (a.slo, a.shi) for y in (b.slo, b.shi)]
            if min(ends) >= -(1 << width - 1) and max(ends) < 1 << (width - 1):
                # A square is not negative.
                t.slo, t.shi = 0 if a is b else min(ends), max(ends)
        case "and":
            t.hi = min(t.args[0].hi, t.args[1].hi)
        case "or":
            t.lo = max(t.args[0].lo, t.args[1].lo)
            t.hi = (1 << max(t.args[0].hi.bit_length(), t.args[1].hi.bit_length())) - 1
        case "xor":
            t.hi = (1 << max(t.args[0].hi.bit_length(), t.args[1].hi.bit_length())) - 1
        case "not":
            t.lo, t.hi = full - t.args[0].hi, full - t.args[0].lo
        case "lshr":
            t.hi = t.args[0].hi >> min(t.args[1].lo, width)
        case "ashr":
            t.slo, t.shi = min(t.args[0].slo, 0), max(t.args[0].shi, -1)
        case "udiv":
            a, b = t.args
            if b.lo > 0:
                t.lo, t.hi = a.lo // b.hi, a.hi // b.lo
        case "urem":
            a, b = t.args
            t.hi = min(a.hi, b.hi - 1) if b.lo > 0 else a.hi
        case "srem":
            a, b = t.args
            if b.slo > 0 or b.shi < 0:
                most = max(abs(b.slo), abs(b.shi)) - 1
                t.slo, t.shi = (-min(most, -a.slo) if a.slo < 0 else 0), (min(most, a.shi) if a.shi > 0 else 0)
        case "sdiv":
            a, b = t.args
            if b.slo > 0 and a.slo > -(1 << width - 1):
                t.slo, t.shi = min(a.slo, 0), max(a.shi, 0)
        case "concat":
            high, low = t.args
            t.lo, t.hi = high.lo << low.width | low.lo, high.hi << low.width | low.hi
        case "extract":
            if t.data[0] == t.args[0].width - 1:
                t.lo, t.hi = t.args[0].lo >> t.data[1], t.args[0].hi >> t.data[1]
                t.slo, t.shi = t.args[0].slo >> t.data[1], t.args[0].shi >> t.data[1]
            elif t.data[1] == 0 and t.args[0].hi <= full:
                t.lo, t.hi = t.args[0].lo, t.args[0].hi
        case "ite":
            _bound_choice(t)
        case "popcount" | "clz" | "ctz":
            t.hi = t.args[0].width
        case "table":
            t.lo, t.hi = min(t.data), max(t.data)
    _agree(t)


def _bound_choice(t: Term) -> None:
    """The union of both arms, an arm that was compared with something cut to what the comparison says of it."""
    condition, then, otherwise = t.args
    lows, highs, least, most = [], [], [], []
    for arm, holds in ((then, True), (otherwise, False)):
        lo, hi, slo, shi = arm.lo, arm.hi, arm.slo, arm.shi
        if condition.op in ("ult", "slt"):
            small, large = condition.args if holds else (condition.args[1], condition.args[0])
            gap = int(holds)
            if condition.op == "ult" and arm is small:
                hi = min(hi, large.hi - gap)
            elif condition.op == "ult" and arm is large:
                lo = max(lo, small.lo + gap)
            elif condition.op == "slt" and arm is small:
                shi = min(shi, large.shi - gap)
            elif condition.op == "slt" and arm is large:
                slo = max(slo, small.slo + gap)
        lows.append(lo)
        highs.append(hi)
        least.append(slo)
        most.append(shi)
    t.lo, t.hi, t.slo, t.shi = min(lows), max(highs), min(least), max(most)


def _agree(t: Term) -> None:
    """Makes the unsigned and the signed interval of a term say the same."""
    half = 1 << (t.width - 1)
    if t.hi < half:
        t.slo, t.shi = max(t.slo, t.lo), min(t.shi, t.hi)
    elif t.lo >= half:
        t.slo, t.shi = max(t.slo, t.lo - 2 * half), min(t.shi, t.hi - 2 * half)
    if t.slo >= 0:
        t.lo, t.hi = max(t.lo, t.slo), min(t.hi, t.shi)
    elif t.shi < 0:
        t.lo, t.hi = max(t.lo, t.slo + 2 * half), min(t.hi, t.shi + 2 * half)


def topological(roots: Iterable[Term]) -> list[Term]:
    """Every term below `roots`, arguments first, in the order in which they are written."""
    order: list[Term] = []
    seen: set[int] = set()
    stack: list[Term | None] = [*reversed([*roots])]
    opened: list[Term] = []
    while stack:
        term = stack.pop()
        if term is None:
            order.append(opened.pop())
        elif term.id not in seen:
            seen.add(term.id)
            if term.args:
                opened.append(term)
                stack.append(None)
                stack += term.args[::-1]
            else:
                order.append(term)
    return order


def variables(roots: Iterable[Term]) -> dict[str, Term]:
    """The free variables below `roots`, by name."""
    return {t.data: t for t in topological(roots) if t.op == "var"}


def evaluate(roots: Sequence[Term], values: Mapping[str, int]) -> list[int]:
    """The values of `roots` where the variables have `values` (0 for those without)."""
    known: dict[int, int] = {}
    for t in topological(roots):
        known[t.id] = value_of(t, [known[a.id] for a in t.args], values)
    return [known[r.id] for r in roots]


def value_of(t: Term, a: Sequence[int], values: Mapping[str, int]) -> int:
    """The value of one term from those of its arguments."""
    width = t.width
    full = (1 << width) - 1
    match t.op:
        case "const":
            return int(t.data)
        case "var":
            return values.get(t.data, 0) & full
        case "sum":
            total: int = sum(c * x for c, x in zip(t.data[0], a, strict=True)) + t.data[1]
            return total & full
        case "mul":
            return a[0] * a[1] & full
        case "and":
            return a[0] & a[1]
        case "or":
            return a[0] | a[1]
        case "xor":
            return a[0] ^ a[1]
        case "not":
            return a[0] ^ full
        case "shl":
            return (a[0] << a[1]) & full if a[1] < width else 0
        case "lshr":
            return a[0] >> a[1] if a[1] < width else 0
        case "ashr":
            return signed(a[0], width) >> min(a[1], width) & full
        case "udiv":
            return a[0] // a[1] if a[1] else full
        case "urem":
            return a[0] % a[1] if a[1] else a[0]
        case "sdiv" | "srem":
            return _signed_quotient(t.op, signed(a[0], width), signed(a[1], width)) & full
        case "concat":
            return a[0] << t.args[1].width | a[1]
        case "extract":
            return a[0] >> int(t.data[1]) & full
        case "zext":
            return a[0]
        case "sext":
            return signed(a[0], t.args[0].width) & full
        case "eq":
            return int(a[0] == a[1])
        case "ult":
            return int(a[0] < a[1])
        case "slt":
            return int(signed(a[0], t.args[0].width) < signed(a[1], t.args[0].width))
        case "ite":
            return a[1] if a[0] else a[2]
        case "popcount" | "clz" | "ctz":
            return _count(t.op, a[0], t.args[0].width)
        case "saddo" | "ssubo":
            inner = t.args[0].width
            x, y = signed(a[0], inner), signed(a[1], inner)
            total = x + y if t.op == "saddo" else x - y
            return int(not -(1 << inner - 1) <= total < 1 << (inner - 1))
        case "table":
            return int(t.data[a[0] if a[0] < len(t.data) else 0])
    raise AssertionError(t.op)
