"""A static executable: its segments, its code, and whether it may run at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from intent_tool.judge import elf as E
from intent_tool.judge.admit import flow_problems, limit_problems, shortened
from intent_tool.judge.decode import Decoded, Surroundings, decode
from intent_tool.judge.image import check_identity
from intent_tool.judge.refusal import Refused
from intent_tool.judge.system_calls import call_numbers, system_call_problems, with_exits
from intent_tool.language.contract import Contract
from intent_tool.machine.target import Target


@dataclass(frozen=True, slots=True)
class ProgramImage:
    entry: int
    code_address: int
    code: bytes
    data: tuple[E.Segment, ...]
    """What is not executable."""


def read_program(executable: bytes, target: Target) -> ProgramImage:
    """Raises `Refused` when `executable` is no static executable of the target, or asks for more than it may."""
    file = E.read_elf(executable)
    check_identity(file, target)
    if file.type != E.ET_EXEC:
        raise Refused("the file is no static executable with fixed addresses (ELF type EXEC)")
    problems = []
    loads = [s for s in file.segments if s.type == E.PT_LOAD]
    for segment in file.segments:
        if segment.type == E.PT_INTERP:
            problems.append("it asks for a program interpreter, must be static")
        elif segment.type in (E.PT_DYNAMIC, E.PT_TLS):
            problems.append("it has a dynamic or thread-local segment, must be static")
        if segment.type == E.PT_LOAD and segment.flags & E.PF_W and segment.flags & E.PF_X:
            problems.append(f"the segment at {segment.address:#x} is both writable and executable")
        if len(segment.data) > segment.memory_bytes:
            problems.append(f"the segment at {segment.address:#x} is larger in the file than in memory")
    stacks = [s for s in file.segments if s.type == E.PT_GNU_STACK]
    if len(stacks) != 1 or stacks[0].flags & E.PF_X:
        problems.append("its stack is executable (there must be one GNU_STACK segment without the X flag)")
    code = [s for s in loads if s.flags & E.PF_X]
    if len(code) != 1:
        problems.append(f"it has {len(code)} executable segments, must be one")
    elif len(code[0].data) != code[0].memory_bytes:
        problems.append("its executable segment is larger in memory than in the file")
    ranges = sorted((s.address, s.address + s.memory_bytes) for s in loads)
    if any(end > start for (_, end), (start, _) in pairwise(ranges)):
        problems.append("its segments overlap")
    if problems:
        raise Refused(*problems)
    address, content = _code(file, code[0])
    if not address <= file.entry < address + len(content):
        raise Refused("its entry point lies outside its code")
    return ProgramImage(file.entry, address, content, tuple(s for s in loads if not s.flags & E.PF_X))


def _code(file: E.Elf, segment: E.Segment) -> tuple[int, bytes]:
    """The code within its segment: what the sections say it is, since linkers may put headers before it; the whole
    segment when there are no sections. No jump leads anywhere else, so nothing else runs."""
    sections = [s for s in file.sections if s.has(E.SHF_EXECINSTR) and s.has(E.SHF_ALLOC) and s.size]
    if not sections:
        return segment.address, segment.data
    if len(sections) > 1:
        raise Refused(f"it has {len(sections)} sections of code, must be one")
    start = sections[0].address - segment.address
    if start < 0 or start + sections[0].size > len(segment.data):
        raise Refused(f"section {sections[0].name} lies outside the executable segment")
    return sections[0].address, segment.data[start:start + sections[0].size]


@dataclass(frozen=True, slots=True)
class Admission:
    instructions: Sequence[Decoded]
    calls: Mapping[int, int]
    """The number of each system call, by its address."""
    problems: tuple[str, ...]
    """Why the program may not run; empty when it may."""


def admit_program(image: ProgramImage, contract: Contract, target: Target) -> Admission:
    tables = tuple((s.address, s.address + s.memory_bytes) for s in image.data)
    around = Surroundings(target, image.code_address, tables, linked=True, whole_program=True)
    entry = image.entry - image.code_address
    decoded = decode(image.code, around)
    instructions = with_exits(decoded, target.isa, entry)
    problems = flow_problems(instructions, len(image.code), target)
    if entry not in {i.offset for i in instructions}:
        problems.append("its entry point lies in the middle of an instruction")
    problems += system_call_problems(decoded, target.isa, entry)
    calls = {image.code_address + offset: number
             for offset, number in call_numbers(decoded, target.isa, entry).items() if number is not None}
    limits = limit_problems(instructions, len(image.code), contract.limits)
    return Admission(instructions, calls, (*shortened(problems), *limits))
