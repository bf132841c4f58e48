"""RISC-V instructions of a function, from riscv_words.py.

The stack pointer keeps a multiple of 16 throughout a procedure (RISC-V ELF psABI, "Integer Calling Convention").
"""

from __future__ import annotations

from intent_tool.judge.decode import BRANCH, CALL, JUMP, PLAIN, RETURN, SYSTEM, Decoded, Surroundings
from intent_tool.judge.riscv_words import Word, decode_halfword, decode_word

_NAMES = ("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", *(f"a{i}" for i in range(8)),
          *(f"s{i}" for i in range(2, 12)), *(f"t{i}" for i in range(3, 7)))
_ZERO, _RA, _SP, _GP, _TP, _S0 = 0, 1, 2, 3, 4, 8

_PAIRED = {
    "R_RISCV_PCREL_HI20": ("auipc",),
    "R_RISCV_PCREL_LO12_I": ("addi", "lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"),
    "R_RISCV_PCREL_LO12_S": ("sb", "sh", "sw", "sd"),
    "R_RISCV_BRANCH": ("beq", "bne", "blt", "bge", "bltu", "bgeu"), "R_RISCV_JAL": ("jal",),
    "R_RISCV_RVC_BRANCH": ("beq", "bne"), "R_RISCV_RVC_JUMP": ("jal",),
}
"""The instructions whose field each relocation fills in."""


def decode_riscv64(code: bytes, around: Surroundings) -> list[Decoded]:
    """Every instruction of `code`; the last one is without a mnemonic when its bytes are none."""
    found = []
    offset = 0
    while offset < len(code):
        half = int.from_bytes(code[offset:offset + 2], "little")
        size = 4 if half & 3 == 3 else 2
        chunk = code[offset:offset + size]
        number = int.from_bytes(chunk, "little")
        word = None
        if len(chunk) == size:
            word = decode_word(number) if size == 4 else decode_halfword(number)
        if word is None:
            found.append(Decoded(offset, len(chunk), "", ".byte " + " ".join(f"{b:02x}" for b in chunk), objections=(
                "these bytes are no whole RISC-V instruction that the judge knows",)))
            return found
        found.append(_judge(word, offset, size, around))
        offset += size
    return found


def text(word: Word, offset: int) -> str:
    """In the manual's syntax; a destination as an offset from the start of the function."""
    rd, rs1, rs2 = _NAMES[word.rd], _NAMES[word.rs1], _NAMES[word.rs2]
    match word.form:
        case "R":
            operands = f"{rd}, {rs1}, {rs2}"
        case "1":
            operands = f"{rd}, {rs1}"
        case "I" if word.name != "jalr":
            operands = f"{rd}, {rs1}, {word.imm}"
        case "H5" | "H6":
            operands = f"{rd}, {rs1}, {word.imm}"
        case "I" | "L":
            operands = f"{rd}, {word.imm}({rs1})"
        case "S":
            operands = f"{rs2}, {word.imm}({rs1})"
        case "B":
            operands = f"{rs1}, {rs2}, {offset + word.imm:#x}"
        case "U":
            operands = f"{rd}, {word.imm & 0xfffff:#x}"
        case "J":
            operands = f"{rd}, {offset + word.imm:#x}"
        case _:
            operands = ""
    return f"{word.name} {operands}".strip()


def _judge(word: Word, offset: int, size: int, around: Surroundings) -> Decoded:
    no: list[str] = []
    if word.feature != "i" and not around.target.has(word.feature):
        no.append(f"{around.target.name} lacks the {word.feature} extension")
    for register in (word.rd, word.rs1, word.rs2):
        if register in (_GP, _TP):
            no.append(f"register {_NAMES[register]} belongs to the platform")
    flow, destination = PLAIN, None
    if word.name == "jal":
        flow, destination = JUMP, offset + word.imm
        if word.rd == _RA and around.whole_program:
            flow = CALL
        elif word.rd != _ZERO:
            no.append("a function may not call")
    elif word.name == "jalr":
        flow = RETURN
        if word.rd != _ZERO:
            no.append("a function may not call")
        elif word.rs1 != _RA or word.imm != 0:
            no.append("an indirect jump may go anywhere")
    elif word.form == "B":
        flow, destination = BRANCH, offset + word.imm
    elif word.name == "ecall":
        flow = SYSTEM
    elif word.form != "S":
        no += _written(word)
    if word.form in ("S", "L") and word.rs1 == _SP and word.imm < 0:
        no.append("it is below the stack pointer")
    no += _relocation(word, offset, size, around)
    return Decoded(offset, size, word.name, text(word, offset), flow, destination, tuple(no))


def _written(word: Word) -> list[str]:
    if word.rd == _ZERO:
        is_nop = word.name == "addi" and word.rs1 == _ZERO and word.imm == 0
        return [] if is_nop else ["it writes the zero register, which is a hint or nothing"]
    if word.rd == _SP:
        if word.name != "addi" or word.rs1 not in (_SP, _S0):
            return ["the stack pointer gets a value that the judge cannot follow"]
        if word.imm % 16:
            return ["the stack pointer is no longer a multiple of 16"]
    return []


def _relocation(word: Word, offset: int, size: int, around: Surroundings) -> list[str]:
    if any(offset < at < offset + size for at in around.relocations):
        return ["a relocation starts inside it"]
    type_ = around.relocations.get(offset)
    if type_ is None:
        if word.name == "auipc" and not around.linked:
            return ["the address has no relocation, so it is not known what it points at"]
        return []
    if word.name not in _PAIRED.get(type_, ()) or size != (2 if "_RVC_" in type_ else 4):
        return [f"relocation {type_} does not belong on it"]
    return []
