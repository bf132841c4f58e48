"""How the accepted vector instructions of x86-64 are encoded, so that no other encoding of them passes.

Intel SDM volume 2: chapter 2.3 (VEX), and the opcode of each instruction. Disassemblers pass over bits that the
processor objects to (VEX.L, VEX.W, VEX.vvvv) or that differ between processors (two mandatory prefixes).
"""

from __future__ import annotations

from dataclasses import dataclass

MANDATORY = (0x66, 0xf3, 0xf2)
"""As VEX.pp numbers them, from 1 on."""

_LEGACY = {
    0: "movups 10 11 movaps 28 29",
    0x66: """movdqa 6f 7f movd 6e 7e movq 6e 7e d6 pmovmskb d7 pextrw c5 pinsrw c4 pshufd 70 pmaddwd f5 psadbw f6
        paddb fc paddw fd paddd fe paddq d4 psubb f8 psubw f9 psubd fa psubq fb paddusb dc paddusw dd psubusb d8
        psubusw d9 paddsb ec paddsw ed psubsb e8 psubsw e9 pavgb e0 pavgw e3 pminub da pmaxub de pminsw ea pmaxsw ee
        pcmpeqb 74 pcmpeqw 75 pcmpeqd 76 pcmpgtb 64 pcmpgtw 65 pcmpgtd 66 pand db pandn df por eb pxor ef
        pmullw d5 pmulhw e5 pmulhuw e4 pmuludq f4 psllw 71 psrlw 71 psraw 71 pslld 72 psrld 72 psrad 72 psllq 73
        psrlq 73 pslldq 73 psrldq 73 punpcklbw 60 punpcklwd 61 punpckldq 62 punpcklqdq 6c punpckhbw 68 punpckhwd 69
        punpckhdq 6a punpckhqdq 6d packsswb 63 packssdw 6b packuswb 67""",
    0xf3: "movdqu 6f 7f movq 7e pshufhw 70",
    0xf2: "pshuflw 70",
}
"""By mandatory prefix (0 for none): mnemonics and their opcodes after 0F."""

_VEX_ONLY = """
    1.38 pshufb 00 pmaddubsw 04 pabsb 1c pabsw 1d pabsd 1e pmovsxbw 20 pmovsxbd 21 pmovsxbq 22 pmovsxwd 23
    1.38 pmovsxwq 24 pmovsxdq 25
    1.38 pmovzxbw 30 pmovzxbd 31 pmovzxbq 32 pmovzxwd 33 pmovzxwq 34 pmovzxdq 35 pmuldq 28 pcmpeqq 29
    1.38 packusdw 2b pcmpgtq 37 pminsb 38 pminsd 39 pminuw 3a pminud 3b pmaxsb 3c pmaxsd 3d pmaxuw 3e pmaxud 3f
    1.38 pmulld 40 ptest 17 pbroadcastd 58 pbroadcastq 59 pbroadcastb 78 pbroadcastw 79 broadcasti128 5a
    1.3a permq 00 palignr 0f extracti128 39 inserti128 38 perm2i128 46 pblendvb 4c
    0.0f zeroupper 77
"""
"""VEX.pp and opcode map, then mnemonics without their `v`, and opcodes."""

_W = {"pbroadcastb": 0, "pbroadcastw": 0, "pbroadcastd": 0, "pbroadcastq": 0, "broadcasti128": 0, "permq": 1,
      "extracti128": 0, "inserti128": 0, "perm2i128": 0, "pblendvb": 0}
"""VEX.W where it is not ignored; that of movd and movq is the width of their general register."""
_L = {"broadcasti128": 1, "permq": 1, "extracti128": 1, "inserti128": 1, "perm2i128": 1, "movd": 0, "movq": 0,
      "pextrw": 0, "pinsrw": 0, "zeroupper": 0}
