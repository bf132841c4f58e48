"""Instances of the forms that the judge accepts: single instructions as bytes, with operands of all kinds.

How an instance came about does not matter: what counts is what its bytes are, and the judge's decoder says that.
"""

from __future__ import annotations

import random
import re

from table_isas import ISAS, Isa

from intent_tool.judge.forms_x86_64 import CONDITIONS
from intent_tool.judge.operands_x86_64 import REGISTER_BITS
from intent_tool.judge.riscv_words import _OPCODES, decode_halfword

BY_NAME = {isa.name: isa for isa in ISAS}


def instance(isa: Isa, form: str, rng: random.Random, here: int, taken: int, window: int) -> bytes | None:
    """A random instruction that may be of that form, as it stands at `here`: its branches go to `taken`, and what
    it addresses from its own place lies in the window. None when the operands drawn do not go together."""
    if isa.name == "riscv64":
        made = _riscv64(form, rng)
    elif isa.name == "arm64":
        made = _arm64(form, rng)
    else:
        made = _x86_64(form, rng)
    if isinstance(made, bytes):
        return made or None
    try:
        if "{window}" in made:
            # The displacement counts from the end of the instruction.
            size = len(isa.assemble(made.format(window=0x1000), here, taken))
            made = made.format(window=window + rng.randrange(40) - here - size)
        return isa.assemble(made, here, taken)
    except Exception:
        return None


def _edge(rng: random.Random, bits: int) -> int:
    """A signed number."""
    top = 1 << (bits - 1)
    return rng.choice([0, 1, -1, 2, 3, 7, 8, 31, 32, 63, 64, top - 1, -top, -top + 1, rng.randrange(-top, top),
                       rng.randrange(-top, top) >> rng.randrange(bits)])


def _fitting(rng: random.Random, bits: int) -> int:
    """A signed number of `bits` or, often, of 8 bits."""
    return _edge(rng, rng.choice([8, bits]))


# x86-64

_WIDTHS = {"8": "byte", "16": "word", "32": "dword", "64": "qword", "128": "xmmword", "256": "ymmword"}
_BASES = [name for name, (_, _, width) in REGISTER_BITS.items() if width == 64]
_SHIFTS = ("shl", "shr", "sar", "rol", "ror", "rcl", "rcr", "shld", "shrd")


def _x86_64(form: str, rng: random.Random) -> str | bytes:
    mnemonic, _, operands = form.partition(" ")
    if mnemonic in ("jmp", *(f"j{c}" for c in CONDITIONS)):
        return f"{mnemonic} .Lt"
    if mnemonic == "endbr64":
        return bytes.fromhex("f30f1efa")
    if form == "nop m16" and rng.random() < 0.5:
        return bytes.fromhex("2e660f1f840000000000" if rng.random() < 0.5 else "66662e0f1f840000000000")
    kinds = operands.split(", ") if operands else []
    texts: list[str] = []
    for place, kind in enumerate(kinds):
        if kind[0] == "r":
            names = [name for name, (_, _, width) in REGISTER_BITS.items() if width == int(kind[1:])]
            if mnemonic in _SHIFTS and place == len(kinds) - 1:
                names = ["cl"]
            again = [t for t in texts if t in names]
            texts.append(rng.choice(again if again and rng.random() < 0.2 else names))
        elif kind[0] == "m":
            texts.append((f"{_WIDTHS[kind[1:]]} ptr " if kind != "m" else "") + _x86_64_address(rng))
        else:
            texts.append(str(_x86_64_immediate(mnemonic, kinds, rng)))
    text = f"{mnemonic} {', '.join(texts)}".strip()
    if re.search(r"\b[abcd]h\b", text) and (re.search(r"\br(8|9|1\d)|\b(spl|bpl|sil|dil)\b", text) or "r64" in form):
        # No such encoding; keystone ends the process over it.
        return b""
    return text


