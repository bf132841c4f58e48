"""x86-64 instructions, by capstone, with the prefixes looked at by ourselves.

Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2 (prefixes, REX, VEX). capstone
passes over redundant prefixes in silence, and processors differ on some of them.
"""

from __future__ import annotations

from typing import Any

from intent_tool.judge.decode import BRANCH, CALL, JUMP, PLAIN, RETURN, SYSTEM, Decoded, Surroundings
from intent_tool.judge.encodings_x86_64 import VEX_MNEMONICS, is_legacy_vector, needs_alignment, vex_objections

_LEGACY = {0x66: "operand size", 0x67: "address size", 0xf0: "lock", 0xf2: "repne", 0xf3: "rep",
           0x2e: "cs segment", 0x36: "ss segment", 0x3e: "ds segment", 0x26: "es segment", 0x64: "fs segment",
           0x65: "gs segment"}
_MANDATORY = {(0xf3, b"\x0f\xb8"), (0xf3, b"\x0f\xbc"), (0xf3, b"\x0f\xbd"), (0xf3, b"\x0f\x1e")}
"""popcnt, tzcnt, lzcnt, endbr64: the prefix is a part of the opcode."""
_PADS_NOP = {0x66, 0x2e}
"""What makes the recommended long NOPs longer (SDM, NOP, table 4-12, and its assemblers' extensions)."""
_NO_16_BITS = frozenset({"push", "pop", "ret", "jmp", "leave"})
_READS_ONLY = frozenset({"cmp", "test", "push"})
_RED_ZONE = 128
"""Bytes below the stack pointer that a function may use (AMD64 ABI 3.2.2)."""

