"""The forms of ARM64 instructions that the judge accepts: mnemonics with kinds of operands.

Every one is compared with an emulator by the tests, which go through this list.
"""

from __future__ import annotations

import functools
import re

from intent_tool.judge.vector_forms_arm64 import FORMS as VECTOR_FORMS

_TOKEN = re.compile(r"#?-?(?:0x[0-9a-f]+|\d+)(?![\w.])|[a-z][\w.]*")
_SHIFTS = frozenset({"lsl", "lsr", "asr", "ror", "uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"})
_CONDITIONS = frozenset({"eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"})


@functools.lru_cache(8192)
def shape(text: str) -> str:
    """``add x, x, x, lsl`` of ``add x0, x1, x2, lsl #3``: kinds in place of operands.

    ``w x`` registers, also the zero register; ``sp wsp`` the stack pointer, which as a base is ``x``; ``i`` an
    immediate, ``cc`` a condition; ``b h s d q`` and ``v.8b`` vector registers, ``v.b[i]`` a lane. The count of a
    shift is left out."""
    mnemonic, _, operands = text.partition(" ")
    inside, _, _ = operands.partition("]")
    _, bracket, address = inside.partition("[")
    found = _TOKEN.sub(_kind, operands)
    if bracket and "sp" in address:
        found = re.sub(r"\[sp", "[x", found)
    found = re.sub(r"\b(lsl|lsr|asr|ror|[us]xt[bhwx]) i\b", r"\1", found)
    return f"{mnemonic} {found}".strip()


def _kind(match: re.Match[str]) -> str:
    token = match[0]
    if token[0] in "#-" or token[0].isdigit():
        return "i"
    if token in ("fp", "lr"):
        return "x"
    if token in ("sp", "wsp") or token in _SHIFTS:
        return token
    if token in _CONDITIONS:
        return "cc"
    if found := re.fullmatch(r"([wxbhsdq])(?:\d+|zr)", token):
        return found[1]
    if found := re.fullmatch(r"v\d+(\.\w+)", token):
        return "v" + found[1]
    return f"?{token}"


def _forms(mnemonics: str, *operands: str) -> list[str]:
    """Every mnemonic with every list of operands; with ``r`` for w and for x."""
    found = []
    for mnemonic in mnemonics.split():
        for each in operands:
            for r in ("w", "x") if re.search(r"\br\b", each) else ("",):
                found.append(mnemonic + " " + re.sub(r"\br\b", r, each))
    return found


_SHIFTED = ("r", "r, lsl", "r, lsr", "r, asr")
_BY_REGISTER = ("[x, x]", "[x, x, lsl]", "[x, w, uxtw]", "[x, w, sxtw]")
_OFFSETS = ("[x]", "[x, i]", "[x, i]!", "[x], i")

GENERAL_FORMS = frozenset([
    *_forms("mov", "r, r", "r, i", "x, sp", "sp, x"), *_forms("movk", "r, i", "r, i, lsl"),
    *_forms("movz movn", "r, i, lsl"),
    *_forms("mvn neg", *(f"r, {b}" for b in _SHIFTED)), *_forms("mvn", "r, r, ror"),
    *_forms("negs", *(f"r, {b}" for b in _SHIFTED)),
    *_forms("add sub adds subs", *(f"r, r, {b}" for b in (*_SHIFTED, "i", "i, lsl"))),
    *_forms("add sub adds subs", "w, w, w, uxtb", "w, w, w, uxth", "w, w, w, sxtb", "w, w, w, sxth",
            "x, x, w, uxtb", "x, x, w, uxth", "x, x, w, uxtw", "x, x, w, sxtb", "x, x, w, sxth", "x, x, w, sxtw"),
    *_forms("add sub", "sp, sp, i", "x, sp, i", "sp, x, i"),
    *_forms("cmp cmn", *(f"r, {b}" for b in (*_SHIFTED, "i", "i, lsl"))),
    *_forms("cmp cmn", "w, w, uxtb", "w, w, uxth", "w, w, sxtb", "w, w, sxth",
            "x, w, uxtb", "x, w, uxth", "x, w, uxtw", "x, w, sxtb", "x, w, sxth", "x, w, sxtw"),
    *_forms("adc adcs sbc sbcs", "r, r, r"), *_forms("ngc ngcs", "r, r"),
    *_forms("and orr eor ands bic orn eon bics", *(f"r, r, {b}" for b in (*_SHIFTED, "r, ror"))),
    *_forms("and orr eor ands", "r, r, i"), *_forms("tst", *(f"r, {b}" for b in (*_SHIFTED, "r, ror", "i"))),
    *_forms("mul mneg udiv sdiv lsl lsr asr ror", "r, r, r"), *_forms("madd msub", "r, r, r, r"),
    *_forms("smull umull smnegl umnegl", "x, w, w"), *_forms("smaddl umaddl smsubl umsubl", "x, w, w, x"),
    *_forms("smulh umulh", "x, x, x"),
    *_forms("lsl lsr asr ror", "r, r, i"), *_forms("extr", "r, r, r, i"),
    *_forms("ubfx ubfiz sbfx sbfiz bfi bfxil", "r, r, i, i"), *_forms("bfc", "r, i, i"),
    *_forms("uxtb uxth", "w, w"), *_forms("sxtb sxth", "w, w", "x, w"), *_forms("sxtw", "x, w"),
    *_forms("clz cls rbit rev rev16", "r, r"), *_forms("rev32", "x, x"),
    *_forms("csel csinc csinv csneg", "r, r, r, cc"), *_forms("cset csetm", "r, cc"),
    *_forms("cinc cinv cneg", "r, r, cc"), *_forms("ccmp ccmn", "r, r, i, cc", "r, i, i, cc"),
    *_forms("ldr str", *(f"r, {a}" for a in (*_OFFSETS, *_BY_REGISTER, "[x, w, uxtw]", "[x, x, sxtx]"))),
    *_forms("ldrb ldrh strb strh", *(f"w, {a}" for a in (*_OFFSETS, *_BY_REGISTER))),
    *_forms("ldrsb ldrsh", *(f"r, {a}" for a in (*_OFFSETS, *_BY_REGISTER))),
    *_forms("ldrsw", *(f"x, {a}" for a in (*_OFFSETS, *_BY_REGISTER))),
    *_forms("ldur stur", "r, [x, i]", "r, [x]"), *_forms("ldurb ldurh sturb sturh", "w, [x, i]", "w, [x]"),
    *_forms("ldursb ldursh", "r, [x, i]", "r, [x]"), *_forms("ldursw", "x, [x, i]", "x, [x]"),
    *_forms("ldp stp", *(f"r, r, {a}" for a in _OFFSETS)), *_forms("ldpsw", *(f"x, x, {a}" for a in _OFFSETS)),
    *(f"b.{condition} i" for condition in sorted(_CONDITIONS)), *_forms("cbz cbnz", "r, i"),
    *_forms("tbz tbnz", "r, i, i"), "b i", "ret", "nop", "adr x, i", "adrp x, i",
])
FORMS = GENERAL_FORMS | VECTOR_FORMS
