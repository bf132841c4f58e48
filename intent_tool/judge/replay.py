"""Makes the call of a counterexample under an emulator, with every register that the caller may leave junk in set to
what the solver chose.

A few instructions before the function load the registers; they are put together here, since nothing that generates
code may have a part in the judge. Encodings: Intel SDM volume 2 (MOV 8B /r, PUSH FF /6, POPFQ 9D, JMP E9); Arm ARM
C6.2 (LDR literal, MSR NZCV, B); RISC-V unprivileged manual, "RV32I" and "RV64I" (AUIPC, LD, JAL).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import replace

from intent_tool.judge.calls import Arguments, mask, sign_extended
from intent_tool.judge.image import Fixup, Image
from intent_tool.judge.trial import Subject, run_trial
from intent_tool.language.contract import Contract
from intent_tool.machine.target import Target

_FLAG_BITS = {
    "x86_64": {"cf": 0, "pf": 2, "af": 4, "zf": 6, "sf": 7, "of": 11},
    "arm64": {"n": 31, "z": 30, "c": 29, "v": 28},
    "riscv64": {},
}
_X86_NUMBERS = {name: number for number, name in enumerate(
    ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16))))}
_RISCV_NUMBERS = {"ra": 1, "sp": 2, "gp": 3, "tp": 4, "t0": 5, "t1": 6, "t2": 7, "s0": 8, "s1": 9,
                  **{f"a{n}": 10 + n for n in range(8)}, **{f"s{n}": 16 + n for n in range(2, 12)},
                  **{f"t{n}": 25 + n for n in range(3, 7)}}
_SEEDS = 8


def replay(subject: Subject, arguments: Arguments, model: Mapping[str, int]) -> str | None:
    """What goes wrong with the call, as the emulator sees it; None when nothing does."""
    words = _words(subject.contract, subject.target, arguments, model)
    flags = sum((model.get(f"junk.{name}", 0) & 1) << bit for name, bit in _FLAG_BITS[subject.target.isa].items())
    loader = _loader(subject.target, words, flags)
    prepared = replace(subject, image=_prefixed(subject.image, loader))
    for seed in range(_SEEDS):
        # Three calls, so that buffers lie at both of their ends against an inaccessible page, and at neither.
        trial = run_trial(prepared, [arguments] * 3, seed)
        problem = trial.failures[0] if trial.failures else trial.stop
        if problem is not None:
            # Offsets count from the function, not from what was put before it.
            return re.sub(r"at offset 0x([0-9a-f]+)",
                          lambda found: f"at offset {int(found[1], 16) - len(loader):#x}", problem.what)
    return None


def _words(contract: Contract, target: Target, arguments: Arguments, model: Mapping[str, int]) -> dict[str, int]:
    """What to load into which register; pointers stay as the harness made them."""
    assert contract.signature is not None
    words = {name: model.get(f"junk.{name}", 0) for name in target.abi.caller_saved}
    for p, name, value in zip(contract.signature.parameters, target.abi.arguments, arguments, strict=False):
        if isinstance(value, tuple):
            words.pop(name, None)
        elif target.abi.narrow_values == "sign-extended" or p.type.bits == 64:
            words[name] = sign_extended(value, p.type)
        else:
            words[name] = value & mask(p.type) | model.get(f"junk.above.{p.name}", 0) << p.type.bits
    return words


def _prefixed(image: Image, prefix: bytes) -> Image:
    """The image with code before it; every distance and alignment stays what it was."""
    size = len(prefix)
    fixups = tuple(Fixup(f.offset + size, f.type, f.block, f.addend + (size if f.block is None else 0))
                   for f in image.fixups)
    blocks = tuple(replace(b, distance=b.distance + size) if b.distance is not None else b for b in image.blocks)
    return replace(image, code=prefix + image.code, blocks=blocks, fixups=fixups,
                   misalignment=(image.misalignment - size) % max(image.alignment, 64))


def _loader(target: Target, words: Mapping[str, int], flags: int) -> bytes:
    """Code that loads the registers and flags and goes on behind itself, at the next multiple of 64."""
    return {"x86_64": _load_x86_64, "arm64": _load_arm64, "riscv64": _load_riscv64}[target.isa](words, flags)


def _pool(words: Mapping[str, int], flags: int) -> bytes:
    return struct.pack(f"<{len(words) + 1}Q", flags, *(w & (1 << 64) - 1 for w in words.values()))


def _load_x86_64(words: Mapping[str, int], flags: int) -> bytes:
    pool = _pool(words, flags)
    size = 7 + 7 * len(words) + 5
    end = size + len(pool)
    code = b"\xff\x35" + struct.pack("<i", size - 6) + b"\x9d"
    for k, name in enumerate(words):
        number = _X86_NUMBERS[name]
        code += bytes((0x48 | number >> 3 << 2, 0x8b, (number & 7) << 3 | 5))
        code += struct.pack("<i", size + 8 * (k + 1) - (len(code) + 4))
    code += b"\xe9" + struct.pack("<i", end + -end % 64 - size)
    return (code + pool).ljust(end + -end % 64, b"\0")


def _load_arm64(words: Mapping[str, int], flags: int) -> bytes:
    pool = _pool(words, flags)
    count = 2 + len(words) + 1
    start = 4 * count + 4 * count % 8
    end = start + len(pool)
    code = [0x58000000 | start // 4 << 5 | 9, 0xd51b4200 | 9]
    for k, name in enumerate(words):
        code.append(0x58000000 | (start + 8 * (k + 1) - 4 * len(code)) // 4 << 5 | int(name[1:]))
    code.append(0x14000000 | (end + -end % 64 - 4 * len(code)) // 4)
    return struct.pack(f"<{count}I", *code).ljust(start, b"\0") + pool + bytes(-end % 64)


def _load_riscv64(words: Mapping[str, int], flags: int) -> bytes:
    pool = _pool(words, flags)
    count = 2 * len(words) + 1
    start = 4 * count + 4 * count % 8
    end = start + len(pool)
    code: list[int] = []
    for k, name in enumerate(words):
        number = _RISCV_NUMBERS[name]
        distance = start + 8 * (k + 1) - 4 * len(code)
        code += [0x17 | number << 7, distance << 20 | number << 15 | 3 << 12 | number << 7 | 0x03]
    distance = end + -end % 64 - 4 * len(code)
    code.append((distance >> 20 & 1) << 31 | (distance >> 1 & 0x3ff) << 21 | (distance >> 11 & 1) << 20
                | (distance >> 12 & 0xff) << 12 | 0x6f)
    return struct.pack(f"<{count}I", *code).ljust(start, b"\0") + pool + bytes(-end % 64)
