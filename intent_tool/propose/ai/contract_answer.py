"""From an answer to a formula: texts for the keys of a contract, of which nothing is believed yet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from intent_tool.language.contract import Contract

MOST_ANSWER, MOST_TEXT = 64 * 1024, 2_000
"""Characters of an answer, and of one expression."""
MOST_ITEMS = 40
"""Of each list."""
MEMBERS = ("where", "requires", "returns", "ensures", "writes")
_DEFINED = re.compile(r"[A-Za-z_]\w*(?:\(\s*\w+(?:\s*,\s*\w+)*\s*\))?", re.ASCII)
_BUFFER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_QUOTED = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1""")
_FENCED = re.compile(r"```[a-z]*\n(.*)\n```", re.DOTALL)


class Unreadable(Exception):
    """The answer holds no formula. The text says why, for the model and for people."""


@dataclass(frozen=True, slots=True)
class Formula:
    """What a contract adds to an intent, as it will stand in the file; what is not given is empty."""

    where: tuple[tuple[str, str], ...] = ()
    """Name, or name with parameters, and expression."""
    requires: tuple[str, ...] = ()
    returns: str = ""
    ensures: tuple[str, ...] = ()
    writes: tuple[tuple[str, str], ...] = ()
    """Buffer and content."""

    def to_json(self) -> dict[str, Any]:
        return {"where": [{"name": n, "expr": e} for n, e in self.where], "requires": list(self.requires),
                "returns": self.returns, "ensures": list(self.ensures),
                "writes": [{"buffer": b, "content": c} for b, c in self.writes]}


def read_formula(text: str, contract: Contract) -> Formula:
    """The formula that an answer gives for the function of `contract`, which has none. Raises `Unreadable`."""
    found = _members(text)
    formula = Formula(
        _pairs(found, "where", ("name", "expr"), _DEFINED), _texts(found, "requires"),
        _text(found.get("returns", ""), "`returns`", may_be_empty=True), _texts(found, "ensures"),
        _pairs(found, "writes", ("buffer", "content"), _BUFFER))
    _require_fitting(formula, contract)
    return formula


def _members(text: str) -> dict[str, Any]:
    if len(text) > MOST_ANSWER:
        raise Unreadable(f"the answer is longer than {MOST_ANSWER:,} characters")
    bare = text.strip()
    fenced = _FENCED.fullmatch(bare)
    try:
        found = json.loads(fenced[1] if fenced else bare, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Unreadable("the answer is not one JSON object, each of whose members is given once") from None
    if not isinstance(found, dict):
        raise Unreadable("the answer is JSON, but not an object")
    more = [name for name in found if name not in MEMBERS]
    if more:
        raise Unreadable(f"the answer has the member {_shown(more[0])}; there are only {', '.join(MEMBERS)}")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member is given twice")
    return dict(pairs)


def _list(found: dict[str, Any], member: str) -> list[Any]:
    items = found.get(member, [])
    if not isinstance(items, list):
        raise Unreadable(f"`{member}` is not a list")
    if len(items) > MOST_ITEMS:
        raise Unreadable(f"`{member}` has {len(items):,} items; at most {MOST_ITEMS} are read")
    return items


def _texts(found: dict[str, Any], member: str) -> tuple[str, ...]:
    return tuple(_text(item, f"an item of `{member}`") for item in _list(found, member))


def _pairs(found: dict[str, Any], member: str, keys: tuple[str, str], name: re.Pattern[str]
           ) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for item in _list(found, member):
        if not isinstance(item, dict) or set(item) != set(keys):
            raise Unreadable(f"an item of `{member}` is not an object with the members {keys[0]} and {keys[1]}")
        head = _text(item[keys[0]], f"a {keys[0]} in `{member}`")
        if len(head) > 200 or name.fullmatch(head) is None:
            raise Unreadable(f"{_shown(head)} in `{member}` is no {keys[0]}")
        if head in (before for before, _ in pairs):
            raise Unreadable(f"{_shown(head)} is given twice in `{member}`")
        pairs.append((head, _text(item[keys[1]], f"{_shown(head)} in `{member}`")))
    return tuple(pairs)


def _text(value: Any, what: str, may_be_empty: bool = False) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"{what} is not a text")
    if len(value) > MOST_TEXT:
        raise Unreadable(f"{what} is longer than {MOST_TEXT:,} characters")
    text = value.strip(" ")
    if not text and not may_be_empty:
        raise Unreadable(f"{what} is empty")
    if not text.isascii():
        raise Unreadable(f"{what} holds characters that are not ASCII: {_shown(text)}")
    if not text.isprintable():
        raise Unreadable(f"{what} holds line ends or other control characters: {_shown(text)}")
    if "#" in _QUOTED.sub("", text):
        raise Unreadable(f"{what} holds a comment: {_shown(text)}")
    return text


def _require_fitting(formula: Formula, contract: Contract) -> None:
    """What the file says already is not for the model to say, and each thing is said in one way."""
    signature = contract.signature
    assert signature is not None
    for key in ("where", "requires"):
        if getattr(formula, key) and key in contract.key_spans:
            raise Unreadable(f"the file has `{key}` already, which stays as it is; leave it empty")
    if signature.result is None and formula.returns:
        raise Unreadable("the function returns nothing; leave `returns` empty")
    if formula.returns and formula.ensures:
        raise Unreadable("`returns` and `ensures` are both given; where there is a formula for the result, leave "
                         "`ensures` empty")
    if not (formula.returns or formula.ensures or formula.writes):
        raise Unreadable("nothing says what the function does: `returns`, `ensures` and `writes` are empty")


def _shown(text: str) -> str:
    short = text if len(text) <= 60 else text[:60] + "…"
    return "`" + "".join(c if c == "…" or (c.isascii() and c.isprintable()) else "\N{REPLACEMENT CHARACTER}"
                         for c in short) + "`"
