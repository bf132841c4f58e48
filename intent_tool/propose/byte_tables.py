"""A step that mixes one byte into a state bit by bit, by one look into a table of 256 entries.

Sarwate, Computation of Cyclic Redundancy Checks via Table Look-Up (CACM 1988). Found without knowing what the step is
for: each bit of the next state is followed as a sum modulo 2 of bits of state and byte. If it is one for all of them,
and the bits beyond eight are only moved, the table holds what those eight bits become."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from intent_tool.language.terms import Loop, Term, Terms, walk
from intent_tool.propose.fold_plan import Plan

LEAST_TERMS = 12
"""Fewer operations than this are as good as a table."""
MOST_BITS = 64

Bits = tuple[int, ...]
"""The lowest first; each is a set (as a mask) of input bits whose sum it is. Input 0 is the constant 1."""


class NotLinear(Exception):
    pass


def with_byte_tables(terms: Terms, plan: Plan) -> Plan:
    following = list(plan.next)
    for k, state in enumerate(plan.states):
        if plan.exit is None and state.lo == 0 and state.hi >= 255 and (state.hi & state.hi + 1) == 0:
            found = _by_table(terms, state, plan.next[k])
            following[k] = found if found is not None else following[k]
    return replace(plan, next=tuple(following))


def _by_table(terms: Terms, state: Term, after: Term) -> Term | None:
    below = [*walk([after])]
    loads = [t for t in below if t.op == "load"]
    if len(loads) != 1 or not 0 <= loads[0].lo <= loads[0].hi <= 255 or len(below) < LEAST_TERMS:
        return None
    (byte,) = loads
    width = state.hi.bit_length()
    if width > MOST_BITS:
        return None
    inputs = {state.id: tuple(2 << k for k in range(width)), byte.id: tuple(2 << width + k for k in range(8))}
    try:
        bits = _Following(inputs).bits(after)
    except NotLinear:
        return None
    if len(bits) > width:
        return None
    # What each input bit alone changes; the first is the constant part.
    effect = [sum((b >> i & 1) << k for k, b in enumerate(bits)) for i in range(1 + width + 8)]
    constant, of_state, of_byte = effect[0], effect[1:1 + width], effect[1 + width:]
    top = width - 8
    if all(of_state[k] == 1 << k - 8 for k in range(8, width)) and of_byte == of_state[:8]:
        is_down, part = True, state
    elif all(of_state[k] == 1 << k + 8 for k in range(top)) and of_byte == of_state[top:]:
        is_down, part = False, terms.binary("shr", state, terms.const(top))
    else:
        return None
    table = []
    for value in range(256):
        word = constant
        for k in range(8):
            word ^= of_byte[k] * (value >> k & 1)
        table.append(word)
    index = terms.binary("and", terms.binary("xor", part, byte), terms.const(255))
    entry = terms.table(tuple(table), index)
    if is_down:
        moved = terms.binary("shr", state, terms.const(8))
    else:
        moved = terms.binary("and", terms.binary("shl", state, terms.const(8)), terms.const(state.hi))
    return terms.binary("xor", entry, moved)


@dataclass
class _Following:
    """Follows bits through terms. Raises NotLinear."""

    known: dict[int, Bits] = field(default_factory=dict)

    def bits(self, root: Term) -> Bits:
        for t in walk([root]):
            # What stands in a loop's body is followed when the rounds are gone through.
            if t.id not in self.known:
                try:
                    self.known[t.id] = self.followed(t)
                except (NotLinear, KeyError):
                    continue
        if root.id not in self.known:
            raise NotLinear
        return self.known[root.id]

    def followed(self, t: Term) -> Bits:
        if t.op == "const":
            if t.data < 0 or t.data >= 1 << MOST_BITS:
                raise NotLinear
            return tuple(t.data >> k & 1 for k in range(t.data.bit_length()))
        if t.op == "state":
            return self.rounds(t)
        args = [self.known[a.id] for a in t.args if a.op != "loop"]
        constant = t.args[-1].data if t.args and t.args[-1].op == "const" else None
        match t.op:
            case "assume":
                return tuple(args[0])
            case "xor":
                return _sum(args[0], args[1])
            case "and" if constant is not None:
                return _trimmed(tuple(b if constant >> k & 1 else 0 for k, b in enumerate(args[0])))
            case "or" | "add" if not any(a and b for a, b in zip(*args, strict=False)):
                return _sum(args[0], args[1])
            case "shl" if constant is not None and constant + len(args[0]) <= 2 * MOST_BITS:
                return tuple([0] * constant) + args[0]
            case "shr" if constant is not None:
                return args[0][constant:]
            case "wrap" if not t.data[1]:
                return _trimmed(args[0][:t.data[0]])
            case "mul" if constant is not None and len(args[0]) <= 1 and constant >= 0:
                return tuple(args[0][0] if args[0] and constant >> k & 1 else 0 for k in range(constant.bit_length()))
            case "eq" | "ne" if constant in (0, 1) and len(args[0]) <= 1:
                bit = args[0][0] if args[0] else 0
                return _trimmed((bit if (t.op == "ne") == (constant == 0) else bit ^ 1,))
            case "ne" if constant == 0 and sum(map(bool, args[0])) == 1:
                return (next(filter(None, args[0])),)
            case "eq" if constant == 0 and sum(map(bool, args[0])) == 1:
                return (next(filter(None, args[0])) ^ 1,)
            case "ite" if len(args[0]) <= 1:
                return self.chosen(args[0][0] if args[0] else 0, args[1], args[2])
            case "bitrev" | "bswap" if len(args[0]) <= t.data:
                padded = args[0] + (0,) * (t.data - len(args[0]))
                step = 8 if t.op == "bswap" else 1
                parts = [padded[k:k + step] for k in range(0, t.data, step)]
                return _trimmed(tuple(b for part in reversed(parts) for b in part))
            case "rotl" if constant is not None and len(args[0]) <= t.data:
                padded = args[0] + (0,) * (t.data - len(args[0]))
                return _trimmed(padded[t.data - constant:] + padded[:t.data - constant])
        raise NotLinear

    def chosen(self, condition: int, then: Bits, otherwise: Bits) -> Bits:
        """Where the arms differ by a constant, the condition is what is added."""
        found = []
        for k in range(max(len(then), len(otherwise))):
            a = then[k] if k < len(then) else 0
            b = otherwise[k] if k < len(otherwise) else 0
            if a ^ b not in (0, 1):
                raise NotLinear
            found.append(b ^ condition if a != b else b)
        return _trimmed(tuple(found))

    def rounds(self, state: Term) -> Bits:
        count, *initial = state.args[0].args
        body: Loop = state.args[0].data
        if count.op != "const" or count.data > MOST_BITS:
            raise NotLinear
        now = [self.known[t.id] for t in initial]
        for number in range(count.data):
            inputs = dict(self.known)
            own = {t.id for n in body.next for t in walk([n])}
            # Of another round: everything that may depend on what it binds.
            for key in own - {t.id for t in walk(initial)}:
                if key in inputs and key not in self.leaves(body):
                    del inputs[key]
            inputs |= {s.id: bits for s, bits in zip(body.states, now, strict=True)}
            inputs[body.index.id] = tuple(number >> k & 1 for k in range(number.bit_length()))
            inside = _Following(inputs)
            now = [inside.bits(n) for n in body.next]
        number = state.data
        return tuple(now[number])

    def leaves(self, body: Loop) -> set[int]:
        return {t.id for n in body.next for t in walk([n]) if t.op in ("var", "load", "param", "const")}


def _sum(a: Bits, b: Bits) -> Bits:
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    return _trimmed(tuple(x ^ y for x, y in zip(longer, shorter, strict=False)) + longer[len(shorter):])


def _trimmed(bits: Bits) -> Bits:
    end = len(bits)
    while end and not bits[end - 1]:
        end -= 1
    return bits[:end]
