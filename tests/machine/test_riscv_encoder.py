"""Our RISC-V encoder against LLVM and GNU, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers import gnu, llvm
from random_lines import random_lines

from intent_tool.machine.layout import Unencodable
from intent_tool.machine.riscv64 import ENCODINGS, FIELDS, TABLE
from intent_tool.machine.riscv64_compressed import COMPRESSED
from intent_tool.machine.riscv_encoder import encode_line

ALL = frozenset(("m", "a", "f", "d", "c", "zba", "zbb", "zbs"))
LINES = list(random_lines("riscv64", 6000, seed=2))


def instructions(code: bytes) -> list[bytes]:
    """Split at instruction borders: the two lowest bits of a 32-bit one are set (ISA manual I, section 1.5)."""
    found = []
    while code:
        size = 4 if code[0] & 3 == 3 else 2
        found.append(code[:size])
        code = code[size:]
    return found


def differences(lines: list[str], ours: list[bytes], theirs: list[bytes]) -> list[str]:
    assert len(ours) == len(theirs)
    return [f"{line}: {a[::-1].hex()}, the peer has {b[::-1].hex()}"
            for line, a, b in zip(lines, ours, theirs, strict=True) if a != b]


def test_random_lines_are_encoded_and_compressed_as_llvm_does(tmp_path: Path) -> None:
    ours = [encode_line(line, 0, ALL)[0].code for line in LINES]
    assert differences(LINES, ours, instructions(llvm("riscv64", LINES, tmp_path))) == []
    short = [code for code in ours if len(code) == 2]
    assert len(short) > 800, "the lines hardly exercise compression"


def test_random_lines_without_compression_are_encoded_as_gnu_does(tmp_path: Path) -> None:
    ours = [encode_line(line, 0, ALL - {"c"})[0].code for line in LINES]
    theirs = gnu("riscv64", LINES, tmp_path, "-march=rv64imafd_zba_zbb_zbs", "-mno-relax")
    assert differences(LINES, ours, instructions(theirs)) == []


def test_every_compressed_form_occurs(tmp_path: Path) -> None:
    """Each by its own name; LLVM takes the same names."""
    examples = {"c": "a3", "x": "t4", "y": "s9", "z": "zero", "i6": "-7", "ni6": "-7", "ni6*16": "-64", "nu8*4": "36",
                "nu6": "41", "lui": "0xfffe1", "u5*4": "76", "u5*8": "200", "u6*4": "204", "u6*8": "440"}
    lines = [form.text.format_map({name: examples[kind] for name, kind in form.kinds})
             for form in COMPRESSED if all(not kind.startswith("label") for _, kind in form.kinds)]
    ours = [encode_line(line, 0, ALL)[0].code for line in lines]
    assert {len(code) for code in ours} == {2}
    assert differences(lines, ours, instructions(llvm("riscv64", lines, tmp_path))) == []
    assert {line.split()[0] for line in lines} | {"c.j", "c.beqz", "c.bnez"} == {
        form.text.split()[0] for form in COMPRESSED}


def test_no_two_rows_have_the_same_bits() -> None:
    """Of two instructions' words with all operand bits free, at least one fixed bit differs."""
    fixed = []
    for form, encoding in ENCODINGS.items():
        if encoding.expansion is None and "table" not in form:
            free = sum(((1 << high - low + 1) - 1) << place for _, field in encoding.fields
                       for high, low, place in FIELDS[field])
            assert encoding.match & free == 0, form
            fixed.append((form, encoding.match, 0xFFFFFFFF & ~free))
    for number, (form, match, mask) in enumerate(fixed):
        for other, match2, mask2 in fixed[:number]:
            assert (match ^ match2) & mask & mask2, f"{form} and {other}"


def test_expansions_have_the_operands_of_their_rows() -> None:
    for form, encoding in ENCODINGS.items():
        if encoding.expansion is not None:
            for operand in TABLE[form].operands:
                assert f"{{{operand.name}}}" in encoding.expansion, form


@pytest.mark.parametrize(("line", "reason"), [
    ("adi a0, a0, 1", "no instruction is named `adi`; did you mean `andi`?"),
    ("vadd.vv v0, v1, v2", "no instruction is named `vadd.vv`"),
    ("addi a0, a0", "`addi` is written `addi x, x, i12` or `addi x, x, table`"),
    ("addi a0, a0, a1", "`addi` is written `addi x, x, i12` or `addi x, x, table`"),
    ("add a0, a1, 5", "`add` is written `add x, x, x`"),
    ("ret a0", "`ret` is written `ret`"),
    ("addi a0, a0, 2048", "2048 does not fit; this operand goes from -2048 to 2047"),
    ("addi a0, a0, 0xfff", "0xfff does not fit; this operand goes from -2048 to 2047"),
    ("addi a0, a0, -2049", "-2049 does not fit; this operand goes from -2048 to 2047"),
    ("slli a0, a0, 64", "64 does not fit; this operand goes from 0 to 63"),
    ("slliw a0, a0, 32", "32 does not fit; this operand goes from 0 to 31"),
    ("lui a0, 0x100000", "0x100000 does not fit; this operand goes from 0 to 1048575"),
    ("li a0, 4096", "4096 does not fit; this operand goes from -2048 to 2047"),
    ("ld a0, 2048(a1)", "2048 does not fit; this operand goes from -2048 to 2047"),
    ("addi a0, a0, 010", "`010` is octal to some assemblers; write it without the leading zero"),
    ("addi a0, q1, 0", "no register is named `q1`"),
    ("add a0, a1, x32", "no register is named `x32`"),
    ("c.addi zero, 1", "the operands do not fit `c.addi` (d: x, i: ni6)"),
    ("c.addi a0, 32", "the operands do not fit `c.addi` (d: x, i: ni6)"),
    ("c.lw a0, 2(a1)", "the operands do not fit `c.lw` (d: c, i: u5*4, a: c)"),
    ("c.and a0, t0", "the operands do not fit `c.and` (d: c, b: c)"),
    ("c.addi a0", "`c.addi` is written `c.addi d, i`"),
    ("c.fld fa0, 0(a0)", "no instruction is named `c.fld`"),
    ("j 8", "`j` is written `j label`"),
    ("beq a0, a1, 16", "`beq` is written `beq x, x, label`"),
])
def test_refused_lines(line: str, reason: str) -> None:
    with pytest.raises(Unencodable) as caught:
        encode_line(line, 0, ALL)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(("line", "extension"), [
    ("mul a0, a0, a1", "m"), ("sh1add a0, a0, a1", "zba"), ("zext.w a0, a0", "zba"), ("cpop a0, a0", "zbb"),
    ("bexti a0, a0, 3", "zbs"), ("c.addi a0, 1", "c"),
])
def test_an_extension_that_the_target_lacks_is_named(line: str, extension: str) -> None:
    encode_line(line, 0, ALL)
    with pytest.raises(Unencodable, match=f"needs the extension {extension}, which the target does not have"):
        encode_line(line, 0, ALL - {extension})
