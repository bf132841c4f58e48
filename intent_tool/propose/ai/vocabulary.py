"""Which rows of the instruction table an answer may use: all that can stand in a leaf function, or only those that do
what the contract speaks of. With few words a small model finds the right ones; with all of them a large one may find
what nobody thought of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from intent_tool.language.contract import Contract
from intent_tool.language.tree import Binary, Call, Compare, Conditional, Logical, Unary
from intent_tool.language.walk import descendants
from intent_tool.machine.instruction import Row
from intent_tool.machine.row_notation import row
from intent_tool.machine.target import Target

_CHOICE = "if"
_NEEDED = {
    "+": "+", "-": "-+~", "*": "*+<", "/": "/%>&*-+", "%": "/%>&*-+", "<": "<&", ">": ">&", "&": "&", "|": "|",
    "^": "^", "~": "~",
}
"""What an operation is usually made of, by the first character of its sign."""
_OPERATOR = re.compile(r"//|<<|>>|[-+*%&|^~]")
_WIDTH = re.compile(r"\b([ui])(\d+)\(")
_SIGNED_FLAGS = re.compile(r"\b(sf|of|n|v)\b|i64\(")


def usable_rows(contract: Contract, target: Target, narrow: bool) -> list[Row]:
    """The rows for a leaf function that may keep `contract`; with `narrow` only what it speaks of."""
    isa = import_module(f"intent_tool.machine.{target.isa}")
    rows = [row for row in [*isa.TABLE.values(), *_shorthands(target.isa)] if _is_usable(row, contract, target, isa)]
    if not narrow:
        return rows
    spoken = _Spoken(contract, isa)
    return [row for row in rows if spoken.admits(row)]


def divides(contract: Contract) -> bool:
    return bool({"/", "//", "%"} & set(_words(contract)))


def has_memory(contract: Contract, target: Target) -> bool:
    assert contract.signature is not None
    parameters = contract.signature.parameters
    return any(p.buffer is not None for p in parameters) or len(parameters) > len(target.abi.arguments)


def _is_usable(row: Row, contract: Contract, target: Target, isa: Any) -> bool:
    mnemonic = row.text.partition(" ")[0]
    if row.feature is not None and row.feature not in target.features:
        return False
    values = [value for name, value in row.meaning.items() if name not in getattr(isa, "FLAGS", ())]
    # RISC-V's table has pseudo-instructions, too, which the disassembler knows by other names.
    if (mnemonic not in target.instructions and target.isa != "riscv64") or "undefined" in values:
        return False
    if any(o.kind == "table" for o in row.operands) or row.uses_vectors:
        return False
    if "pc" in row.meaning:
        # Conditional, and to a label: the others are left to the rules, or leave the function.
        return " if " in row.meaning["pc"] and any(o.kind == "label" for o in row.operands)
    touches = {word for text in row.meaning.values() for word in re.findall(r"\w+", text)} | set(row.meaning)
    return target.abi.stack_pointer not in row.meaning \
        and (has_memory(contract, target) or not touches & {"load", "memory"})


@cache
def _shorthands(isa: str) -> tuple[Row, ...]:
    """What assemblers take besides the table's forms, and people write: addresses without 0 and without times 1, and
    on x86-64 products with one register named once."""
    table: Mapping[str, Row] = import_module(f"intent_tool.machine.{isa}").TABLE
    rows = []
    for found in table.values():
        text = re.sub(r"(?: \+ |, #)\{i\}\]", "]", found.text).replace("*1]", "]")
        if text != found.text:
            operands = tuple(o for o in found.operands if o.name != "i")
            meaning = {name: value.replace(" + i", "").replace(" * 1", "") for name, value in found.meaning.items()}
            rows.append(replace(found, form=text, text=text, operands=operands, meaning=meaning))
    if isa == "x86_64":
        rows += [row(f"imul {{d+:r{w}}}, {{i:i32}}", flags=frozenset(), registers=frozenset(), d=f"u{w}(d * i)")
                 for w in (32, 64)]
    return tuple(rows)


class _Spoken:
    """What a contract speaks of."""

    def __init__(self, contract: Contract, isa: Any) -> None:
        self.flags = set(getattr(isa, "FLAGS", ()))
        self.words = set(_words(contract))
        assert contract.signature is not None
        types = [p.type for p in contract.signature.parameters]
        types += [contract.signature.result] if contract.signature.result is not None else []
        self.is_narrow = all(t.bits <= 32 for t in types) and "*" not in self.words
        self.is_unsigned = not any(t.signed for t in types) and "-" not in self.words
        self.has_small = any(t.bits < 32 for t in types)

    def admits(self, row: Row) -> bool:
        choice = _CHOICE in self.words
        # An address is always made of whole registers.
        own = [o for o in row.operands if o.name == "d" or not row.text.startswith("lea")]
        if self.is_narrow and self.flags and any(o.kind in ("r64", "x") for o in own):
            return False
        if not self.has_small and any(o.kind in ("r8", "r16") for o in row.operands):
            return False
        reads_flags = "flags" in row.reads
        if reads_flags or "pc" in row.meaning or any(o.kind == "cond" for o in row.operands):
            return choice and self._is_plain_choice(row)
        value = row.meaning.get("d")
        if value is None:
            # Comparisons, and products and quotients with fixed registers.
            fixed = " ".join(v for name, v in row.meaning.items() if name not in self.flags)
            made_of = set(_OPERATOR.findall(fixed))
            return made_of - {">>", "<<", "|"} <= self.words and bool(made_of & {"*", "//"}) if fixed \
                else choice and len(row.operands) == 2
        plain = _WIDTH.sub("(", value)
        if re.search(r"(?<!<)<(?!<)|(?<!>)>(?!>)|==", plain):
            return choice
        names = {word for word in re.findall(r"[a-z_]\w+", plain) if word not in ("rcx", "rax", "rdx", "load")}
        signs = _OPERATOR.findall(plain)
        if names:
            return names <= self.words
        if not signs:
            return plain.strip("()") in ("a", "i") and (self.has_small or not re.search(r"[ui](8|16)\(", value))
        # Counts of shifts are taken modulo the width.
        most = 3 if row.text.startswith("lea") else 2
        is_shift = bool({"<<", ">>"} & set(signs))
        return len(signs) <= most and {sign for sign in signs if not (is_shift and sign == "&")} <= self.words

    def _is_plain_choice(self, row: Row) -> bool:
        """One thing or the other, or a branch, on a condition that such numbers have."""
        text = row.meaning.get("pc", row.meaning.get("d", ""))
        if " if " not in text or (self.is_unsigned and _SIGNED_FLAGS.search(text)) or re.search(r"\bpf\b", text):
            return False
        then, _, rest = text.partition(" if ")
        return "pc" in row.meaning or not _OPERATOR.search(then + rest.partition(" else ")[2])


def _words(contract: Contract) -> Iterator[str]:
    expressions = [contract.returns, *contract.ensures, *contract.writes.values(),
                   *(d.body for d in contract.where.values())]
    for expression in expressions:
        for node in descendants(expression) if expression is not None else ():
            if isinstance(node, (Compare, Conditional, Logical)):
                yield _CHOICE
            elif isinstance(node, Call):
                yield node.function
                if node.function in ("min", "max", "abs"):
                    yield _CHOICE
                if node.function == "abs":
                    yield "-"
            elif isinstance(node, (Binary, Unary)) and node.op[0] in _NEEDED:
                yield from (sign * 2 if sign in "<>/" else sign for sign in _NEEDED[node.op[0]])
