"""Which texts a GBNF grammar admits, for the part of GBNF that this tool writes: rules of literals, character classes
with counts, groups, alternatives and ``?`` (llama.cpp, grammars/README.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|\[[^\]]+\](?:\{\d+,\d+\})?|[a-z0-9*-]+|[()|?])')
Node = tuple[str, object]


class Grammar:
    def __init__(self, text: str) -> None:
        self.rules: dict[str, Node] = {}
        for line in text.splitlines():
            name, _, body = line.partition(" ::= ")
            assert name not in self.rules, f"{name} is defined twice"
            tokens = self._tokens(body)
            self.rules[name] = self._alternatives(tokens)
            assert not tokens, f"{name}: {tokens}"

    def admits(self, text: str) -> bool:
        return any(end == len(text) for end in self._ends(self.rules["root"], text, 0))

    def undefined(self) -> set[str]:
        """Rules that are used and not there."""
        used = {str(value) for rule in self.rules.values() for kind, value in _walk(rule) if kind == "rule"}
        return used - set(self.rules)

    def literals(self) -> set[str]:
        return {str(value) for rule in self.rules.values() for kind, value in _walk(rule) if kind == "text"}

    def _tokens(self, body: str) -> list[str]:
        tokens, at = [], 0
        while at < len(body.rstrip()):
            found = TOKEN.match(body, at)
            assert found, f"not GBNF: {body[at:at + 40]!r}"
            tokens.append(found[1])
            at = found.end()
        return tokens

    def _alternatives(self, tokens: list[str]) -> Node:
        choices = [self._sequence(tokens)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            choices.append(self._sequence(tokens))
        return "any", choices

    def _sequence(self, tokens: list[str]) -> Node:
        parts: list[Node] = []
        while tokens and tokens[0] not in ("|", ")"):
            token = tokens.pop(0)
            if token == "(":
                parts.append(self._alternatives(tokens))
                assert tokens.pop(0) == ")"
            elif token == "?":
                parts.append(("any", [parts.pop(), ("all", [])]))
            elif token.startswith('"'):
                parts.append(("text", token[1:-1].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")))
            elif token.startswith("["):
                parts.append(("class", re.compile(token)))
            else:
                parts.append(("rule", token))
        return "all", parts

    def _ends(self, node: Node, text: str, at: int) -> Iterator[int]:
        kind, value = node
        if kind == "text":
            if text.startswith(str(value), at):
                yield at + len(str(value))
        elif kind == "class":
            assert isinstance(value, re.Pattern)
            found = value.match(text, at)
            if found:
                yield from range(found.end(), at, -1)
        elif kind == "rule":
            yield from self._ends(self.rules[str(value)], text, at)
        elif kind == "any":
            assert isinstance(value, list)
            yield from {end for choice in value for end in self._ends(choice, text, at)}
        else:
            assert isinstance(value, list)
            yield from self._all(value, text, at)

    def _all(self, parts: list[Node], text: str, at: int) -> Iterator[int]:
        if not parts:
            yield at
            return
        for end in set(self._ends(parts[0], text, at)):
            yield from self._all(parts[1:], text, end)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node[1], list):
        for part in node[1]:
            yield from _walk(part)
