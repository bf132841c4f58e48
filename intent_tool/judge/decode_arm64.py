"""A64 instructions, by capstone, with what it passes over looked at by ourselves.

Arm Architecture Reference Manual (DDI 0487), C4 and C6; AAPCS64 6.4 and 6.1 for the stack and the registers.
"""

from __future__ import annotations

from typing import Any

from intent_tool.judge.decode import BRANCH, CALL, JUMP, PLAIN, RETURN, SYSTEM, Decoded, Surroundings

_GENERAL = frozenset([f"{k}{n}" for n in range(31) for k in "wx"] + ["wzr", "xzr", "fp", "lr"])
_PLATFORM = frozenset({"x18", "w18"})
_STACK_POINTER = frozenset({"sp", "wsp"})
_VECTOR = frozenset(f"{k}{n}" for n in (*range(8), *range(16, 32)) for k in "bhsdqv")
"""What a function may write freely (AAPCS64 6.1.2)."""
_COMPARES = frozenset({"cmp", "cmn"})

_PAIRED = {
    "R_AARCH64_ADR_PREL_PG_HI21": ("adrp",), "R_AARCH64_ADD_ABS_LO12_NC": ("add",),
    "R_AARCH64_LDST8_ABS_LO12_NC": ("ldrb", "ldrsb"), "R_AARCH64_LDST16_ABS_LO12_NC": ("ldrh", "ldrsh"),
    "R_AARCH64_LDST32_ABS_LO12_NC": ("ldr", "ldrsw"), "R_AARCH64_LDST64_ABS_LO12_NC": ("ldr",),
    "R_AARCH64_LDST128_ABS_LO12_NC": ("ldr",),
}
"""The instructions whose field each relocation fills in."""
_LOADED = {"w": 32, "s": 32, "x": 64, "d": 64, "q": 128}
"""Bits that `ldr` loads into each kind of register."""


def decode_arm64(code: bytes, around: Surroundings) -> list[Decoded]:
    """Every instruction of `code`, four bytes each; the last one is without a mnemonic when its bytes are none."""
    import capstone

    engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
    engine.detail = True
    found = []
    offset = 0
    for instruction in engine.disasm(code, around.entry):
        found.append(_judge(instruction, offset, around))
        offset += 4
    if offset < len(code):
        rest = code[offset:offset + 4]
        found.append(Decoded(offset, len(rest), "", ".byte " + " ".join(f"{b:02x}" for b in rest), objections=(
            "these bytes are no whole A64 instruction",)))
    return found


def _judge(instruction: Any, offset: int, around: Surroundings) -> Decoded:
    from capstone import arm64

    mnemonic: str = instruction.mnemonic
    text = f"{mnemonic} {instruction.op_str}".strip()
    word = int.from_bytes(bytes(instruction.bytes), "little")
    operands = instruction.operands
    no: list[str] = []
    flow, destination = PLAIN, None
    for operand in operands:
        if operand.type == arm64.ARM64_OP_REG:
            no += _register(instruction.reg_name(operand.reg))
        elif operand.type == arm64.ARM64_OP_MEM:
            no += _memory(instruction, operand.mem)
        elif operand.type != arm64.ARM64_OP_IMM:
            no.append("an operand is of a kind that is not accepted")
    kinds = [o.type for o in operands]
    names = [instruction.reg_name(o.reg) if o.type == arm64.ARM64_OP_REG else "" for o in operands]

    if mnemonic == "bl" and around.whole_program:
        flow, destination = CALL, operands[0].imm - around.entry
    elif mnemonic.startswith("bl"):
        flow = CALL
        no.append("an indirect call may go anywhere" if around.whole_program else "a function may not call")
    elif mnemonic == "ret":
        flow = RETURN
        if names not in ([], ["lr"]):
            no.append("it returns to another place than the link register's")
    elif mnemonic == "b":
        flow, destination = JUMP, operands[0].imm - around.entry
    elif mnemonic.startswith("b.") or mnemonic in ("cbz", "cbnz", "tbz", "tbnz"):
        flow, destination = BRANCH, operands[-1].imm - around.entry
        # b.al and b.nv always branch; what follows them is still swept, so a plain branch is safe.
    elif mnemonic.startswith(("br", "ret", "eret", "drps")):
        flow = JUMP
        no.append("an indirect jump may go anywhere")
    elif mnemonic == "svc":
        flow = SYSTEM
    elif names[:1] and names[0] in _STACK_POINTER and mnemonic not in _COMPARES:
        no += _stack_pointer(mnemonic, names, kinds, word)
    if any(n in _STACK_POINTER for n in names[1:]) and mnemonic not in ("add", "sub", "mov", "subs", "adds"):
        no.append("this use of the stack pointer is not understood")

    no += _loads(word, mnemonic, kinds)
    no += _relocation(mnemonic, names, around, offset)
    return Decoded(offset, 4, mnemonic, text, flow, destination, tuple(no))


