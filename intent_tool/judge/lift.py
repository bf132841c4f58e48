"""Machine code to instructions with a meaning: decoded, looked up among the accepted forms, and translated.

Boundaries and mnemonics are the judge's own decoders'; p-code has to agree with them on every length and every
destination.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from intent_tool.judge.decode import BRANCH, JUMP, RETURN, Decoded, Surroundings, decode
from intent_tool.judge.instruction import Instruction, Isa
from intent_tool.judge.pcode import Language, Program, Unsupported, compile_program, flags_of, pruned, translate
from intent_tool.judge.refusal import Refused
from intent_tool.machine.target import Target

_ANYWHERE = 0x100000
"""Where an instruction is taken to stand while it is translated."""


def lift(code: bytes, address: int, target: Target, isa: Isa) -> dict[int, Instruction]:
    """The instructions of `code`, which stands at `address`, by absolute address. Raises `Refused`."""
    lifted = []
    problems = []
    for decoded in decode(code, Surroundings(target, address)):
        try:
            lifted.append(_lifted(decoded, code[decoded.offset:decoded.offset + decoded.size], address, target, isa))
        except Unsupported as failure:
            problems.append(f"at offset {decoded.offset:#x}, {decoded.text}: {failure}")
    if problems:
        raise Refused(*problems)
    return {i.address: i for i in _with_live_flags(lifted, isa)}


def _lifted(decoded: Decoded, code: bytes, start: int, target: Target, isa: Isa) -> Instruction:
    if not decoded.mnemonic or len(code) != decoded.size:
        raise Unsupported("these bytes are no whole instruction")
    if decoded.mnemonic not in target.instructions:
        raise Unsupported(f"`{decoded.mnemonic}` is not among the instructions of {target.name}")
    form = isa.form(decoded)
    if form not in isa.forms:
        raise Unsupported(f"the judge has no meaning for `{decoded.mnemonic}` with such operands ({form})")
    address = start + decoded.offset
    destination = None if decoded.destination is None else start + decoded.destination
    pc_relative = isa.pc_relative(decoded)
    own = isa.own.get(form) or isa.own.get(decoded.mnemonic)
    program, operands = None, None
    if own is not None:
        operands = isa.operands(code, address)
        if not isa.fixed_length:
            _check_length(isa.language, code)
    else:
        program = _program(isa, code, pc_relative)[0]
        wanted = None if decoded.destination is None else decoded.destination - decoded.offset
        if program.destination != wanted or (program.condition is not None) != (decoded.flow == BRANCH):
            raise Unsupported("the two decoders disagree on where it goes")
    return Instruction(address, code, decoded.mnemonic, decoded.text, form, decoded.flow, destination,
                       pc_relative, program, own, operands, isa.flags)


def _with_live_flags(instructions: Sequence[Instruction], isa: Isa) -> Iterator[Instruction]:
    """The instructions, each knowing which flags anything may read after it: none after a return, all where control
    leaves the code in another way."""
    uses = [_uses(i, isa) for i in instructions]
    before = {i.address: frozenset[str]() for i in instructions}
    after = [frozenset[str]() for _ in instructions]
    changed = bool(isa.flags)
    while changed:
        changed = False
        for at in range(len(instructions) - 1, -1, -1):
            instruction = instructions[at]
            live = frozenset[str]()
            if instruction.flow not in (JUMP, RETURN):
                live |= before.get(instruction.address + instruction.size, isa.flags)
            if instruction.destination is not None:
                live |= before.get(instruction.destination, isa.flags)
            reads, writes = uses[at]
            after[at] = live
            live = live - writes | reads
            if live != before[instruction.address]:
                before[instruction.address] = live
                changed = True
    for instruction, live in zip(instructions, after, strict=True):
        program = instruction.program
        if program is not None and isa.flags:
            program = _pruned(isa, instruction.code, instruction.pc_relative, isa.flags - live)
        yield replace(instruction, live=live, program=program)


def _uses(instruction: Instruction, isa: Isa) -> tuple[frozenset[str], frozenset[str]]:
    """The flags that an instruction reads, and those that it always writes."""
    if instruction.own is not None:
        return instruction.own.reads, instruction.own.writes
    return _program(isa, instruction.code, instruction.pc_relative)[1:]


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