_GENERAL = frozenset(
    [p + r for r in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp") for p in ("r", "e", "")]
    + ["al", "ah", "bl", "bh", "cl", "ch", "dl", "dh", "sil", "dil", "bpl", "spl"]
    + [f"r{n}{s}" for n in range(8, 16) for s in ("", "d", "w", "b")])
_STACK_POINTER = frozenset({"rsp", "esp", "sp", "spl"})
_VECTOR = frozenset(f"{kind}mm{n}" for kind in "xy" for n in range(16))


def decode_x86_64(code: bytes, around: Surroundings) -> list[Decoded]:
    """Every instruction of `code`; the last one is without a mnemonic when its bytes are none."""
    import capstone

    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    engine.detail = True
    found = []
    offset = 0
    for instruction in engine.disasm(code, around.entry):
        found.append(_judge(instruction, offset, around))
        offset += instruction.size
    if offset < len(code):
        rest = code[offset:offset + 15]
        found.append(Decoded(offset, len(rest), "", "." + "byte " + " ".join(f"{b:02x}" for b in rest), objections=(
            "these bytes are no whole x86-64 instruction",)))
    return found


def _judge(instruction: Any, offset: int, around: Surroundings) -> Decoded:
    from capstone import CS_GRP_CALL, CS_GRP_JUMP, CS_GRP_RET
    from capstone.x86 import X86_OP_IMM, X86_OP_MEM, X86_OP_REG

    mnemonic: str = instruction.mnemonic
    text = f"{mnemonic} {instruction.op_str}".strip()
    operands = instruction.operands
    code = bytes(instruction.bytes)
    if mnemonic in VEX_MNEMONICS:
        no = vex_objections(mnemonic, code, max([128] + [8 * o.size for o in operands if o.type == X86_OP_REG]))
    else:
        no = _prefixes(code, mnemonic, [o.size for o in operands if o.type in (X86_OP_REG, X86_OP_MEM)])
    has_vectors = any(o.type == X86_OP_REG and instruction.reg_name(o.reg) in _VECTOR for o in operands)
    relocations = [at for at in around.relocations if offset <= at < offset + instruction.size]
    relocatable = set()
    flow, destination = PLAIN, None
    for position, operand in enumerate(operands):
        if operand.type == X86_OP_REG:
            name = instruction.reg_name(operand.reg)
            if name not in _GENERAL and name not in _VECTOR:
                no.append(f"register {name} is not accepted")
            elif name in _STACK_POINTER:
                no += _stack_pointer(instruction, position, name)
        elif operand.type == X86_OP_MEM:
            no += _memory(instruction, operand, around)
            if has_vectors and needs_alignment(mnemonic):
                no.append("its memory operand would have to be aligned")
            if instruction.disp_size == 4:
                relocatable.add(offset + instruction.disp_offset)
        elif operand.type != X86_OP_IMM:
            no.append("an operand is of an unknown kind")
    if instruction.group(CS_GRP_CALL) or mnemonic in ("call", "lcall"):
        flow = CALL
        if not around.whole_program:
            no.append("a function may not call")
        elif mnemonic == "call" and len(operands) == 1 and operands[0].type == X86_OP_IMM:
            destination = operands[0].imm - around.entry
        else:
            no.append("an indirect call may go anywhere")
    elif instruction.group(CS_GRP_RET) or mnemonic.startswith(("ret", "iret")):
        flow = RETURN
        if mnemonic != "ret" or operands:
            no.append("only a plain near return is accepted")
    elif instruction.group(CS_GRP_JUMP) or mnemonic.startswith(("j", "loop")):
        flow = JUMP if mnemonic == "jmp" else BRANCH
        if len(operands) == 1 and operands[0].type == X86_OP_IMM:
            destination = operands[0].imm - around.entry
            if instruction.imm_size == 4:
                relocatable.add(offset + instruction.imm_offset)
        else:
            no.append("an indirect jump may go anywhere")
    elif mnemonic == "syscall":
        flow = SYSTEM
    if set(relocations) - relocatable:
        no.append("a relocation changes a part of it that is no address")
    return Decoded(offset, instruction.size, mnemonic, text, flow, destination, tuple(no))


def _prefixes(code: bytes, mnemonic: str, sizes: list[int]) -> list[str]:
    """Objections to the prefixes. `sizes` are those of the register and memory operands, in bytes."""
    no = []
    count = 0
    while code[count] in _LEGACY:
        count += 1
    legacy = code[:count]
    rex = 0x40 <= code[count] <= 0x4f
    opcode = code[count + rex:]
    if mnemonic == "nop" and ((opcode[:2] == b"\x0f\x1f" and set(legacy) <= _PADS_NOP) or code == b"\x66\x90"):
        return []
    if is_legacy_vector(mnemonic, legacy, opcode):
        return []
    if len(set(legacy)) < len(legacy):
        no.append("a prefix is repeated")
    for byte in legacy:
        if byte == 0x66:
            if mnemonic in _NO_16_BITS or mnemonic.startswith("j") or (2 not in sizes):
                no.append("the operand size prefix has no meaning here")
        elif (byte, opcode[:2]) not in _MANDATORY:
            no.append(f"the {_LEGACY[byte]} prefix is not accepted")
    if rex and (opcode[0] in _LEGACY or 0x40 <= opcode[0] <= 0x4f):
        no.append("a prefix follows the REX prefix")
    if opcode[0] in (0xc4, 0xc5, 0x62) and (legacy or rex):
        no.append("a prefix stands before a VEX prefix")
    return no


def _stack_pointer(instruction: Any, position: int, name: str) -> list[str]:
    """Objections to an operand that is the stack pointer."""
    from capstone.x86 import X86_OP_IMM, X86_OP_MEM, X86_OP_REG

    mnemonic = instruction.mnemonic
    if name != "rsp":
        return ["a part of the stack pointer is used"]
    if position == 1:
        # Written, too, by an exchange.
        return [] if mnemonic in ("mov", "add", "sub", "cmp", "test") else ["this use of the stack pointer"
                                                                          " is not understood"]
    if mnemonic in _READS_ONLY:
        return []
    other = instruction.operands[1] if len(instruction.operands) == 2 else None
    if other is not None:
        if mnemonic in ("add", "sub") and other.type == X86_OP_IMM:
            return []
        if mnemonic == "lea" and other.type == X86_OP_MEM and other.mem.index == 0 and instruction.reg_name(
                other.mem.base) in ("rsp", "rbp"):
            return []
        if mnemonic == "mov" and other.type == X86_OP_REG and instruction.reg_name(other.reg) == "rbp":
            return []
    return ["the stack pointer gets a value that the judge cannot follow"]


def _memory(instruction: Any, operand: Any, around: Surroundings) -> list[str]:
    """Objections to a memory operand."""
    memory = operand.mem
    base = instruction.reg_name(memory.base) if memory.base else None
    index = instruction.reg_name(memory.index) if memory.index else None
    if instruction.mnemonic == "nop":
        return []
    no = []
    if memory.segment:
        no.append("a segment register is used")
    if base == "rip":
        size = 1 if instruction.mnemonic == "lea" else operand.size
        address = instruction.address + instruction.size + memory.disp
        if index is not None:
            no.append("an index on the instruction pointer is not understood")
        elif not around.in_table(address, size):
            no.append("the address lies outside the constants")
        return no
    for name in (base, index):
        if name is not None and (name not in _GENERAL or not name.startswith("r")):
            no.append(f"register {name} is not accepted in an address")
    if base is None and index is None:
        no.append("an absolute address is not accepted")
    if base == "rsp" and index is None and memory.disp < -_RED_ZONE:
        no.append(f"it is more than {_RED_ZONE} bytes below the stack pointer")
    return no
