"""Output of a fixed number of bytes: one part makes all of them at once."""

from __future__ import annotations

from intent_tool.language import tree
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.numbers import BASES, Numbers, read_format
from intent_tool.propose.programs.resolve import substitute
from intent_tool.propose.programs.script import Advance, Call, Place, Room
from intent_tool.propose.programs.unparse import text_of

MOST = 256
"""Bytes of one piece."""


class NotFixed(Exception):
    """How many bytes these are depends on something."""


class Pieces(Numbers):
    def put_fixed(self, node: Expression) -> bool:
        """Puts what has always the same number of bytes; False, and nothing, for anything else."""
        try:
            items = self.items(node)
        except NotFixed:
            return False
        values = [item.value if isinstance(item, tree.Integer) else None for item in items]
        if sum(v is None for v in values) < 2:
            return False
        if any(v is not None and not 0 <= v <= 255 for v in values):
            return False
        face = self.interface(items, first=1)
        part = self.parts.make("piece", [f"uint8_t out[{len(items)}]", *face.parameters], node.span,
                               requires=face.requires, used=items,
                               writes={"out": "[" + ", ".join(map(face.text, items)) + "]"})
        self.add(Room(len(items)), Call(part.symbol, (Place("out"), *face.arguments)), Advance(len(items)))
        return True

    def items(self, node: Expression) -> list[Expression]:
        found = self.items_of(node)
        if len(found) > MOST or any(kinds.has_effects(item) or self.kind(item) != kinds.INTEGER for item in found):
            raise NotFixed
        return found

    def items_of(self, node: Expression) -> list[Expression]:
        match node:
            case tree.Bytes():
                return [kinds.number(node, b) for b in node.value]
            case tree.List() | tree.Tuple():
                return list(node.items)
            case tree.Call(function="bytes"):
                return self.items(node.arguments[0])
            case tree.Call(function="range"):
                values = kinds.constant_range(node)
                if values is None or len(values) > MOST:
                    raise NotFixed
                return [kinds.number(node, k) for k in values]
            case tree.Call(function="reversed"):
                return self.items(node.arguments[0])[::-1]
            case tree.Binary(op="+"):
                return self.items(node.left) + self.items(node.right)
            case tree.Name() if node.name in self.buffers and isinstance(self.buffers[node.name].length, int):
                size = self.buffers[node.name].length
                assert isinstance(size, int)
                if size > MOST:
                    raise NotFixed
                return [tree.Index(node.span, node, kinds.number(node, k)) for k in range(size)]
            case tree.Slice() if isinstance(node.start, tree.Integer | None) and isinstance(
                    node.stop, tree.Integer | None):
                start, stop = (b.value if b is not None else None for b in (node.start, node.stop))
                return self.items(node.sequence)[start:stop]
            case tree.Formatted():
                return [item for part in node.parts for item in (
                    [kinds.number(node, b) for b in part] if isinstance(part, bytes) else self.field_items(part))]
            case tree.Conditional():
                lo, hi = self.range_of(self.plain(node.test)) if not kinds.has_effects(node.test) else (0, 1)
                if lo == hi or lo > 0 or hi < 0:
                    return self.items(node.then if lo or hi else node.otherwise)
                then, otherwise = self.items(node.then), self.items(node.otherwise)
                if len(then) != len(otherwise):
                    raise NotFixed
                return [a if text_of(a) == text_of(b) else kinds.choice(node.test, a, b)
                        for a, b in zip(then, otherwise, strict=True)]
            case tree.Comprehension():
                return self.comprehension_items(node)
        raise NotFixed

    def comprehension_items(self, node: tree.Comprehension) -> list[Expression]:
        found: list[Expression] = []

        def level(number: int, env: dict[str, Expression]) -> None:
            if number == len(node.clauses):
                found.append(substitute(node.element, env))
                return
            clause = node.clauses[number]
            if clause.conditions or clause.target.name is None:
                raise NotFixed
            for item in self.items_of(substitute(clause.sequence, env)):
                if len(found) > MOST:
                    raise NotFixed
                level(number + 1, {**env, clause.target.name: item})
        level(0, {})
        return found

    def field_items(self, part: tree.FormattedField) -> list[Expression]:
        """The digits of a number that is filled with zeros to a width that it never exceeds."""
        form = read_format(part.spec)
        if self.kind(part.value) == kinds.SEQUENCE:
            if form.width:
                raise NotFixed
            return self.items(part.value)
        if form.type == "c" or form.comma or form.prefix or form.sign != "-" or form.align != "=" \
                or form.fill != b"0" or kinds.has_effects(part.value):
            raise NotFixed
        base = BASES[form.type or "d"]
        lo, hi = self.range_of(self.plain(part.value))
        if lo < 0 or hi >= base ** form.width or form.width > MOST:
            raise NotFixed
        digits: list[Expression] = []
        for place in range(form.width - 1, -1, -1):
            power = kinds.number(part.value, base ** place)
            digit = tree.Binary(part.span, "%", tree.Binary(part.span, "//", part.value, power), kinds.number(
                part.value, base))
            text: Expression = kinds.binary("+", digit, kinds.number(part.value, 48))
            if base == 16:
                letter = kinds.number(part.value, ord("A" if form.type == "X" else "a") - 10)
                text = kinds.choice(kinds.compare(digit, "<", kinds.number(part.value, 10)), text,
                                    kinds.binary("+", digit, letter))
            digits.append(text)
        return digits
