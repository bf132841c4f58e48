"""The judge's own ELF reader: it sees what LIEF sees, and refuses what is damaged."""

from __future__ import annotations

import random
import struct

import lief
import pytest
from judge_objects import TRIPLES, compiled, function_object

from intent_tool.judge import elf as E
from intent_tool.judge.image import read_image
from intent_tool.judge.judge import judge_function
from intent_tool.judge.layout import place
from intent_tool.judge.programs import judge_program
from intent_tool.judge.refusal import Refused
from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets

TARGETS = load_targets()
SOURCE = """
static const unsigned short table[5] = {1, 22, 333, 4444, 55555};
unsigned look(unsigned i) { return table[i % 5]; }
unsigned other(unsigned i) { return look(i) + 1; }
"""
INTENT = load_text("""intent: A number from a table.
signature: uint32_t look(uint32_t i)
where:
  table: "[1, 22, 333, 4444, 55555]"
returns: table[i % 5]
""")
PROGRAM = load_text("""intent: Say hello.
program: hello
stdout: b"hi"
""")
OPTIONS = ("-O1", "-fomit-frame-pointer", "-fno-asynchronous-unwind-tables")
POSITION = {"x86_64": "-fPIC", "arm64": "-fno-PIC", "riscv64": "-mcmodel=medany"}


def object_of(isa: str) -> bytes:
    return compiled(SOURCE, isa, ".c", *OPTIONS, POSITION[isa])


@pytest.mark.parametrize("isa", TRIPLES)
def test_it_reads_what_lief_reads(isa: str) -> None:
    binary = object_of(isa)
    ours, theirs = E.read_elf(binary), lief.ELF.parse(binary)
    assert isinstance(theirs, lief.ELF.Binary)
    assert [(s.name, s.size, s.alignment, s.flags) for s in ours.sections] == [
        (s.name, s.size, s.alignment, int(s.flags)) for s in theirs.sections]
    assert [s.data for s in ours.sections] == [bytes(s.content) for s in theirs.sections]
    assert [(s.name, s.value, s.size, s.section) for s in ours.symbols] == [
        (s.name, s.value, s.size, s.shndx) for s in theirs.symbols]
    text = next(i for i, s in enumerate(ours.sections) if s.name == ".text")
    found = {(r.offset, ours.symbols[r.symbol].name, r.addend) for r in ours.relocations[text]}
    assert found == {(r.address, r.symbol.name, r.addend) for r in theirs.relocations
                     if r.section is not None and r.section.name == ".text"}
    assert found


@pytest.mark.parametrize("isa", TRIPLES)
def test_a_compilers_object_with_a_table_is_accepted(isa: str) -> None:
    verdict = judge_function(INTENT, TARGETS[isa], object_of(isa), "look")
    assert verdict.accepted, verdict.problems


@pytest.mark.parametrize("isa", TRIPLES)
def test_wherever_it_is_laid_down_the_table_is_found(isa: str) -> None:
    image = read_image(object_of(isa), "look", TARGETS[isa])
    table = struct.pack("<5H", 1, 22, 333, 4444, 55555)
    for seed in range(20):
        placed = place(image, 0x10_0000_0000 + 0x7000 * seed, 4096, seed)
        (start, end), = placed.tables
        assert placed.content[start - placed.address:end - placed.address] == table
        assert (end > placed.entry) == (seed % 2 == 0) and len(placed.content) % 4096 == 0


@pytest.mark.parametrize("isa", TRIPLES)
def test_another_machines_object_is_refused(isa: str) -> None:
    for other in TRIPLES:
        if other != isa:
            with pytest.raises(Refused, match="the file is for ELF machine"):
                read_image(object_of(isa), "look", TARGETS[other])


def test_wrong_flags_are_refused() -> None:
    binary = bytearray(object_of("riscv64"))
    struct.pack_into("<I", binary, 48, 1)
    with pytest.raises(Refused, match="the file's ELF flags are 0x1, and riscv64 has 0x5"):
        read_image(bytes(binary), "look", TARGETS["riscv64"])


@pytest.mark.parametrize(("content", "message"), [
    (b"", "the file is no ELF file"),
    (b"\x7fELF", "the file is no little-endian 64-bit ELF file"),
    (b"\x7fELF\x01\x01\x01" + bytes(60), "the file is no little-endian 64-bit ELF file"),
    (b"\x7fELF\x02\x01\x01" + bytes(20), "the file is damaged"),
    (b"!<arch>\n", "look is defined by 0 members of the archive, must be one"),
    (b"!<arch>\n" + b"x" * 60, "the archive is damaged"),
])
def test_what_is_no_object_is_refused(content: bytes, message: str) -> None:
    verdict = judge_function(INTENT, TARGETS["x86_64"], content, "look")
    assert not verdict.accepted and message in verdict.problems[0]


def test_a_missing_symbol_is_named() -> None:
    verdict = judge_function(INTENT, TARGETS["x86_64"], object_of("x86_64"), "nowhere")
    assert verdict.problems == ("nowhere is not in the file",)


def test_damaged_files_never_break_the_reader() -> None:
    """Bytes changed and files cut off anywhere: read, or refused in words."""
    source = random.Random(3)
    for isa in TRIPLES:
        whole = function_object({"x86_64": "look:\n  mov eax, edi\n  ret", "arm64": "look:\n  ret",
                                 "riscv64": "look:\n  ret"}[isa], isa, "look")
        outcomes = set()
        for _ in range(3000):
            damaged = bytearray(whole)
            for _ in range(source.choice((1, 1, 2, 8))):
                place = source.choice((source.randrange(64), source.randrange(len(damaged))))
                damaged[place] = source.choice((0, 1, 0xff, source.randrange(256)))
            content = bytes(damaged[:source.randrange(len(damaged))] if source.random() < 0.2 else damaged)
            try:
                read_image(content, "look", TARGETS[isa])
                outcomes.add("read")
            except Refused as refused:
                assert refused.problems and all(refused.problems)
                outcomes.add("refused")
        assert outcomes == {"read", "refused"}


def test_damaged_executables_never_break_the_judge() -> None:
    source = random.Random(4)
    from intent_tool.judge.emulate import harness_path
    whole = harness_path("x86_64").read_bytes()
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[source.randrange(0x400)] = source.randrange(256)
        verdict = judge_program(PROGRAM, TARGETS["x86_64"], bytes(damaged))
        assert not verdict.accepted and verdict.problems
