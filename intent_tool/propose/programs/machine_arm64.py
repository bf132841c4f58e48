"""Glue for ARM64. Linux: include/uapi/asm-generic/unistd.h."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.propose.programs.machine import OUTGOING, Machine

_CONDITIONS = {("==", False): "eq", ("==", True): "eq", ("!=", False): "ne", ("!=", True): "ne",
               ("<", False): "lo", ("<", True): "lt", (">=", False): "hs", (">=", True): "ge"}


class Arm64Machine(Machine):
    registers: Mapping[str, str] = {
        **{f"a{k}": f"x{k}" for k in range(8)}, "s3": "x3", "t0": "x9", "t1": "x10", "result": "x0", "frame": "x19",
        "out": "x20", "limit": "x21", "in": "x22", "end": "x23", "k0": "x22", "k1": "x23", "lr": "x30"}
    calls: Mapping[str, int] = {"read": 63, "write": 64, "mmap": 222, "mremap": 216, "exit": 93}
    link = "lr"

    def stack_pointer(self, register: str) -> None:
        self.put(f"add {self.r(register)}, sp, #0")

    def enter(self, size: int) -> None:
        self.put(f"sub sp, sp, #{size >> 12}, lsl #12" if size >= 4096 else f"sub sp, sp, #{size}")
        self.put(f"add x19, sp, #{OUTGOING}")

    def store_argument(self, register: str, offset: int) -> None:
        self.put(f"str {self.r(register)}, [sp, #{offset}]")

    def constant(self, register: str, value: int) -> None:
        name, bits = self.r(register), value & (1 << 64) - 1
        parts = [bits >> 16 * k & 0xFFFF for k in range(4)]
        if value < 0 and value >= -(1 << 16):
            self.put(f"movn {name}, #{~value}, lsl #0")
            return
        used = [k for k in range(4) if parts[k]] or [0]
        self.put(f"movz {name}, #{parts[used[0]]}, lsl #{16 * used[0]}")
        self.put(*(f"movk {name}, #{parts[k]}, lsl #{16 * k}" for k in used[1:]))

    def move(self, to: str, source: str) -> None:
        if self.r(to) != self.r(source):
            self.put(f"mov {self.r(to)}, {self.r(source)}")

    def add(self, to: str, a: str, b: str) -> None:
        self.put(f"add {self.r(to)}, {self.r(a)}, {self.r(b)}")

    def subtract(self, to: str, a: str, b: str) -> None:
        self.put(f"sub {self.r(to)}, {self.r(a)}, {self.r(b)}")

    def add_constant(self, register: str, value: int) -> None:
        name = self.r(register)
        if abs(value) < 4096:
            self.put(f"{'sub' if value < 0 else 'add'} {name}, {name}, #{abs(value)}")
        else:
            self.constant("t1", value)
            self.add(register, register, "t1")

    def frame_address(self, register: str, offset: int) -> None:
        name, source = self.r(register), "x19"
        if offset >> 12:
            self.put(f"add {name}, {source}, #{offset >> 12}, lsl #12")
            source = name
        if offset & 4095 or source == "x19":
            self.put(f"add {name}, {source}, #{offset & 4095}")

    def load_at(self, register: str, address: str, offset: int) -> None:
        self.put(f"ldr {self.r(register)}, [{self.r(address)}, #{offset}]")

    def store_at(self, register: str, address: str, offset: int) -> None:
        self.put(f"str {self.r(register)}, [{self.r(address)}, #{offset}]")

    def store_result(self, offset: int) -> None:
        self.put(f"str x0, [x19, #{offset}]")

    def load_byte(self, register: str, address: str) -> None:
        self.put(f"ldrb w{self.r(register)[1:]}, [{self.r(address)}, #0]")

    def store_byte(self, register: str, address: str) -> None:
        self.put(f"strb w{self.r(register)[1:]}, [{self.r(address)}, #0]")

    def branch(self, op: str, a: str, b: str, label: str, signed: bool) -> None:
        self.put(f"cmp {self.r(a)}, {self.r(b)}", f"b.{_CONDITIONS[op, signed]} {label}")

    def branch_constant(self, op: str, a: str, b: int, label: str, signed: bool) -> None:
        self.put(f"cmp {self.r(a)}, #{b}" if b >= 0 else f"cmn {self.r(a)}, #{-b}",
                 f"b.{_CONDITIONS[op, signed]} {label}")

    def jump(self, label: str) -> None:
        self.put(f"b {label}")

    def call(self, symbol: str) -> None:
        self.put(f"bl {symbol}")

    def system(self, name: str) -> None:
        self.put(f"movz x8, #{self.calls[name]}, lsl #0", "svc #0")

    def table_address(self, register: str, label: str) -> None:
        name = self.r(register)
        self.put(f"adrp {name}, {label}", f"add {name}, {name}, :lo12:{label}")
