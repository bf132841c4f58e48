"""Numbers as text: the fields of f-strings (Python's Format Specification Mini-Language, as far as the language has
it)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from intent_tool.language import tree
from intent_tool.language.diagnostics import Span
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.script import (
    Break,
    Call,
    If,
    LoadByte,
    Operand,
    Place,
    Put,
    PutByte,
    PutMemory,
    Set,
    Statement,
    Variable,
    While,
)
from intent_tool.propose.programs.sequences import Sequences

_SPEC = re.compile(r"(?:(?P<fill>[^{}])?(?P<align>[<>=^]))?(?P<sign>[-+ ])?(?P<prefix>#)?(?P<zero>0)?"
                   r"(?P<width>[0-9]+)?(?P<comma>,)?(?P<type>[dxXobcs])?", re.DOTALL)
BASES = {"d": 10, "x": 16, "X": 16, "o": 8, "b": 2}
_SIZES = {10: (3, 5, 10, 20), 16: (2, 4, 8, 16), 8: (3, 6, 11, 22), 2: (8, 16, 32, 64)}
"""Digits that the parts for each base write."""


@dataclass(frozen=True, slots=True)
class Format:
    fill: bytes
    align: str
    """One of ``< > = ^``, empty where the kind of value decides."""
    sign: str
    prefix: bool
    width: int
    comma: bool
    type: str


def read_format(spec: str) -> Format:
    found = _SPEC.fullmatch(spec)
    assert found is not None, spec
    zero = found["zero"] is not None
    fill = found["fill"] or ("0" if zero else " ")
    align = found["align"] or ("=" if zero else "")
    return Format(fill.encode(), align, found["sign"] or "-", found["prefix"] is not None, int(found["width"] or 0),
                  found["comma"] is not None, found["type"] or "")


class Numbers(Sequences):
    def put_field(self, node: tree.FormattedField) -> None:
        form = read_format(node.spec)
        if self.kind(node.value) == kinds.SEQUENCE:
            self.put_text(node.value, form)
        elif form.type == "c":
            self.put_character(node.value, form)
        else:
            self.put_number(node.value, form)

    # Bytes

    def put_text(self, node: Expression, form: Format) -> None:
        if not form.width:
            self.put_sequence(node)
            return
        missing = self.integer(kinds.call("max", kinds.binary("-", kinds.number(node, form.width), kinds.call(
            "len", node)), kinds.number(node, 0)))
        before, after = self.halves(missing, form.align or "<", node)
        self.put_fill(form.fill, before)
        self.put_sequence(node)
        self.put_fill(form.fill, after)

    def put_sequence(self, node: Expression) -> None:
        raise NotImplementedError

    def halves(self, missing: Operand, align: str, node: Expression) -> tuple[Operand, Operand]:
        """How much is filled before and after."""
        if align == "<":
            return 0, missing
        if align != "^":
            return missing, 0
        amount = self.tree(node, missing)
        left = self.integer(tree.Binary(node.span, "//", amount, kinds.number(node, 2)))
        return left, self.integer(kinds.binary("-", amount, self.tree(node, left)))

    def put_fill(self, fill: bytes, count: Operand) -> None:
        if isinstance(count, int):
            if count > 0:
                self.add(Put(fill * count))
            return
        left = self.copied(count)
        loop = While(self.test("!=", left, 0))
        loop.body.extend([PutByte(fill[0]) if len(fill) == 1 else Put(fill), Set(left, left, "-", 1)])
        self.add(loop)

    # Characters

    def put_character(self, node: Expression, form: Format) -> None:
        """A code point as UTF-8 (RFC 3629, section 3)."""
        value = self.integer(node)
        lo, hi = self.ends(value)
        if lo < 0 or hi > 0x10FFFF:
            raise self.cannot("a character that may be none", node.span, "bound it, to 0 to 127 for ASCII")
        before, after = self.halves(max(form.width - 1, 0), form.align or "<", node)
        self.put_fill(form.fill, before)
        self.put_utf8(self.tree(node, value), hi)
        self.put_fill(form.fill, after)

    def put_utf8(self, code: Expression, hi: int) -> None:
        def put(first: int, bits: int) -> None:
            while True:
                shifted = tree.Binary(code.span, ">>", code, kinds.number(code, bits))
                mask = 0x3F if first == 0x80 else 0xFF
                value = tree.Binary(code.span, "&", shifted, kinds.number(code, mask))
                self.add(PutByte(self.integer(kinds.binary("+", kinds.number(code, first), value))))
                if not bits:
                    return
                first, bits = 0x80, bits - 6
        sizes = [(0x80, 0, 0), (0x800, 0xC0, 6), (0x10000, 0xE0, 12), (0x110000, 0xF0, 18)]

        def choose(number: int) -> None:
            limit, first, bits = sizes[number]
            if hi < limit or number == 3:
                put(first, bits)
                return
            self.either(kinds.compare(code, "<", kinds.number(code, limit)), lambda: put(first, bits),
                        lambda: choose(number + 1))
        choose(0)

    # Integers

    def put_number(self, node: Expression, form: Format) -> None:
        value = self.integer(node)
        if isinstance(value, int):
            text = format(value, self.spec_of(form))
            self.add(Put(text.encode()))
            return
        assert isinstance(value, Variable)
        base = BASES[form.type or "d"]
        size, sign = value, None
        lo, hi = self.ends(value)
        if lo < 0:
            sign = self.variable(0, 1)
            size = self.variable(0, max(-lo, hi))
            self.add(If(self.test("<", value, 0), [Set(sign, 1), Set(size, 0, "-", value)],
                        [Set(sign, 0), Set(size, value)]))
        count = next(k for k in _SIZES[base] if max(-lo, hi) < base ** k)
        if form.comma and form.align == "=" and form.fill == b"0":
            raise self.cannot("zeros with commas between them in front of a number", node.span)
        self.digits(size, base, count, form, node.span)
        grouped = count + (count - 1) // 3 if form.comma else count
        prefix = {2: b"0b", 8: b"0o", 16: b"0X" if form.type == "X" else b"0x", 10: b""}[base] if form.prefix else b""
        always = sign is None and form.sign != "-"
        if form.align == "=" and form.fill == b"0" and grouped <= form.width - len(prefix) - always and sign is None:
            # As wide as it can ever be: nothing depends on its size.
            self.put_sign(sign, form)
            self.add(*([Put(prefix)] if prefix else []))
            self.put_fill(form.fill, form.width - grouped - len(prefix) - always)
            self.add(PutMemory(Place("scratch"), grouped))
            return
        start, length = self.trimmed(grouped, form.comma)
        total = self.variable(0, 128)
        self.add(Set(total, length, "+", len(prefix) + always))
        if sign is not None:
            self.add(Set(total, total, "+", sign if form.sign == "-" else 1))
        missing: Operand = 0
        if form.width:
            missing = self.variable(0, form.width)
            self.add(If(self.test("<", total, form.width), [Set(missing, form.width, "-", total)], [Set(missing, 0)]))
        align = form.align or ">"
        before, after = self.halves(missing, align, node) if align != "=" else (0, 0)
        self.put_fill(form.fill, before)
        self.put_sign(sign, form)
        self.add(*([Put(prefix)] if prefix else []))
        if align == "=":
            self.put_fill(form.fill, missing)
        self.add(PutMemory(start, length))
        self.put_fill(form.fill, after)

    def spec_of(self, form: Format) -> str:
        fill = form.fill.decode() + form.align if form.align else ""
        return f"{fill}{form.sign}{'#' if form.prefix else ''}{form.width or ''}{',' if form.comma else ''}" \
            f"{form.type or 'd'}"

    def put_sign(self, sign: Variable | None, form: Format) -> None:
        plus = {"+": b"+", " ": b" ", "-": b""}[form.sign]
        if sign is None:
            self.add(*([Put(plus)] if plus else []))
        else:
            self.add(If(self.test("!=", sign, 0), [Put(b"-")], [Put(plus)] if plus else []))

    def digits(self, size: Variable, base: int, count: int, form: Format, span: Span) -> None:
        """All `count` digits into `scratch`, with zeros in front."""
        shift = {16: 4, 8: 3, 2: 1}.get(base, 0)
        digit = f"(x >> {shift} * k & {base - 1})" if shift else "x // 10**k % 10"
        length, where = count, {}
        if base == 16:
            where = {"digit(d)": f"d + (48 if d < 10 else {ord('A' if form.type == 'X' else 'a') - 10})"}
            digit = f"digit({digit})"
        else:
            digit = f"48 + {digit}"
        text = f"({digit} for k in range({count - 1}, -1, -1))"
        if form.comma:
            length = count + (count - 1) // 3
            items = [[digit.replace("k", str(k)), *(["44"] if k and k % 3 == 0 else [])]
                     for k in range(count - 1, -1, -1)]
            text = "[" + ", ".join(item for pair in items for item in pair) + "]"
        name = {10: "decimal", 16: "hexadecimal", 8: "octal", 2: "binary"}[base]
        requires = [f"x < {base ** count}"] if base ** count <= (1 << 64) - 1 else []
        part = self.parts.make(name, [f"uint8_t out[{length}]", "uint64_t x"], span, requires=requires,
                               where=where, writes={"out": text})
        self.add(Call(part.symbol, (Place("scratch"), size)))

    def trimmed(self, count: int, comma: bool) -> tuple[Variable, Variable]:
        """The text in `scratch` without zeros (and commas) in front; the last digit stays."""
        start, length, first = self.variable(), self.variable(1, count), self.variable(0, 255)
        self.add(Set(start, Place("scratch")), Set(length, count))
        loop = While(self.test("!=", length, 1))
        step: list[Statement] = [Set(start, start, "+", 1), Set(length, length, "-", 1)]
        skip = If(self.test("==", first, 48), step, [Break()])
        if comma:
            skip = If(self.test("==", first, 44), step, [skip])
        loop.body.extend([LoadByte(first, start), skip])
        self.add(loop)
        return start, length

