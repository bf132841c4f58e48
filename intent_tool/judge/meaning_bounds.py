"""Closer bounds for weighted sums: a*(256 - t) + b*t stays between a and b, though each part alone does not.

A term is read as a polynomial over the integers divided by a constant, rounded down. A polynomial that is linear in
each of its variables takes its extremes where every variable is at an end of its interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from intent_tool.judge.bitvector import Term, signed
from intent_tool.judge.meaning_facts import Here, Interval, Key
from intent_tool.judge.meaning_values import Number

MOST_MONOMIALS = 64
MOST_VARIABLES = 10

Monomials = Mapping[tuple[Key, ...], int]
"""Products of variables (sorted, repeated for powers) and their coefficients."""


@dataclass(frozen=True, slots=True)
class Quotient:
    """The value of `monomials` divided by `divisor`, rounded down."""

    monomials: Monomials
    divisor: int = 1


def close_bounds(number: Number, here: Here) -> Interval:
    """An interval of the number's value where it is evaluated, often closer than its own."""
    reading = _Reading(here)
    lo, hi = reading.bounds(reading.quotient(number.term, number.lo < 0))
    return max(lo, number.lo), min(hi, number.hi)


class _Reading:
    def __init__(self, here: Here) -> None:
        self.here = here
        self.variables: dict[Key, Interval] = {}
        self.known: dict[Key, Quotient] = {}

    def quotient(self, term: Term, is_signed: bool) -> Quotient:
        """What equals the term's value, read so."""
        key = term.id, is_signed
        known = self.known.get(key)
        if known is None:
            made = self.made(term, is_signed)
            width = term.width
            bottom, top = (-(1 << width - 1), (1 << width - 1) - 1) if is_signed else (0, (1 << width) - 1)
            if made is not None and len(made.monomials) <= MOST_MONOMIALS:
                lo, hi = self.bounds(made)
                # Equal modulo 2**width; which of the numbers that are tells the interval.
                around = (lo - bottom) >> width << width
                if hi - around <= top:
                    known = _sum(made, -around) if around else made
            if known is None:
                self.variables[key] = self.here.interval(term, is_signed)
                known = Quotient({(key,): 1})
            self.known[key] = known
        return known

    def made(self, term: Term, is_signed: bool) -> Quotient | None:
        """What equals the term's value modulo ``2**width``, from what equals its arguments; None for a variable."""
        args = term.args
        match term.op:
            case "const":
                return Quotient({(): signed(term.data, term.width) if is_signed else term.data})
            case "zext":
                return self.quotient(args[0], False)
            case "sext" if is_signed:
                return self.quotient(args[0], True)
            case "extract" if term.data[0] == args[0].width - 1:
                whole = self.quotient(args[0], is_signed)
                return Quotient(whole.monomials, whole.divisor << term.data[1])
            case "udiv" if not is_signed and args[1].is_const and args[1].data:
                whole = self.quotient(args[0], False)
                return Quotient(whole.monomials, whole.divisor * args[1].data)
            case "not":
                return self.weighted([(-1, args[0])], -1, is_signed)
            case "sum":
                width, (coefficients, constant) = term.width, term.data
                parts = [(signed(c, width), arg) for c, arg in zip(coefficients, args, strict=True)]
                return self.weighted(parts, signed(constant, width), is_signed)
            case "mul":
                return self.product(args[0], args[1], is_signed)
        return None

    def weighted(self, parts: list[tuple[int, Term]], constant: int, is_signed: bool) -> Quotient:
        """The sum of factor*term over `parts`, plus a constant."""
        total = Quotient({(): constant})
        for coefficient, arg in parts:
            factor = coefficient
            part = self.quotient(arg, is_signed)
            if part.divisor > 1 and (factor != 1 or total.divisor > 1):
                # Rounding does not commute with factors, nor with other roundings.
                part = self.variable(arg, is_signed)
            if part.divisor > 1:
                # n + p // d = (n*d + p) // d
                total = Quotient({m: c * part.divisor for m, c in total.monomials.items()}, part.divisor)
                factor = 1
            elif total.divisor > 1:
                factor *= total.divisor
            merged = dict(total.monomials)
            for monomial, c in part.monomials.items():
                merged[monomial] = merged.get(monomial, 0) + c * factor
            total = Quotient({m: c for m, c in merged.items() if c}, total.divisor)
        return total

    def product(self, a: Term, b: Term, is_signed: bool) -> Quotient:
        factors = []
        for term in (a, b):
            factor = self.quotient(term, is_signed)
            factors.append(factor if factor.divisor == 1 else self.variable(term, is_signed))
        found: dict[tuple[Key, ...], int] = {}
        for (left, c), (right, d) in product(factors[0].monomials.items(), factors[1].monomials.items()):
            monomial = tuple(sorted(left + right))
            found[monomial] = found.get(monomial, 0) + c * d
        return Quotient({m: c for m, c in found.items() if c})

    def variable(self, term: Term, is_signed: bool) -> Quotient:
        """The term as a variable of its own, with the bounds that are known of it."""
        key = term.id, is_signed
        lo, hi = self.bounds(self.quotient(term, is_signed))
        known = self.here.interval(term, is_signed)
        self.variables[key] = max(lo, known[0]), min(hi, known[1])
        return Quotient({(key,): 1})

    def bounds(self, quotient: Quotient) -> Interval:
        monomials = quotient.monomials
        names = sorted({name for monomial in monomials for name in monomial})
        if len(names) <= MOST_VARIABLES and all(len({*m}) == len(m) for m in monomials):
            values = [sum(c * prod(corner[name] for name in monomial) for monomial, c in monomials.items())
                      for ends in product(*(self.variables[name] for name in names))
                      for corner in [dict(zip(names, ends, strict=True))]]
            lo, hi = min(values), max(values)
        else:
            lo = hi = 0
            for monomial, c in monomials.items():
                ends = (c, c)
                for name in monomial:
                    corners = [x * y for x in ends for y in self.variables[name]]
                    ends = min(corners), max(corners)
                lo, hi = lo + ends[0], hi + ends[1]
        return lo // quotient.divisor, hi // quotient.divisor


def _sum(quotient: Quotient, constant: int) -> Quotient:
    monomials = dict(quotient.monomials)
    monomials[()] = monomials.get((), 0) + constant * quotient.divisor
    return Quotient(monomials, quotient.divisor)
