"""Glue for RISC-V. Linux: include/uapi/asm-generic/unistd.h."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.propose.programs.machine import OUTGOING, Machine

_BRANCHES = {("==", False): "beq", ("==", True): "beq", ("!=", False): "bne", ("!=", True): "bne",
             ("<", False): "bltu", ("<", True): "blt", (">=", False): "bgeu", (">=", True): "bge"}


class RiscvMachine(Machine):
    registers: Mapping[str, str] = {
        **{f"a{k}": f"a{k}" for k in range(8)}, "s3": "a3", "t0": "t0", "t1": "t1", "result": "a0", "frame": "s0",
        "out": "s1", "limit": "s2", "in": "s3", "end": "s4", "k0": "s3", "k1": "s4", "ra": "ra"}
    calls: Mapping[str, int] = {"read": 63, "write": 64, "mmap": 222, "mremap": 216, "exit": 93}
    link = "ra"
    unaligned = False

    def stack_pointer(self, register: str) -> None:
        self.put(f"mv {self.r(register)}, sp")

    def enter(self, size: int) -> None:
        if size < 2048:
            self.put(f"addi sp, sp, -{size}")
        else:
            # By constants only, so that the stack pointer can be followed; the size is a multiple of 4096.
            self.constant("t1", -size)
            self.put("add t1, sp, t1", ".Lenter:", "addi sp, sp, -2048", "bne sp, t1, .Lenter")
        self.put(f"addi s0, sp, {OUTGOING}")

    def store_argument(self, register: str, offset: int) -> None:
        self.put(f"sd {self.r(register)}, {offset}(sp)")

    def constant(self, register: str, value: int) -> None:
        name = self.r(register)
        value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
        if -2048 <= value < 2048:
            self.put(f"li {name}, {value}")
            return
        low = (value + 0x800 & 0xFFF) - 0x800
        if -(1 << 31) <= value - low < 1 << 31 and -(1 << 31) <= value < 1 << 31:
            self.put(f"lui {name}, {value - low >> 12 & 0xFFFFF}", *([f"addiw {name}, {name}, {low}"] if low else []))
            return
        # Twelve bits at a time, from above.
        high, shift = value - low >> 12, 12
        while not high & 1:
            high, shift = high >> 1, shift + 1
        self.constant(register, high)
        self.put(f"slli {name}, {name}, {shift}", *([f"addi {name}, {name}, {low}"] if low else []))

    def move(self, to: str, source: str) -> None:
        if self.r(to) != self.r(source):
            self.put(f"mv {self.r(to)}, {self.r(source)}")

    def add(self, to: str, a: str, b: str) -> None:
        self.put(f"add {self.r(to)}, {self.r(a)}, {self.r(b)}")

    def subtract(self, to: str, a: str, b: str) -> None:
        self.put(f"sub {self.r(to)}, {self.r(a)}, {self.r(b)}")

    def add_constant(self, register: str, value: int) -> None:
        if -2048 <= value < 2048:
            self.put(f"addi {self.r(register)}, {self.r(register)}, {value}")
        else:
            self.constant("t2", value)
            self.add(register, register, "t2")

    def frame_address(self, register: str, offset: int) -> None:
        if offset < 2048:
            self.put(f"addi {self.r(register)}, s0, {offset}")
        else:
            self.constant(register, offset)
            self.put(f"add {self.r(register)}, {self.r(register)}, s0")

    def load_at(self, register: str, address: str, offset: int) -> None:
        self.put(f"ld {self.r(register)}, {offset}({self.r(address)})")

    def store_at(self, register: str, address: str, offset: int) -> None:
        self.put(f"sd {self.r(register)}, {offset}({self.r(address)})")

    def store_result(self, offset: int) -> None:
        self.put(f"sd a0, {offset}(s0)")

    def load_byte(self, register: str, address: str) -> None:
        self.put(f"lbu {self.r(register)}, 0({self.r(address)})")

    def store_byte(self, register: str, address: str) -> None:
        self.put(f"sb {self.r(register)}, 0({self.r(address)})")

    def branch(self, op: str, a: str, b: str, label: str, signed: bool) -> None:
        self.put(f"{_BRANCHES[op, signed]} {self.r(a)}, {self.r(b)}, {label}")

    def branch_constant(self, op: str, a: str, b: int, label: str, signed: bool) -> None:
        if b == 0:
            self.put(f"{_BRANCHES[op, signed]} {self.r(a)}, zero, {label}")
            return
        self.put(f"li t2, {b}", f"{_BRANCHES[op, signed]} {self.r(a)}, t2, {label}")

    def jump(self, label: str) -> None:
        self.put(f"j {label}")

    def call(self, symbol: str) -> None:
        self.put(f"jal ra, {symbol}")

    def system(self, name: str) -> None:
        self.put(f"li a7, {self.calls[name]}", "ecall")

    def table_address(self, register: str, label: str) -> None:
        here = f".Laddress{len(self.lines)}"
        self.put(f"{here}:", f"auipc {self.r(register)}, %pcrel_hi({label})",
                 f"addi {self.r(register)}, {self.r(register)}, %pcrel_lo({here})")
