"""The form that an answer is held to, where the server can hold it: a JSON schema, or a grammar for llama.cpp.

The grammar (GBNF, llama.cpp's grammars/README.md) is derived from the target's instruction table. It admits lines of
instructions, branches that meet their labels, and `ret` at the end; no register is written that the ABI wants kept,
and none is read before it was written. Code of that form is judged like any other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from intent_tool.language.contract import Contract
from intent_tool.machine.instruction import Row
from intent_tool.machine.target import Target
from intent_tool.propose.ai.vocabulary import divides, usable_rows

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"lines": {"type": "array", "items": {"type": "string"},
                             "description": "one instruction or one label a line, in order, the last one ret"}},
    "required": ["lines"],
    "additionalProperties": False,
}
LEAST_TOKENS, MOST_TOKENS = 160, 2048
"""Of an answer under a grammar, which by itself ends nothing; between them, as long as the intent."""
_SCRATCH = 3
"""Registers besides those of the arguments and the result; more would only widen the choice."""
_LABELS = 3
_NUMBERS = {
    "i64": '"-"? [0-9]{1,19}', "i32u": "[0-9]{1,10}", "i32": '"-"? [0-9]{1,10}', "i9": '"-"? [0-9]{1,3}',
    "i12": '"-"? [0-9]{1,4}', "bitmask": '"0x" [0-9a-f]{1,16} | [0-9]{1,10}',
}
"""How immediates are written; what does not fit is for the assembler to refuse."""
_ZERO = {"arm64": {"x": "xzr", "w": "wzr"}, "riscv64": {"x": "zero"}}


def grammar(contract: Contract, target: Target, narrow: bool) -> str:
    """The GBNF grammar of functions for `target` that may keep `contract`; with `narrow`, of instructions that do
    what the contract speaks of."""
    return "\n".join(_Writer(contract, target, usable_rows(contract, target, narrow)).rules()) + "\n"


def answer_tokens(contract: Contract) -> int:
    """The most that an answer under the grammar may take."""
    return max(LEAST_TOKENS, min(MOST_TOKENS, len(contract.source.text)))


def usable_registers(contract: Contract, target: Target) -> list[str]:
    """By their 64-bit names: those of the arguments, which hold something, then the result's and free ones."""
    assert contract.signature is not None
    abi = target.abi
    used = list(abi.arguments[:len(contract.signature.parameters)])
    fixed: list[str] = []
    if target.isa == "x86_64":
        # Counts of shifts, products and quotients have their places there.
        fixed = ["rdx", "rcx"] if divides(contract) else ["rcx", "rdx"]
    more = [abi.result, *fixed, *(r for r in abi.caller_saved if r not in fixed and r != abi.result)]
    return used + [r for r in more if r not in used][:1 + _SCRATCH]