def _register(name: str) -> list[str]:
    if name in _PLATFORM:
        return ["register x18 belongs to the platform"]
    if name in _GENERAL or name in _STACK_POINTER or name in _VECTOR:
        return []
    return [f"register {name} is not accepted"]


def _memory(instruction: Any, memory: Any) -> list[str]:
    base = instruction.reg_name(memory.base) if memory.base else ""
    no = []
    if base not in _GENERAL and base != "sp":
        no.append(f"the address starts from {base or 'nothing'}")
    if base in _PLATFORM:
        no.append("register x18 belongs to the platform")
    if memory.index:
        no += _register(instruction.reg_name(memory.index))
    if base == "sp" and not instruction.writeback and memory.disp < 0:
        no.append("it is below the stack pointer")
    return no


def _stack_pointer(mnemonic: str, names: list[str], kinds: list[int], word: int) -> list[str]:
    """Objections to an instruction that writes the stack pointer, which must stay 16-aligned (AAPCS64 6.4.5.1)."""
    from capstone.arm64 import ARM64_OP_IMM

    if names[0] == "sp":
        if mnemonic in ("add", "sub") and names[1:2] in (["sp"], ["fp"]) and kinds[2:] == [ARM64_OP_IMM]:
            amount = (word >> 10 & 0xfff) << (12 if word >> 22 & 1 else 0)
            return [] if amount % 16 == 0 else ["the stack pointer is no longer a multiple of 16"]
        if mnemonic == "mov" and names[1:] == ["fp"]:
            return []
    return ["the stack pointer gets a value that the judge cannot follow"]


def _loads(word: int, mnemonic: str, kinds: list[int]) -> list[str]:
    """Objections to literal loads, and to what moves its address register on: a push or pop that misaligns the
    stack pointer, and what the architecture leaves open because that register is also the data's."""
    from capstone.arm64 import ARM64_OP_MEM

    if not mnemonic.startswith(("ld", "st", "prf")):
        return []
    if ARM64_OP_MEM not in kinds:
        return ["a load from beside the code is not accepted"]
    is_vector = word >> 26 & 1
    base, data = word >> 5 & 31, [word & 31]
    if word >> 27 & 7 == 0b101 and word >> 23 & 1:
        # Pairs, pre- or post-indexed: imm7, scaled by the register's size.
        data.append(word >> 10 & 31)
        amount = (word >> 15 & 0x7f) << (2 + (word >> 30) if is_vector else 3 if word >> 31 else 2)
    elif word >> 27 & 7 == 0b111 and word >> 24 & 1 == 0 and word >> 21 & 1 == 0 and word >> 10 & 1:
        # One register, pre- or post-indexed: imm9.
        amount = word >> 12 & 0x1ff
    elif word >> 27 & 7 == 0b001 and word >> 23 & 1:
        # Structures, post-indexed: by a register, or by their size, which is known here of whole registers.
        amount = 0 if word >> 30 & 1 and word >> 24 & 1 == 0 and word >> 16 & 31 == 31 else 1
    else:
        return []
    if base == 31:
        return ["the stack pointer is no longer a multiple of 16"] if amount % 16 else []
    return ["it moves on the register that it loads or stores"] if base in data and not is_vector else []


def _relocation(mnemonic: str, names: list[str], around: Surroundings, offset: int) -> list[str]:
    if any(offset < at < offset + 4 for at in around.relocations):
        return ["a relocation starts inside it"]
    type_ = around.relocations.get(offset)
    if type_ is None:
        if mnemonic in ("adr", "adrp") and not around.linked:
            return ["the address has no relocation, so it is not known what it points at"]
        return []
    wanted = _PAIRED.get(type_, ())
    scaled = f"R_AARCH64_LDST{_LOADED.get(names[0][:1], 0)}_ABS_LO12_NC" if names else ""
    if mnemonic not in wanted or (mnemonic == "ldr" and type_ != scaled):
        return [f"relocation {type_} does not belong on it"]
    return []
