"""How many bits of each term are asked for, so that a loop's state is carried no wider than it need be.

A sum of 64-bit numbers that ends in ``u32(...)`` is exact over 109 bits, but only 32 are ever looked at. What follows
are the rules of lowering itself: sums, products and bitwise operators need as many bits of their operands as are
asked of them, everything else needs its operands whole."""

from __future__ import annotations

from collections.abc import Iterator

from intent_tool.language.contract import Contract
from intent_tool.language.elaborate import Each, Elaborated
from intent_tool.language.terms import Loop, Term, bit_width

RING = frozenset({"add", "sub", "mul", "and", "or", "xor"})


def exact_bits(lo: int, hi: int) -> int:
    """32, or a multiple of 64: the width at which every value of the interval has a word of its own."""
    return word_bits(bit_width(lo, hi))


def word_bits(needed: int) -> int:
    return 32 if needed <= 32 else -(-needed // 64) * 64


def roots_of(elaborated: Elaborated) -> list[Term | Each]:
    """What the function computes."""
    roots: list[Term | Each] = [] if elaborated.result is None else [elaborated.result]
    for content in elaborated.writes.values():
        roots += [content] if isinstance(content, Each) else content
    return roots


class Demand:
    def __init__(self, contract: Contract, elaborated: Elaborated) -> None:
        self.bits: dict[int, int] = {}
        """By the id of a term; of a loop's state, by the id of its variable."""
        signature = contract.signature
        assert signature is not None
        work: list[tuple[Term, int]] = []
        if elaborated.result is not None and signature.result is not None:
            work.append((elaborated.result, max(signature.result.bits, 32)))
        for name, content in elaborated.writes.items():
            size = max(signature.parameter(name).type.bits, 32)
            work += [(t, size) for t in content] if not isinstance(content, Each) else [
                (content.value, size), (content.count, 64)]
        loops: dict[int, list[tuple[Loop, Term]]] = {}
        """By a state's variable: the loops that bind it, with its initial value."""
        numbers: dict[int, int] = {}
        while work:
            term, asked = work.pop()
            asked = min(asked, exact_bits(term.lo, term.hi))
            if asked <= self.bits.get(term.id, 0):
                continue
            self.bits[term.id] = asked
            if term.op == "var":
                # Asked in a round, so the round before has to give it.
                for loop, initial in loops.get(term.id, ()):
                    work += [(loop.next[numbers[term.id]], asked), (initial, asked)]
            elif term.op == "state":
                whole = term.args[0]
                body: Loop = whole.data
                for k, (variable, initial) in enumerate(zip(body.states, whole.args[1:], strict=True)):
                    pair = body, initial
                    if pair not in loops.setdefault(variable.id, []):
                        loops[variable.id].append(pair)
                        numbers[variable.id] = k
                        if variable.id in self.bits:
                            work += [(body.next[k], self.bits[variable.id]), (initial, self.bits[variable.id])]
                work += [(whole.args[0], 64), (body.states[term.data], asked)]
                # A round computes every state.
                work += [(variable, 1) for variable in body.states]
            else:
                work += _operands(term, asked)

    def of(self, term: Term) -> int:
        exact = exact_bits(term.lo, term.hi)
        return min(word_bits(self.bits.get(term.id, exact)), exact)

    def width(self, variable: Term, exact: int) -> int:
        return min(word_bits(self.bits.get(variable.id, exact)), exact)


def _operands(term: Term, asked: int) -> Iterator[tuple[Term, int]]:
    op, args = term.op, term.args
    if op in RING or op in ("inv", "assume"):
        yield from ((a, asked) for a in args)
    elif op == "ite":
        yield args[0], 32
        yield from ((a, asked) for a in args[1:])
    elif op == "wrap":
        yield args[0], min(asked, max(term.data[0], 32))
    elif op == "shl":
        yield args[0], asked
        yield args[1], exact_bits(args[1].lo, args[1].hi)
    elif op == "shr" and args[1].op == "const":
        yield args[0], word_bits(asked + args[1].data)
    else:
        yield from ((a, max(64, exact_bits(a.lo, a.hi))) for a in args)
