"""What a question says of each ISA: how it is written, how it looks, how it compares."""

from __future__ import annotations

STYLES = {
    "x86_64": ("x86-64", "Intel syntax, destination first. Almost every instruction has two operands, `add eax, esi` "
               "means eax = eax + esi, so copy a parameter with `mov` before you change it."),
    "arm64": ("ARM64 (AArch64)", "Three operands, destination first: `add w0, w0, w1` means w0 = w0 + w1."),
    "riscv64": ("RISC-V (RV64)", "Three operands, destination first: `addw a0, a0, a1` means a0 = a0 + a1. Words of "
                "32 bits are held sign-extended in 64-bit registers: instructions that end in w keep that."),
}
EXAMPLES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "x86_64": (("uint32_t f(uint32_t x)", "u32(x*x + 7)", """
mov eax, edi
imul eax, edi
add eax, 7
ret"""), ("uint32_t g(uint32_t x, uint32_t y)", "u32((x | ~y) + 9*x)", """
mov eax, esi
not eax
or eax, edi
imul ecx, edi, 9
add eax, ecx
ret"""), ("int32_t h(int32_t x, int32_t y)", "y if x < 0 else i32(-x)", """
mov eax, edi
neg eax
cmp edi, 0
cmovl eax, esi
ret""")),
    "arm64": (("uint32_t f(uint32_t x)", "u32(x*x + 7)", """
mul w0, w0, w0
add w0, w0, #7
ret"""), ("uint32_t g(uint32_t x, uint32_t y)", "u32((x | ~y) + 9*x)", """
orn w2, w0, w1
movz w3, #9, lsl #0
mul w0, w0, w3
add w0, w2, w0
ret"""), ("int32_t h(int32_t x, int32_t y)", "y if x < 0 else i32(-x)", """
neg w2, w0
cmp w0, #0
csel w0, w1, w2, lt
ret""")),
    "riscv64": (("uint32_t f(uint32_t x)", "u32(x*x + 7)", """
mulw a0, a0, a0
addiw a0, a0, 7
ret"""), ("uint32_t g(uint32_t x, uint32_t y)", "u32((x | ~y) + 9*x)", """
xori a2, a1, -1
or a2, a0, a2
addi a3, zero, 9
mulw a0, a0, a3
addw a0, a2, a0
ret"""), ("int32_t h(int32_t x, int32_t y)", "y if x < 0 else i32(-x)", """
addi a2, a1, 0
blt a0, zero, .L1
subw a2, zero, a0
.L1:
addi a0, a2, 0
ret""")),
}
"""How it looks: signature, what it returns, code. None is an intent of anybody's."""

COMPARING = {
    "x86_64": {"unsigned": "Numbers are unsigned: compare with b, ae, be, a (cmovb, setb, jb), not with l, g.",
               "signed": "Numbers are signed: compare with l, ge, le, g (cmovl, setl, jl), not with b, a.",
               "mixed": "Compare unsigned numbers with b, ae, be, a (cmovb), signed ones with l, ge, le, g (cmovl)."},
    "arm64": {"unsigned": "Numbers are unsigned: compare with lo, hs, ls, hi, not with lt, gt; csel w0, w0, w1, hi.",
              "signed": "Numbers are signed: compare with lt, ge, le, gt, not with lo, hi; csel w0, w0, w1, gt.",
              "mixed": "Compare unsigned numbers with lo, hs, ls, hi, signed ones with lt, ge, le, gt."},
    "riscv64": {"unsigned": "Numbers are unsigned: compare with sltu, bltu, bgeu.",
                "signed": "Numbers are signed: compare with slt, blt, bge.",
                "mixed": "Compare unsigned numbers with sltu, bltu, bgeu, signed ones with slt, blt, bge."},
}