def _x86_64_address(rng: random.Random) -> str:
    base, index = rng.sample(_BASES, 2)
    if index == "rsp":
        base, index = index, base
    index = f"{index}*{rng.choice([1, 2, 4, 8])}"
    offset = rng.choice(["", f" + {rng.randrange(-128, 128)}", f" + {_edge(rng, 32)}"])
    return rng.choice([f"[{base}{offset}]", f"[{base}{offset}]", f"[{base} + {index}{offset}]",
                       f"[{base} + {index}{offset}]", f"[{index}{offset}]", "[rip + {window}]"])


def _x86_64_immediate(mnemonic: str, kinds: list[str], rng: random.Random) -> int:
    width = int(kinds[0][1:]) if kinds[0][1:] else 32
    if any(kind in ("r128", "r256") for kind in kinds):
        return rng.choice([0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 63, 64, 255, rng.randrange(256), rng.randrange(256)])
    if mnemonic in (*_SHIFTS, "rorx", "bt", "bts", "btr", "btc"):
        return rng.choice([0, 1, 2, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 127, rng.randrange(128)])
    if mnemonic == "movabs":
        return rng.choice([rng.getrandbits(64) | 1 << 63, -rng.getrandbits(62), 1 << 40])
    if mnemonic == "mov" and kinds[0] == "r32" and rng.random() < 0.5:
        return rng.getrandbits(32)
    return _fitting(rng, min(width, 32))


# ARM64

_SIZES = {"b": 1, "h": 2, "w": 4}


def _arm64(form: str, rng: random.Random) -> str | bytes:
    mnemonic, _, operands = form.partition(" ")
    if operands == "i" and (mnemonic == "b" or mnemonic.startswith("b.")):
        return f"{mnemonic} .Lt"
    if mnemonic in ("cbz", "cbnz"):
        return f"{mnemonic} {_arm64_register(operands[0], rng, [])}, .Lt"
    if mnemonic in ("tbz", "tbnz"):
        bit = rng.randrange(32 if operands[0] == "w" else 64)
        return f"{mnemonic} {_arm64_register(operands[0], rng, [])}, #{bit}, .Lt"
    if mnemonic in ("adr", "adrp"):
        word = rng.getrandbits(32) & 0x60ffffff | (0x90000000 if mnemonic == "adrp" else 0x10000000)
        return word.to_bytes(4, "little")
    if re.search(r"\bv\.", form) and "[x]" not in form:
        return _arm64_vector(form, rng)
    so_far: list[str] = []
    listed: list[int] = []
    width = 32 if operands.startswith("w") else 64
    numbers = iter(_arm64_numbers(mnemonic, form, width, rng))

    def token(match: re.Match[str]) -> str:
        kind = match[0]
        if kind == "i":
            return f"#{next(numbers)}"
        if kind == "cc":
            return rng.choice(list(BY_NAME["arm64"].conditions))
        if kind in ("sp", "wsp"):
            return kind
        if kind in ("w", "x"):
            text = _arm64_register(kind, rng, so_far)
            so_far.append(text)
            return text
        if kind in ("b", "h", "s", "d", "q"):
            return f"{kind}{rng.choice(_VECTORS)}"
        if kind.startswith("v."):
            # Of a list: the numbers follow each other.
            listed.append((listed[-1] + 1) % 32 if listed else rng.choice((0, 3, 4, 16, 28)))
            return f"v{listed[-1]}{kind[1:]}"
        if kind in ("lsl", "lsr", "asr", "ror"):
            return f"{kind} #{_arm64_shift(mnemonic, form, width, rng)}"
        if kind[1:3] == "xt":
            if "[" in form:
                amount = rng.choice([0, _arm64_size(mnemonic, form).bit_length() - 1])
            else:
                amount = rng.randrange(5)
            return f"{kind} #{amount}" if amount else kind
        return kind

    before, bracket, address = re.sub(r"v\.\w+|[a-z]+", token, operands).partition("[")
    if bracket:
        # A base that is no index, and no data register where it is written back.
        taken = {name[1:] for name in re.findall(r"\b[wx]\d+", address.partition(",")[2] + before)}
        free = [str(n) for n in range(31) if str(n) not in taken]
        data = before.split(", ")
        if mnemonic.startswith("ldp") and data[0][1:] == data[1][1:]:
            return b""
        base = "sp" if rng.random() < 0.2 else f"x{rng.choice(free)}"
        address = re.sub(r"^x\w+", base, address)
    return f"{mnemonic} {before}{bracket}{address}".strip()


