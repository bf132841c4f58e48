"""The forms of x86-64 instructions that the judge accepts: mnemonics with kinds of operands.

Every one is compared with an emulator by the tests, which go through this list.
"""

from __future__ import annotations

import functools
import re

from intent_tool.judge.decode import PLAIN, Decoded
from intent_tool.judge.operands_x86_64 import GENERAL, REGISTER_BITS
from intent_tool.judge.vector_forms_x86_64 import FORMS as VECTOR_FORMS

_OPERAND = re.compile(r"(?:(byte|word|dword|qword|xmmword|ymmword) ptr )?\[[^]]*\]|[^,\s][^,]*")
_REGISTER = f"(?:{'|'.join(GENERAL)})"
_ADDRESS = re.compile(rf"\[(?:rip|{_REGISTER}|{_REGISTER}\*[1248]|{_REGISTER} \+ {_REGISTER}(?:\*[248])?)"
                      r"(?: [+-] (?:0x[0-9a-f]+|\d+))?\]")
_SIZES = {"byte": 8, "word": 16, "dword": 32, "qword": 64, "xmmword": 128, "ymmword": 256}
_PREFIXES = frozenset(b"\x66\x67\xf0\xf2\xf3\x2e\x36\x3e\x26\x64\x65")


def form(decoded: Decoded, code: bytes) -> str:
    """The form of an instruction. On the stack and in jumps processors differ on prefixes, or they change sizes that
    the text does not show."""
    found = shape(decoded.text)
    if code[0] in _PREFIXES and (decoded.flow != PLAIN or decoded.mnemonic in ("push", "pop")):
        return f"?{found} with a prefix"
    return found


@functools.lru_cache(8192)
def shape(text: str) -> str:
    """``add r64, m64`` of ``add rax, qword ptr [rbx + 8]``: kinds in place of operands.

    ``r8 … r64`` registers (ah, bh, ch, dh are r8, too), ``r128 r256`` vector registers, ``m8 … m256`` memory, ``m``
    an address, ``i`` an immediate or a destination. Addresses are of 64 bits, from registers or from rip,
    without a segment register."""
    mnemonic, _, operands = text.partition(" ")
    if mnemonic == "nop":
        # It goes to no memory; the segment registers in it only make it longer.
        operands = operands.replace("cs:", "")
    return f"{mnemonic} {', '.join(_kind(found[0]) for found in _OPERAND.finditer(operands))}".strip()


def _kind(operand: str) -> str:
    if operand in REGISTER_BITS:
        return f"r{REGISTER_BITS[operand][2]}"
    if operand.endswith("]"):
        size, _, address = operand.rpartition(" ptr ")
        kind = f"m{_SIZES[size]}" if size else "m"
        return kind if _ADDRESS.fullmatch(address) else f"?{kind}"
    return "i" if re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", operand) else f"?{operand}"


def _forms(mnemonics: str, *operands: str, widths: tuple[int, ...] = (8, 16, 32, 64)) -> list[str]:
    """Every mnemonic with every list of operands at every width, where ``r`` is a register, ``m`` memory and ``x``
    either one."""
    found = []
    for mnemonic in mnemonics.split():
        for each in operands:
            for x in ("r", "m") if "x" in each else ("",):
                shape = re.sub(r"\bx\b", x, each)
                found += [mnemonic + " " + re.sub(r"\b[rm]\b", rf"\g<0>{width}", shape) for width in widths]
    return found


_WIDE = (16, 32, 64)
_LONG = (32, 64)
CONDITIONS = ("a", "ae", "b", "be", "e", "g", "ge", "l", "le", "ne", "no", "np", "ns", "o", "p", "s")

FORMS = frozenset([
    *_forms("mov", "x, r", "r, m", "x, i"), *_forms("movabs", "r, i", widths=(64,)),
    *_forms("movzx movsx", "r, r8", "r, m8", widths=_WIDE), *_forms("movzx movsx", "r, r16", "r, m16", widths=_LONG),
    *_forms("movsxd", "r64, x", widths=(32,)), *(f"lea r{width}, m" for width in _WIDE),
    *_forms("xchg", "r, r", "m, r"), *_forms("push", "x", "i", widths=(64,)), *_forms("pop", "r", widths=(64,)),
    *_forms("add adc sub sbb and or xor cmp", "x, r", "r, m", "x, i"), *_forms("test", "x, r", "x, i"),
    *_forms("neg not inc dec mul imul div idiv", "x"), *_forms("imul", "r, x", "r, x, i", widths=_WIDE),
    *_forms("bswap", "r", widths=_LONG), "cbw", "cwde", "cdqe", "cwd", "cdq", "cqo", "clc", "stc", "cmc",
    *_forms("shl shr sar rol ror rcl rcr", "x, i", "x, r8"),
    *_forms("shld shrd", "x, r, i", "x, r, r8", widths=_WIDE),
    *_forms("bt bts btr btc", "r, r", "x, i", widths=_WIDE), *_forms("bsf bsr", "r, x", widths=_WIDE),
    *_forms(" ".join(f"set{c}" for c in CONDITIONS), "x", widths=(8,)),
    *_forms(" ".join(f"cmov{c}" for c in CONDITIONS), "r, x", widths=_WIDE),
    *(f"j{c} i" for c in CONDITIONS), "jmp i", "ret", "nop", "nop m16", "nop m32", "endbr64",
    *_forms("andn", "r, r, x", widths=_LONG), *_forms("bextr bzhi sarx shlx shrx", "r, x, r", widths=_LONG),
    *_forms("blsi blsmsk blsr", "r, x", widths=_LONG), *_forms("mulx pdep pext", "r, r, x", widths=_LONG),
    *_forms("rorx", "r, x, i", widths=_LONG), *_forms("tzcnt lzcnt popcnt", "r, x", widths=_WIDE),
    *_forms("movbe", "r, m", "m, r", widths=_WIDE), *VECTOR_FORMS,
])
