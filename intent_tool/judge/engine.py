"""unicorn engines, with the registers by their names."""

from __future__ import annotations

from typing import Any


def make_engine(isa: str) -> tuple[Any, dict[str, int]]:
    """A unicorn for the ISA, and its numbers of the general registers by name, with `pc` and `flags`."""
    import unicorn

    if isa == "x86_64":
        from unicorn import x86_const as x86
        engine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        # The model with the most of what unicorn's translator knows; the default lacks BMI.
        engine.ctl_set_cpu_model(x86.UC_CPU_X86_EPYC_ROME)
        names = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{n}" for n in range(8, 16))]
        numbers = {n: getattr(x86, f"UC_X86_REG_{n.upper()}") for n in names}
        return engine, numbers | {"pc": x86.UC_X86_REG_RIP, "flags": x86.UC_X86_REG_EFLAGS}
    if isa == "arm64":
        from unicorn import arm64_const as arm64
        engine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        names = [*(f"x{n}" for n in range(31)), "sp"]
        numbers = {n: getattr(arm64, f"UC_ARM64_REG_{n.upper()}") for n in names}
        return engine, numbers | {"pc": arm64.UC_ARM64_REG_PC, "flags": arm64.UC_ARM64_REG_NZCV}
    from unicorn import riscv_const as riscv
    engine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
    names = ["ra", "sp", "gp", "tp", *(f"t{n}" for n in range(7)), *(f"s{n}" for n in range(12)),
             *(f"a{n}" for n in range(8))]
    numbers = {n: getattr(riscv, f"UC_RISCV_REG_{n.upper()}") for n in names}
    return engine, numbers | {"pc": riscv.UC_RISCV_REG_PC}