_VECTORS = (*range(8), 16, 17, 30, 31)


def _arm64_vector(form: str, rng: random.Random) -> str:
    """Of vectors, lanes and perhaps a general register, without memory."""
    mnemonic, _, operands = form.partition(" ")
    numbers = [rng.choice(_VECTORS)]
    arrangements = re.findall(r"v\.\d*([bhsd])", operands)
    width = {"b": 8, "h": 16, "s": 32, "d": 64}[arrangements[-1]]
    if mnemonic.startswith("shrn"):
        width //= 2

    def token(match: re.Match[str]) -> str:
        kind = match[0]
        if kind == "[i]":
            return f"[{1 if mnemonic == 'fmov' else rng.randrange(128 // width)}]"
        if kind == "i":
            return f"#{_arm64_vector_number(mnemonic, operands, width, rng):#x}"
        if kind == "lsl":
            return f"lsl #{rng.choice([8, 16, 24] if width == 32 else [8])}"
        if kind in ("w", "x"):
            return _arm64_register(kind, rng, [])
        numbers.append(rng.choice([*_VECTORS, *numbers]))
        return f"v{numbers[-1]}{kind[1:]}" if kind.startswith("v.") else f"{kind}{numbers[-1]}"
    return f"{mnemonic} " + re.sub(r"v\.[0-9a-z]+|\[i\]|[a-z]+", token, operands)


def _arm64_vector_number(mnemonic: str, operands: str, width: int, rng: random.Random) -> int:
    if mnemonic in ("cmeq", "cmgt", "cmge", "cmlt", "cmle"):
        return 0
    if mnemonic == "ext":
        return rng.randrange(16 if "16b" in operands else 8)
    if mnemonic in ("movi", "mvni"):
        if width < 64:
            return rng.randrange(256)
        return sum(rng.choice((0, 0xff)) << 8 * k for k in range(8))
    if mnemonic.startswith(("shl", "sli", "ushll", "sshll")):
        return rng.choice([0, 1, width - 1, rng.randrange(width)])
    return rng.choice([1, width, rng.randrange(1, width + 1)])


def _arm64_register(kind: str, rng: random.Random, so_far: list[str]) -> str:
    chosen = rng.random()
    if chosen < 0.1:
        return f"{kind}zr"
    if so_far and chosen < 0.3:
        again = rng.choice(so_far)
        return kind + again[1:]
    return f"{kind}{rng.randrange(31)}"


def _arm64_size(mnemonic: str, form: str) -> int:
    """Bytes of one memory access."""
    if mnemonic in ("ldrsw", "ldursw", "ldpsw"):
        return 4
    if mnemonic in ("ldrb", "ldrh", "ldrsb", "ldrsh", "strb", "strh"):
        return _SIZES[mnemonic[-1]]
    return {"b": 1, "h": 2, "s": 4, "w": 4, "x": 8, "d": 8, "q": 16}.get(form.partition(" ")[2][0], 8)


def _arm64_shift(mnemonic: str, form: str, width: int, rng: random.Random) -> int:
    if "[" in form:
        return _arm64_size(mnemonic, form).bit_length() - 1
    if mnemonic.startswith("mov"):
        return rng.randrange(0, width, 16)
    if re.search(r"i, lsl", form):
        return 12
    return rng.choice([1, width - 1, rng.randrange(1, width)])


