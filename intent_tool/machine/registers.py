"""The integer registers of each ISA by their 64-bit names, in the order of their encoding.

Kept apart from the instruction tables so that reading a target record does not build one.
"""

from __future__ import annotations

X86_64 = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
          "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
ARM64 = (*(f"x{number}" for number in range(31)), "sp")
"""Number 31 is the stack pointer in some places and the zero register in others."""
RISCV64 = ("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
           "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6")
"""The psABI's names for x0 to x31 (RISC-V ELF psABI, "Integer Register Convention")."""

BY_ISA = {"x86_64": X86_64, "arm64": ARM64, "riscv64": RISCV64}
