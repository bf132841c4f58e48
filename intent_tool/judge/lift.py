"""Machine code to instructions with a meaning: decoded, looked up among the accepted forms, and translated.

Boundaries and mnemonics are the judge's own decoders'; p-code has to agree with them on every length and every
destination.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from intent_tool.judge.decode import BRANCH, JUMP, RETURN, Decoded, Surroundings, decode
from intent_tool.judge.instruction import Instruction, Isa, Own
from intent_tool.judge.pcode import Language, Program, Unsupported, compile_program, flags_of, pruned, translate
from intent_tool.judge.refusal import Refused
from intent_tool.machine.target import Target

_ANYWHERE = 0x100000
"""Where an instruction is taken to stand while it is translated."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An instruction of which it is not yet known which flags matter after it."""

    decoded: Decoded
    code: bytes
    form: str
    own: Own | None
    reads: frozenset[str]
    """Flags."""
    writes: frozenset[str]
    """Flags that it always writes."""


def lift(code: bytes, address: int, target: Target, isa: Isa) -> dict[int, Instruction]:
    """The instructions of `code`, which stands at `address`, by absolute address. Raises `Refused`."""
    found = []
    problems = []
    for decoded in decode(code, Surroundings(target, address)):
        try:
            found.append(_find(decoded, code[decoded.offset:decoded.offset + decoded.size], target, isa))
        except Unsupported as failure:
            problems.append(f"at offset {decoded.offset:#x}, {decoded.text}: {failure}")
    if problems:
        raise Refused(*problems)
    return {i.address: i for i in (_instruction(f, address, live, isa)
                                   for f, live in zip(found, _live_after(found, isa), strict=True))}


def _find(decoded: Decoded, code: bytes, target: Target, isa: Isa) -> _Found:
    if not decoded.mnemonic or len(code) != decoded.size:
        raise Unsupported("these bytes are no whole instruction")
    if decoded.mnemonic not in target.instructions:
        raise Unsupported(f"`{decoded.mnemonic}` is not among the instructions of {target.name}")
    form = isa.form(decoded, code)
    if form not in isa.forms:
        raise Unsupported(f"the judge has no meaning for `{decoded.mnemonic}` with such operands ({form})")
    own = isa.own.get(form) or isa.own.get(decoded.mnemonic)
    if own is not None:
        if not isa.fixed_length:
            _check_length(isa.language, code)
        return _Found(decoded, code, form, own, own.reads, own.writes)
    program, reads, writes = _program(isa, code, isa.pc_relative(decoded))
    wanted = None if decoded.destination is None else decoded.destination - decoded.offset
    if program.destination != wanted or (program.condition is not None) != (decoded.flow == BRANCH):
        raise Unsupported("the two decoders disagree on where it goes")
    return _Found(decoded, code, form, None, reads, writes)


def _live_after(found: Sequence[_Found], isa: Isa) -> list[frozenset[str]]:
    """For each instruction the flags that anything may read after it: none after a return, all where control leaves
    the code in another way."""
    before = {f.decoded.offset: frozenset[str]() for f in found}
    after = [frozenset[str]() for _ in found]
    changed = bool(isa.flags)
    while changed:
        changed = False
        for at in range(len(found) - 1, -1, -1):
            decoded = found[at].decoded
            live = frozenset[str]()
            if decoded.flow not in (JUMP, RETURN):
                live |= before.get(decoded.offset + decoded.size, isa.flags)
            if decoded.destination is not None:
                live |= before.get(decoded.destination, isa.flags)
            after[at] = live
            live = live - found[at].writes | found[at].reads
            if live != before[decoded.offset]:
                before[decoded.offset] = live
                changed = True
    return after


def _instruction(found: _Found, start: int, live: frozenset[str], isa: Isa) -> Instruction:
    decoded, code = found.decoded, found.code
    address = start + decoded.offset
    destination = None if decoded.destination is None else start + decoded.destination
    pc_relative = isa.pc_relative(decoded)
    if found.own is not None:
        program, operands = None, isa.operands(code)
    else:
        program, operands = _pruned(isa, code, pc_relative, isa.flags - live), None
    return Instruction(address, code, decoded.mnemonic, decoded.text, found.form, destination, pc_relative,
                       program, found.own, operands, live)


@functools.lru_cache(4096)
def _program(isa: Isa, code: bytes, pc_relative: bool) -> tuple[Program, frozenset[str], frozenset[str]]:
    """The program and the flags that it reads and writes. The same at any address: what depends on that is kept as
    a distance."""
    program = compile_program(isa.language, code, _ANYWHERE, pc_relative)
    return program, *flags_of(program, isa.flags)


@functools.lru_cache(4096)
def _pruned(isa: Isa, code: bytes, pc_relative: bool, unwanted: frozenset[str]) -> Program:
    return pruned(_program(isa, code, pc_relative)[0], unwanted)


@functools.lru_cache(4096)
def _check_length(language: Language, code: bytes) -> None:
    translate(language, code, _ANYWHERE)
