"""Expressions as text that reads back as the same expression: bound variables are named by their depth, so that two
expressions which differ in nothing else have the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from intent_tool.language import tree
from intent_tool.language.tree import Expression

_TAKEN = re.compile(r"(x|v|n|data)\d+|x|k|n|out|data|state|after|(value|map|fold|piece)_\d+")


def text_of(node: Expression, names: Mapping[str, str] = {}) -> str:
    """`names` has the variables that are free in `node`, where they are called otherwise there."""
    return _Printer().text(node, dict(names), 0)


def own_name(name: str) -> str:
    """A definition's name, or that of its parameter, in a part: none that parts have themselves."""
    return name + "_" if _TAKEN.fullmatch(name) else name


class _Printer:
    def text(self, node: Expression, names: dict[str, str], depth: int) -> str:
        def part(child: Expression) -> str:
            return self.text(child, names, depth)

        match node:
            case tree.Integer():
                return str(node.value) if node.value >= 0 else f"({node.value})"
            case tree.Bytes():
                return repr(node.value)
            case tree.Name():
                return names.get(node.name, node.name)
            case tree.Unary():
                return f"({node.op} {part(node.operand)})"
            case tree.Binary():
                return f"({part(node.left)} {node.op} {part(node.right)})"
            case tree.Compare():
                rest = " ".join(f"{op} {part(other)}" for op, other in node.rest)
                return f"({part(node.first)} {rest})"
            case tree.Logical():
                return "(" + f" {node.op} ".join(map(part, node.operands)) + ")"
            case tree.Conditional():
                return f"({part(node.then)} if {part(node.test)} else {part(node.otherwise)})"
            case tree.Tuple():
                return "(" + "".join(part(item) + ", " for item in node.items) + ")"
            case tree.List():
                return "[" + ", ".join(map(part, node.items)) + "]"
            case tree.Index():
                return f"{part(node.sequence)}[{part(node.index)}]"
            case tree.Slice():
                bounds = ":".join("" if b is None else part(b) for b in (node.start, node.stop))
                return f"{part(node.sequence)}[{bounds}]"
            case tree.Call() | tree.CallIntent():
                name = node.function if isinstance(node, tree.Call) else node.name
                return f"{name}({', '.join(map(part, node.arguments))})"
            case tree.CallDefinition():
                name = own_name(node.name)
                return name if node.arguments is None else f"{name}({', '.join(map(part, node.arguments))})"
            case tree.FunctionReference():
                return own_name(node.name) if node.kind == "definition" else node.name
            case tree.Lambda():
                inner = self.bound(node.parameters, names, depth)
                body = self.text(node.body, inner, depth + len(node.parameters))
                return f"(lambda {', '.join(inner[p] for p in node.parameters)}: {body})"
            case tree.Comprehension():
                return self.comprehension(node, names, depth)
            case tree.Formatted():
                # Not for reading back: no function has any.
                fields = [repr(p) if isinstance(p, bytes) else f"{part(p.value)}:{p.spec}" for p in node.parts]
                return f"f({', '.join(fields)})"
            case _:
                raise AssertionError(node)

    def bound(self, new: tuple[str, ...], names: dict[str, str], depth: int) -> dict[str, str]:
        return names | {name: f"x{depth + k}" for k, name in enumerate(new)}

    def comprehension(self, node: tree.Comprehension, names: dict[str, str], depth: int) -> str:
        clauses = ""
        for clause in node.clauses:
            sequence = self.text(clause.sequence, names, depth)
            new = tuple(pattern_names(clause.target))
            names, depth = self.bound(new, names, depth), depth + len(new)
            clauses += f" for {self.pattern(clause.target, names)} in {sequence}"
            clauses += "".join(f" if {self.text(c, names, depth)}" for c in clause.conditions)
        inner = self.text(node.element, names, depth) + clauses
        return f"[{inner}]" if node.is_list else f"({inner})"

    def pattern(self, pattern: tree.Pattern, names: dict[str, str]) -> str:
        if pattern.name is not None:
            return names[pattern.name]
        return "(" + "".join(self.pattern(item, names) + ", " for item in pattern.items) + ")"


def pattern_names(pattern: tree.Pattern) -> list[str]:
    if pattern.name is not None:
        return [pattern.name]
    return [name for item in pattern.items for name in pattern_names(item)]
