"""The judge's RISC-V decoder against LLVM: what it makes of bits, LLVM assembles back to the same bits.

The other direction, that nothing of the accepted extensions is missed, takes lines of every mnemonic. (GNU objdump
2.40 agreed on all 49,152 compressed encodings and on 60,000 random words when this was written; it calls one more
an instruction, the reserved `c.addi16sp sp, 0`.)
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from judge_objects import compiled

from intent_tool.judge.decode_riscv64 import text
from intent_tool.judge.elf import read_elf
from intent_tool.judge.riscv_words import Word, decode_halfword, decode_word
from intent_tool.machine.target import load_targets

WORDS = 20_000
MAJOR_OPCODES = (0x03, 0x13, 0x17, 0x1b, 0x23, 0x33, 0x37, 0x3b, 0x63, 0x67, 0x6f, 0x73)
FUNCT7 = (0x00, 0x01, 0x04, 0x05, 0x10, 0x14, 0x20, 0x24, 0x30, 0x34, 0x35)


def assembled(lines: Sequence[str], compressed: bool) -> bytes:
    option = "rvc" if compressed else "norvc"
    source = f".option norelax\n.option {option}\n.option arch, +zba, +zbb, +zbs\n.text\n" + "\n".join(lines) + "\n"
    return next(s.data for s in read_elf(compiled(source, "riscv64")).sections if s.name == ".text")


def line(word: Word) -> str:
    """As an assembler takes it: destinations relative to the instruction."""
    shown = text(word, 0)
    return re.sub(r"-?0x[0-9a-f]+$", lambda m: f". + {int(m[0], 16)}", shown) if word.form in ("B", "J") else shown


def meaning(word: Word) -> tuple[object, ...]:
    """The instruction without how it was written; `mv` has two spellings."""
    if word.name == "addi" and word.imm == 0 and word.rs1:
        return "add", "R", word.rd, 0, word.rs1, 0
    return word.name, word.form, word.rd, word.rs1, word.rs2, word.imm


def test_every_compressed_instruction_expands_as_llvm_reads_it() -> None:
    words = {half: word for half in range(1 << 16) if half & 3 != 3 and (word := decode_halfword(half))}
    assert len(words) == 38_550
    code = assembled([line(w) for w in words.values()], compressed=True)
    at = same = 0
    for half, word in words.items():
        again = int.from_bytes(code[at:at + 2], "little")
        if again & 3 == 3:
            # LLVM does not compress hints, nor jumps to places that it knows only in the end.
            back = decode_word(int.from_bytes(code[at:at + 4], "little"))
            at += 4
        else:
            same += again == half
            back = decode_halfword(again)
            at += 2
        assert back is not None and meaning(back) == meaning(word), f"{half:#06x}: {line(word)}"
    assert at == len(code) and same > 32_000


def test_random_words_are_what_llvm_calls_them() -> None:
    source = random.Random(1)
    words: dict[int, Word] = {}
    refused = 0
    while len(words) < WORDS:
        number = source.getrandbits(32) & ~0x7f | source.choice(MAJOR_OPCODES)
        if source.random() < 0.6:
            number = number & ~0xfe000000 | source.choice(FUNCT7) << 25
        word = decode_word(number)
        if word is None:
            refused += 1
        else:
            words[number] = word
    code = assembled([line(w) for w in words.values()], compressed=False)
    for i, (number, word) in enumerate(words.items()):
        assert int.from_bytes(code[4 * i:4 * i + 4], "little") == number, line(word)
    assert refused > 1000


def test_every_instruction_of_the_record_is_known() -> None:
    """All mnemonics of riscv64_zb, with the operands' extremes, come back as written."""
    lines = []
    registers = ("zero", "ra", "sp", "s0", "a0", "t6")
    for name in sorted(load_targets()["riscv64_zb"].instructions):
        lines += _lines(name, registers)
    code = assembled(lines, compressed=False)
    assert len(code) == 4 * len(lines)
    for i, wanted in enumerate(lines):
        word = decode_word(int.from_bytes(code[4 * i:4 * i + 4], "little"))
        assert word is not None and line(word) == wanted


def _lines(name: str, registers: Sequence[str]) -> list[str]:
    if name == "ecall":
        return [name]
    if name in ("lui", "auipc"):
        return [f"{name} {r}, {i}" for r in registers for i in ("0x0", "0x1", "0xfffff", "0x80000")]
    if name == "jal":
        return [f"{name} {r}, . + {i}" for r in registers for i in (0, 2, -2, 1048574, -1048576)]
    if name.startswith("b") and name in ("beq", "bne", "blt", "bge", "bltu", "bgeu"):
        return [f"{name} {r}, a1, . + {i}" for r in registers for i in (0, 2, -2, 4094, -4096)]
    if name in ("lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "sb", "sh", "sw", "sd", "jalr"):
        return [f"{name} {r}, {i}(a1)" for r in registers for i in (0, 2047, -2048, -1)]
    if name in ("addi", "slti", "sltiu", "xori", "ori", "andi", "addiw"):
        return [f"{name} {r}, a1, {i}" for r in registers for i in (0, 2047, -2048, -1)]
    if name in ("slliw", "srliw", "sraiw", "roriw"):
        return [f"{name} {r}, a1, {i}" for r in registers for i in (0, 1, 31)]
    if name in ("slli", "srli", "srai", "rori", "slli.uw", "bclri", "bexti", "binvi", "bseti"):
        return [f"{name} {r}, a1, {i}" for r in registers for i in (0, 1, 31, 32, 63)]
    if name in ("clz", "ctz", "cpop", "clzw", "ctzw", "cpopw", "sext.b", "sext.h", "zext.h", "orc.b", "rev8"):
        return [f"{name} {r}, a1" for r in registers]
    return [f"{name} {r}, a1, {s}" for r in registers for s in registers]