"""VEX.L where only one will do."""
_FIRST_SOURCE = """
    paddb paddw paddd paddq psubb psubw psubd psubq paddusb paddusw psubusb psubusw paddsb paddsw psubsb psubsw pavgb
    pavgw pminub pmaxub pminsw pmaxsw pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pand pandn por pxor pmullw
    pmulhw pmulhuw pmuludq psllw psrlw psraw pslld psrld psrad psllq psrlq pslldq psrldq punpcklbw punpcklwd punpckldq
    punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq packsswb packssdw packuswb pmaddwd psadbw pinsrw pshufb
    pmaddubsw pmuldq pcmpeqq packusdw pcmpgtq pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld palignr
    inserti128 perm2i128 pblendvb
"""
"""Whose VEX.vvvv names a register; of the others it has to be all ones."""


_UNALIGNED = frozenset({"movdqu", "movups", "movd", "movq", "pinsrw"})
_ALIGNED = frozenset({"vmovdqa", "vmovaps"})


def needs_alignment(mnemonic: str) -> bool:
    """Whether a memory operand of a vector instruction faults unless it is aligned (volume 1, 14.9)."""
    return mnemonic in _ALIGNED if mnemonic in VEX_MNEMONICS else mnemonic not in _UNALIGNED


@dataclass(frozen=True, slots=True)
class _Vex:
    prefix: int
    map: int
    opcodes: frozenset[int]


def _listed(text: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    name = ""
    for word in text.split():
        if word in found or len(word) > 2:
            name = word
            found.setdefault(name, [])
        else:
            found[name].append(int(word, 16))
    return found


LEGACY = frozenset((name, prefix, opcode) for prefix, text in _LEGACY.items()
                   for name, opcodes in _listed(text).items() for opcode in opcodes)
"""Mnemonic, mandatory prefix or 0, and opcode after 0F."""


def _vex() -> dict[str, list[_Vex]]:
    found: dict[str, list[_Vex]] = {}
    for prefix, text in _LEGACY.items():
        for name, opcodes in _listed(text).items():
            number = MANDATORY.index(prefix) + 1 if prefix else 0
            found.setdefault("v" + name, []).append(_Vex(number, 1, frozenset(opcodes)))
    for line in _VEX_ONLY.strip().splitlines():
        head, _, rest = line.strip().partition(" ")
        number, table = int(head[0]), {"0f": 1, "38": 2, "3a": 3}[head[2:]]
        for name, opcodes in _listed(rest).items():
            found.setdefault("v" + name, []).append(_Vex(number, table, frozenset(opcodes)))
    return found


_VEX = _vex()
VEX_MNEMONICS = frozenset(_VEX)


def is_legacy_vector(mnemonic: str, prefixes: bytes, opcode: bytes) -> bool:
    """Whether an instruction without VEX is one of ours, with its mandatory prefix and no other. `opcode` is what
    comes after the prefixes and REX."""
    if opcode[0] != 0x0f or len(prefixes) > 1:
        return False
    return (mnemonic, prefixes[0] if prefixes else 0, opcode[1]) in LEGACY


def vex_objections(mnemonic: str, code: bytes, width: int) -> list[str]:
    """What is wrong with a VEX-encoded vector instruction. `width` is that of its widest vector register in bits
    (128 where there is none)."""
    if code[0] == 0xc5:
        table, w, last, opcode = 1, 0, code[1], code[2]
    elif code[0] == 0xc4:
        table, w, last, opcode = code[1] & 31, code[2] >> 7, code[2], code[3]
    else:
        return [f"`{mnemonic}` is not VEX-encoded"]
    stem = mnemonic[1:]
    no = []
    if not any((e.prefix, e.map) == (last & 3, table) and opcode in e.opcodes for e in _VEX[mnemonic]):
        no.append("its opcode is another one")
    if last >> 2 & 1 != _L.get(stem, int(width == 256)):
        no.append("its VEX.L bit has the wrong value")
    if w != _W.get(stem, w):
        no.append("its VEX.W bit has the wrong value")
    # Moves between general and vector registers: W is the width.
    if stem in ("movd", "movq") and opcode in (0x6e, 0x7e) and last & 3 == 1 and w != (stem == "movq"):
        no.append("its VEX.W bit has the wrong value")
    if stem not in _FIRST_SOURCE.split() and last >> 3 & 15 != 15:
        no.append("its VEX.vvvv field must not name a register")
    return no
