"""Glue for x86-64. Linux: arch/x86/entry/syscalls/syscall_64.tbl; AMD64 ABI A.2.1."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.propose.programs.machine import OUTGOING, Machine

_CONDITIONS = {("==", False): "je", ("==", True): "je", ("!=", False): "jne", ("!=", True): "jne",
               ("<", False): "jb", ("<", True): "jl", (">=", False): "jae", (">=", True): "jge"}


class X86Machine(Machine):
    arguments = 6
    registers: Mapping[str, str] = {
        "a0": "rdi", "a1": "rsi", "a2": "rdx", "a3": "rcx", "s3": "r10", "a4": "r8", "a5": "r9", "t0": "rax",
        "t1": "r10", "result": "rax", "frame": "rbp", "out": "rbx", "limit": "r12", "in": "r13", "end": "r14",
        "k0": "r13", "k1": "r14"}
    calls: Mapping[str, int] = {"read": 0, "write": 1, "mmap": 9, "mremap": 25, "exit": 60}

    def stack_pointer(self, register: str) -> None:
        self.put(f"mov {self.r(register)}, rsp")

    def enter(self, size: int) -> None:
        self.put(f"sub rsp, {size}", f"lea rbp, [rsp + {OUTGOING}]")

    def store_argument(self, register: str, offset: int) -> None:
        self.put(f"mov qword ptr [rsp + {offset}], {self.r(register)}")

    def constant(self, register: str, value: int) -> None:
        name = self.r(register)
        if value == 0:
            self.put(f"xor {_half(name)}, {_half(name)}")
        elif 0 < value < 1 << 32:
            self.put(f"mov {_half(name)}, {value}")
        elif -(1 << 31) <= value < 0:
            self.put(f"mov {name}, {value}")
        else:
            self.put(f"movabs {name}, {value}")

    def move(self, to: str, source: str) -> None:
        if self.r(to) != self.r(source):
            self.put(f"mov {self.r(to)}, {self.r(source)}")

    def add(self, to: str, a: str, b: str) -> None:
        if self.r(to) == self.r(a):
            self.put(f"add {self.r(to)}, {self.r(b)}")
        else:
            self.put(f"lea {self.r(to)}, [{self.r(a)} + {self.r(b)}*1 + 0]")

    def subtract(self, to: str, a: str, b: str) -> None:
        assert self.r(to) != self.r(b) or self.r(a) == self.r(b)
        self.move(to, a)
        self.put(f"sub {self.r(to)}, {self.r(b)}")

    def add_constant(self, register: str, value: int) -> None:
        if -(1 << 31) <= value < 1 << 31:
            self.put(f"add {self.r(register)}, {value}")
        else:
            self.constant("t1", value)
            self.add(register, register, "t1")

    def frame_address(self, register: str, offset: int) -> None:
        self.put(f"lea {self.r(register)}, [rbp + {offset}]")

    def load_at(self, register: str, address: str, offset: int) -> None:
        self.put(f"mov {self.r(register)}, qword ptr [{self.r(address)} + {offset}]")

    def store_at(self, register: str, address: str, offset: int) -> None:
        self.put(f"mov qword ptr [{self.r(address)} + {offset}], {self.r(register)}")

    def store_result(self, offset: int) -> None:
        self.put(f"mov qword ptr [rbp + {offset}], rax")

    def load_byte(self, register: str, address: str) -> None:
        self.put(f"movzx {_half(self.r(register))}, byte ptr [{self.r(address)} + 0]")

    def store_byte(self, register: str, address: str) -> None:
        assert register == "t0"
        self.put(f"mov byte ptr [{self.r(address)} + 0], al")

    def branch(self, op: str, a: str, b: str, label: str, signed: bool) -> None:
        self.put(f"cmp {self.r(a)}, {self.r(b)}", f"{_CONDITIONS[op, signed]} {label}")

    def branch_constant(self, op: str, a: str, b: int, label: str, signed: bool) -> None:
        name = self.r(a)
        compared = f"test {name}, {name}" if b == 0 else f"cmp {name}, {b}"
        self.put(compared, f"{_CONDITIONS[op, signed]} {label}")

    def jump(self, label: str) -> None:
        self.put(f"jmp {label}")

    def call(self, symbol: str) -> None:
        self.put(f"call {symbol}")

    def system(self, name: str) -> None:
        self.put(f"mov eax, {self.calls[name]}", "syscall")

    def table_address(self, register: str, label: str) -> None:
        self.put(f"lea {self.r(register)}, [rip + {label}]")


def _half(name: str) -> str:
    return name + "d" if name[1:].isdigit() else "e" + name[1:]