@dataclass(frozen=True, slots=True)
class _Writer:
    """State `s` of a function under way: so many of the free registers, in their order, hold something."""

    contract: Contract
    target: Target
    rows: list[Row]

    def rules(self) -> Iterator[str]:
        usable = self.rows
        lines = [row for row in usable if all(o.kind != "label" for o in row.operands)]
        branches = [row for row in usable if row not in lines]
        states = len(self._free()) + 1
        # Models forget that the result's register holds junk; written first, it can be forgotten no more.
        starts_with_result = self._has_result() and self._free()[:1] == [self.target.abi.result]
        yield 'root ::= new-0 "\\n" top-1-1' if starts_with_result else "root ::= top-0-1"
        for state in range(states):
            yield from self._sequences(state, states, bool(branches))
            yield f"line-{state} ::= {self._choice_of(lines, state)}"
            if state + 1 < states:
                news = [row for row in lines if any(o.role == "def" for o in row.operands)]
                yield f"new-{state} ::= {self._choice_of(news, state, new=True)}"
            if branches:
                yield f"branch-{state} ::= {self._choice_of(branches, state)}"
            yield from self._operands(usable, state)

    def _sequences(self, state: int, states: int, with_branches: bool) -> Iterator[str]:
        """What may follow: at the top, where it ends with `ret`, and between a branch and its label."""
        for place, end in (("top", '"ret"'), ("in", '""')):
            for label in range(1, _LABELS + 2):
                if place == "in" and label == 1:
                    continue
                after = [f'line-{state} "\\n" {place}-{state}-{label}']
                if state + 1 < states:
                    after.append(f'new-{state} "\\n" {place}-{state + 1}-{label}')
                if with_branches and label <= _LABELS:
                    name = f".L{label}"
                    rest = f"{place}-{state}-{label + 1}"
                    after.append(f'branch-{state} "{name}\\n" in-{state}-{label + 1} "{name}:\\n" {rest}')
                    if self._has_buffers():
                        after.append(f'"{name}:\\n" in-{state}-{label + 1} branch-{state} "{name}\\n" {rest}')
                yield f"{place}-{state}-{label} ::= {' | '.join([end, *after])}"

    def _choice_of(self, rows: Iterable[Row], state: int, new: bool = False) -> str:
        """Rows with the same operands share an alternative."""
        shapes: dict[str, dict[str, None]] = {}
        for row in rows:
            if self._known(state) >= {r for r in row.reads if r in self.target.abi.caller_saved}:
                mnemonic, _, operands = row.text.partition(" ")
                shapes.setdefault(self._shape(row, operands, state, new), {})[mnemonic] = None
        return " | ".join(f"({_choice(sorted(names))}) {shape}" for shape, names in sorted(shapes.items()))

    def _shape(self, row: Row, operands: str, state: int, new: bool) -> str:
        roles = {operand.name: operand for operand in row.operands}
        out = ['" "'] if operands else []
        for k, part in enumerate(re.split(r"\{(\w)\}", operands)):
            if k % 2 == 0:
                text = part.replace('"', '\\"')
                out += [f'"{text}"'] if text else []
            elif roles[part].kind != "label":
                # A branch's target is written by the rule that knows the label.
                operand = roles[part]
                is_register = self._is_register(operand.kind)
                if new and operand.role == "def":
                    out.append(f'"{self._isa().register_name(self._free()[state], operand.kind.removesuffix("sp"))}"')
                elif is_register:
                    out.append(f"{'r' if operand.role == 'use' else 'w'}-{operand.kind}-{state}")
                else:
                    out.append(f"n-{operand.kind.replace('*', '-')}")
        return " ".join(out)

    def _operands(self, rows: Iterable[Row], state: int) -> Iterator[str]:
        kinds = dict.fromkeys(o.kind for row in rows for o in row.operands if o.kind != "label")
        for kind in sorted(kinds):
            if self._is_register(kind):
                known = [r for r in usable_registers(self.contract, self.target) if r in self._known(state)]
                # What admits the stack pointer is not offered it.
                names = [self._isa().register_name(r, kind.removesuffix("sp")) for r in known]
                zero = _ZERO.get(self.target.isa, {}).get(kind)
                # Where nothing holds anything yet, nothing can be read.
                nothing = ["?"]
                yield f"r-{kind}-{state} ::= {_choice([*names, zero] if zero else names or nothing)}"
                yield f"w-{kind}-{state} ::= {_choice(names or nothing)}"
            elif state == 0:
                yield f"n-{kind.replace('*', '-')} ::= {self._number(kind)}"

    def _number(self, kind: str) -> str:
        if kind == "cond":
            return _choice(sorted(self._isa().CONDITIONS))
        return _NUMBERS.get(kind) or ('"-"? ' if kind.startswith("i") else "") + "[0-9]{1,5}"

    def _is_register(self, kind: str) -> bool:
        return kind in ("r8", "r16", "r32", "r64", "w", "x", "wsp", "xsp")

    def _isa(self) -> Any:
        return import_module(f"intent_tool.machine.{self.target.isa}")

    def _known(self, state: int) -> set[str]:
        usable = usable_registers(self.contract, self.target)
        free = self._free()
        return {r for r in usable if r not in free[state:]}

    def _free(self) -> list[str]:
        assert self.contract.signature is not None
        arguments = self.target.abi.arguments[:len(self.contract.signature.parameters)]
        return [r for r in usable_registers(self.contract, self.target) if r not in arguments]

    def _has_result(self) -> bool:
        return self.contract.signature is not None and self.contract.signature.result is not None

    def _has_buffers(self) -> bool:
        assert self.contract.signature is not None
        return any(p.buffer is not None for p in self.contract.signature.parameters)


def _choice(texts: Iterable[str]) -> str:
    return " | ".join(f'"{text}"' for text in texts)