def _arm64_numbers(mnemonic: str, form: str, width: int, rng: random.Random) -> list[int]:
    if "[" in form:
        size = _arm64_size(mnemonic, form)
        if mnemonic in ("ld1", "st1"):
            return [16 * form.count("v.")]
        if mnemonic in ("ldp", "stp", "ldpsw"):
            return [size * rng.choice([0, 1, -1, 63, -64, rng.randrange(-64, 64)])]
        if mnemonic.startswith(("ldu", "stu")) or "]!" in form or "], i" in form:
            return [rng.choice([0, 1, -1, 8, -8, 255, -256, rng.randrange(-256, 256)])]
        return [size * rng.choice([1, 2, 4095, rng.randrange(4096)])]
    if mnemonic in ("ubfx", "ubfiz", "sbfx", "sbfiz", "bfi", "bfxil", "bfc"):
        low = rng.choice([0, 1, width - 1, rng.randrange(width)])
        return [low, rng.choice([1, width - low, rng.randrange(1, width - low + 1)])]
    if mnemonic in ("lsl", "lsr", "asr", "ror", "extr"):
        return [rng.choice([0, 1, 8, 16, width - 1, rng.randrange(width)])]
    if mnemonic in ("ccmp", "ccmn"):
        flags = rng.randrange(16)
        return [rng.choice([0, 31, rng.randrange(32)]), flags] if form.count(" i") == 2 else [flags]
    if mnemonic in ("and", "orr", "eor", "ands", "tst", "mov"):
        ones, turn, size = rng.randrange(1, width), rng.randrange(width), rng.choice([width, width, 16, 8, 4, 2])
        ones = min(ones, size - 1) if size > 1 else 1
        element = (1 << ones) - 1
        element = (element >> turn % size | element << (size - turn % size)) & (1 << size) - 1
        value = sum(element << start for start in range(0, width, size))
        return [value if mnemonic != "mov" or rng.random() < 0.5 else _edge(rng, 17)]
    if mnemonic.startswith("mov"):
        return [rng.choice([0, 1, 0xffff, 0x8000, rng.randrange(1 << 16)])]
    return [rng.choice([0, 1, 2, 8, 4095, rng.randrange(4096)])]


# RISC-V

def _riscv64(form: str, rng: random.Random) -> str | bytes:
    name = form.partition(" ")[0]
    if form == "jal zero":
        return "j .Lt"
    if name == "jalr":
        return rng.choice([0x8067.to_bytes(4, "little"), 0x8082.to_bytes(2, "little")])
    if _OPCODES[name][0] == "B":
        registers = ("zero", "a0", "a1", "s0", "s1", "t6", "sp")
        return f"{name} {rng.choice(registers)}, {rng.choice(registers)}, .Lt"
    if name in _HALFWORDS and rng.random() < 0.5:
        return rng.choice(rng.choice(_HALFWORDS[name])).to_bytes(2, "little")
    _, mask, match, _ = _OPCODES[name]
    word = rng.choice([rng.getrandbits(32), 0, 0xffffffff, rng.getrandbits(32)])
    word = word & ~mask & 0xffffffff | match
    if rng.random() < 0.3:
        # The destination is the first source.
        word = word & ~(31 << 15 & ~mask) | (word >> 7 & 31) << 15 & ~mask
        word = word & ~mask | match
    return word.to_bytes(4, "little")


def _halfwords() -> dict[str, list[list[int]]]:
    """For each instruction the compressed encodings of each of its formats."""
    found: dict[str, dict[tuple[int, int], list[int]]] = {}
    for half in range(1 << 16):
        word = decode_halfword(half) if half & 3 != 3 else None
        if word is not None and word.form not in ("B", "J") and word.name != "jalr":
            found.setdefault(word.name, {}).setdefault((half >> 13, half & 3), []).append(half)
    return {name: list(formats.values()) for name, formats in found.items()}


_HALFWORDS = _halfwords()
