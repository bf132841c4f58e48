"""A script as instructions: what every ISA has in common. The rest is in glue_ISA.py.

Registers that calls keep hold the frame, where output goes next and where its room ends, and the input that is there.
Variables are in the frame, then room for the text of a number, output, and input:

    frame:  variables, 8 bytes each | scratch | output | input

System calls of Linux: the numbers and registers of syscall(2), "Architecture calling conventions".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intent_tool.machine.assembly import Assembly, Function, Note, Table
from intent_tool.propose.programs.machine import OUTGOING, Machine
from intent_tool.propose.programs.plan import Script
from intent_tool.propose.programs.script import (
    Advance,
    Argument,
    Break,
    Call,
    Consume,
    CountArguments,
    Descriptor,
    Done,
    Exit,
    Fail,
    Fill,
    If,
    LoadByte,
    Once,
    Operand,
    Place,
    Put,
    PutByte,
    PutMemory,
    ReadAll,
    Room,
    Set,
    Statement,
    Test,
    Text,
    Variable,
    While,
    inner_blocks,
)

SCRATCH, OUTPUT, INPUT = 128, 1 << 16, 1 << 17
"""Bytes."""
FIRST_MAPPING = 1 << 20
_INVERSE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<"}
_ROUTINES = ("flush", "put", "fill", "read_all", "length")
EINTR = 4


def program_assembly(script: Script, machine: Machine, parts: Mapping[str, Assembly]) -> Assembly:
    """The whole program; `parts` by their symbols."""
    writer = _Writer(script, machine)
    writer.write()
    lines, tables, notes = list(writer.m.lines), list(writer.tables), []
    functions = []
    for number, (symbol, code) in enumerate(parts.items()):
        prefix = f".Lp{number}_"
        functions.append(Function(symbol, function_label(symbol)))
        lines.append(f"{function_label(symbol)}:")
        lines += [line.replace(".L", prefix) for line in code.lines]
        tables += [Table(t.label.replace(".L", prefix), t.alignment, t.data) for t in code.tables]
        notes += [Note(n.label.replace(".L", prefix), n.text) for n in code.notes]
    return Assembly(tuple(lines), tuple(tables), tuple(notes), tuple(functions))


def function_label(symbol: str) -> str:
    return f".Lf_{symbol}"


@dataclass(slots=True)
class _Frame:
    """Offsets from the frame's start, bytes."""

    variables: int
    scratch: int
    output: int
    input: int
    size: int


class _Writer:
    def __init__(self, script: Script, machine: Machine) -> None:
        self.script, self.m = script, machine
        self.tables: list[Table] = []
        self.labels = 0
        self.used: set[str] = set()
        self.breaks: list[str] = []
        self.ends: dict[int, str] = {}
        # Behind the script's own variables: argv, the descriptor, whether input has ended, and what routines save.
        self.own = {name: script.variables + k for k, name in enumerate(
            ("argv", "descriptor", "ended", "saved1", "saved2", "return1", "return2"))}
        variables = 8 * (script.variables + len(self.own))
        scratch = variables
        output = _aligned(scratch + SCRATCH)
        input = output + OUTPUT
        size = input + (INPUT if _uses(script.statements, Fill) else 0)
        self.frame = _Frame(variables, scratch, output, input, _aligned(size + OUTGOING))

    def write(self) -> None:
        m = self.m
        m.stack_pointer("t0")
        m.enter(self.frame.size)
        self.save("argv", "t0")
        m.constant("t0", 1)
        self.save("descriptor", "t0")
        m.constant("t0", 0)
        self.save("ended", "t0")
        m.frame_address("out", self.frame.output)
        m.frame_address("limit", self.frame.output + OUTPUT)
        if _uses(self.script.statements, Fill):
            m.frame_address("in", self.frame.input)
            m.move("end", "in")
        self.statements(self.script.statements)
        m.label(".Lfail")
        m.constant("a0", 1)
        m.label(".Lexit")
        m.system("exit")
        m.jump(".Lexit")
        done: set[str] = set()
        while self.used - done:
            for name in _ROUTINES:
                if name in self.used and name not in done:
                    done.add(name)
                    m.label(f".L{name}")
                    getattr(self, f"routine_{name}")()

    def new_label(self) -> str:
        self.labels += 1
        return f".Ls{self.labels}"

    def call(self, routine: str) -> None:
        self.used.add(routine)
        self.m.call(f".L{routine}")

    def save(self, name: str, register: str) -> None:
        self.m.store(register, 8 * self.own[name])

    def fetch(self, register: str, name: str) -> None:
        self.m.load(register, 8 * self.own[name])

    # Statements

    def statements(self, body: Sequence[Statement]) -> None:
        for statement in body:
            getattr(self, "do_" + type(statement).__name__)(statement)

    def operand(self, register: str, operand: Operand) -> None:
        m = self.m
        if isinstance(operand, int):
            m.constant(register, operand)
        elif isinstance(operand, Variable):
            m.load(register, 8 * operand.number)
        elif isinstance(operand, Text):
            m.table_address(register, self.table(operand.data))
        elif operand.name.startswith("&"):
            m.frame_address(register, 8 * int(operand.name[1:]))
        elif operand.name == "available":
            m.subtract(register, "end", "in")
        elif operand.name == "scratch":
            m.frame_address(register, self.frame.scratch)
        else:
            m.move(register, operand.name)

    def do_Call(self, s: Call) -> None:
        registers = self.m.arguments
        for number, argument in enumerate(s.arguments[registers:]):
            self.operand("t0", argument)
            self.m.store_argument("t0", 8 * number)
        for number, argument in enumerate(s.arguments[:registers]):
            self.operand(f"a{number}", argument)
        self.m.call(function_label(s.symbol))
        if s.result is not None:
            self.m.store_result(8 * s.result.number)

    def do_Set(self, s: Set) -> None:
        m = self.m
        self.operand("t0", s.left)
        if s.right != 0:
            if isinstance(s.right, int):
                m.add_constant("t0", s.right if s.op == "+" else -s.right)
            else:
                self.operand("t1", s.right)
                (m.add if s.op == "+" else m.subtract)("t0", "t0", "t1")
        m.store("t0", 8 * s.target.number)

    def do_LoadByte(self, s: LoadByte) -> None:
        self.operand("t0", s.address)
        if s.offset != 0:
            self.operand("t1", s.offset)
            self.m.add("t0", "t0", "t1")
        self.m.load_byte("t0", "t0")
        self.m.store("t0", 8 * s.target.number)

    def branch(self, test: Test, label: str, when: bool) -> None:
        op = test.op if when else _INVERSE[test.op]
        self.operand("t0", test.left)
        if isinstance(test.right, int) and 0 <= test.right < 2048:
            self.m.branch_constant(op, "t0", test.right, label, test.signed)
        else:
            self.operand("t1", test.right)
            self.m.branch(op, "t0", "t1", label, test.signed)

    def do_If(self, s: If) -> None:
        end = self.new_label()
        if s.then == [Fail()] and not s.otherwise:
            self.branch(s.test, ".Lfail", True)
            return
        other = self.new_label() if s.otherwise else end
        self.branch(s.test, other, False)
        self.statements(s.then)
        if s.otherwise:
            if not _leaves(s.then):
                self.m.jump(end)
            self.m.label(other)
            self.statements(s.otherwise)
        self.m.label(end)

    def do_While(self, s: While) -> None:
        head, end = self.new_label(), self.new_label()
        if s.test is not None:
            self.branch(s.test, end, False)
        self.m.label(head)
        self.breaks.append(end)
        self.statements(s.body)
        self.breaks.pop()
        if s.test is not None:
            self.branch(s.test, head, True)
        else:
            self.m.jump(head)
        self.m.label(end)

    def do_Once(self, s: Once) -> None:
        self.ends[s.number] = self.new_label()
        self.statements(s.body)
        self.m.label(self.ends[s.number])

    def do_Done(self, s: Done) -> None:
        self.m.jump(self.ends[s.number])

    def do_Break(self, s: Break) -> None:
        self.m.jump(self.breaks[-1])

    def do_Put(self, s: Put) -> None:
        m = self.m
        if len(s.data) == 1:
            self.do_Room(Room(1))
            m.constant("t0", s.data[0])
            m.store_byte("t0", "out")
            m.add_constant("out", 1)
            return
        m.table_address("a1", self.table(s.data))
        m.constant("a2", len(s.data))
        self.call("put")

    def table(self, data: bytes) -> str:
        for table in self.tables:
            if table.data == data:
                return table.label
        label = f".Ltext{len(self.tables)}"
        self.tables.append(Table(label, 1, data))
        return label

    def do_PutByte(self, s: PutByte) -> None:
        self.do_Room(Room(1))
        self.operand("t0", s.value)
        self.m.store_byte("t0", "out")
        self.m.add_constant("out", 1)

    def do_PutMemory(self, s: PutMemory) -> None:
        self.operand("a1", s.address)
        self.operand("a2", s.length)
        self.call("put")

    def do_Room(self, s: Room) -> None:
        m, enough = self.m, self.new_label()
        if s.bytes == 1:
            m.branch("!=", "out", "limit", enough, False)
        else:
            m.subtract("t0", "limit", "out")
            m.branch_constant(">=", "t0", s.bytes, enough, False)
        self.call("flush")
        m.label(enough)
        if s.got is not None:
            m.subtract("t0", "limit", "out")
            m.store("t0", 8 * s.got.number)

    def do_Advance(self, s: Advance) -> None:
        if isinstance(s.by, int):
            self.m.add_constant("out", s.by)
        else:
            self.operand("t0", s.by)
            self.m.add("out", "out", "t0")

    def do_Consume(self, s: Consume) -> None:
        if s.by == Place("available"):
            self.m.move("in", "end")
            return
        self.operand("t0", s.by)
        self.m.add("in", "in", "t0")

    def do_Fill(self, s: Fill) -> None:
        m, head, end = self.m, self.new_label(), self.new_label()
        m.label(head)
        if s.least == 1:
            m.branch("!=", "in", "end", end, False)
        else:
            m.subtract("t0", "end", "in")
            m.branch_constant(">=", "t0", s.least, end, False)
        self.fetch("t0", "ended")
        m.branch_constant("!=", "t0", 0, end, False)
        self.call("fill")
        m.jump(head)
        m.label(end)

    def do_ReadAll(self, s: ReadAll) -> None:
        self.call("read_all")
        self.m.store("a1", 8 * s.address.number)
        self.m.store("a2", 8 * s.length.number)

    def do_CountArguments(self, s: CountArguments) -> None:
        """argc counts the program's name, which the kernel need not have been given."""
        m, named = self.m, self.new_label()
        self.fetch("t0", "argv")
        m.load_at("t0", "t0", 0)
        m.branch_constant("==", "t0", 0, named, False)
        m.add_constant("t0", -1)
        m.label(named)
        m.store("t0", 8 * s.target.number)

    def do_Argument(self, s: Argument) -> None:
        m = self.m
        self.operand("t1", s.number)
        m.add("t1", "t1", "t1")
        m.add("t1", "t1", "t1")
        m.add("t1", "t1", "t1")
        self.fetch("t0", "argv")
        m.add("t0", "t0", "t1")
        m.load_at("a1", "t0", 16)
        self.call("length")
        m.store("a1", 8 * s.address.number)
        m.store("a2", 8 * s.length.number)

    def do_Descriptor(self, s: Descriptor) -> None:
        self.call("flush")
        self.m.constant("t0", s.number)
        self.save("descriptor", "t0")

    def do_Exit(self, s: Exit) -> None:
        self.call("flush")
        self.operand("a0", s.status)
        self.m.jump(".Lexit")

    def do_Fail(self, s: Fail) -> None:
        self.m.jump(".Lfail")

    # Routines. Each may change all registers that calls need not keep, but what it says.

    def routine_flush(self) -> None:
        """Writes all output."""
        m = self.m
        m.frame_address("a1", self.frame.output)
        m.subtract("a2", "out", "a1")
        m.move("out", "a1")
        self.write_bytes()

    def write_bytes(self) -> None:
        """Writes a2 bytes at a1, and returns."""
        m, again, done = self.m, self.new_label(), self.new_label()
        m.branch_constant("==", "a2", 0, done, False)
        m.label(again)
        self.fetch("a0", "descriptor")
        m.system("write")
        m.branch_constant("==", "result", -EINTR, again, True)
        # Zero bytes would be written for ever.
        m.branch_constant("<", "result", 1, ".Lfail", True)
        m.add("a1", "a1", "result")
        m.subtract("a2", "a2", "result")
        m.branch_constant("!=", "a2", 0, again, False)
        m.label(done)
        m.ret()

    def routine_put(self) -> None:
        """a2 bytes at a1 go to output."""
        m, copy, big = self.m, self.new_label(), self.new_label()
        m.subtract("t0", "limit", "out")
        m.branch(">=", "t0", "a2", copy, False)
        self.save("saved1", "a1")
        self.save("saved2", "a2")
        self.keep_return("return1")
        self.call("flush")
        self.restore_return("return1")
        self.fetch("a1", "saved1")
        self.fetch("a2", "saved2")
        m.constant("t0", OUTPUT)
        m.branch(">=", "a2", "t0", big, False)
        m.label(copy)
        self.copy("out")
        m.ret()
        m.label(big)
        self.write_bytes()

    def copy(self, to: str) -> None:
        """a2 bytes from a1 to `to`, which goes behind them; upwards."""
        m = self.m
        if m.unaligned:
            wide, tail = self.new_label(), self.new_label()
            m.branch_constant("<", "a2", 8, tail, False)
            m.label(wide)
            m.load_at("t0", "a1", 0)
            m.store_at("t0", to, 0)
            m.add_constant("a1", 8)
            m.add_constant(to, 8)
            m.add_constant("a2", -8)
            m.branch_constant(">=", "a2", 8, wide, False)
            m.label(tail)
        head, end = self.new_label(), self.new_label()
        m.branch_constant("==", "a2", 0, end, False)
        m.label(head)
        m.load_byte("t0", "a1")
        m.store_byte("t0", to)
        m.add_constant("a1", 1)
        m.add_constant(to, 1)
        m.add_constant("a2", -1)
        m.branch_constant("!=", "a2", 0, head, False)
        m.label(end)

    def routine_fill(self) -> None:
        """What is left of the input to the start of its room, and more behind it. Output is written first, since
        nobody knows how long a read will take."""
        m, empty, again, more = self.m, self.new_label(), self.new_label(), self.new_label()
        self.keep_return("return2")
        self.call("flush")
        self.restore_return("return2")
        m.move("a1", "in")
        m.subtract("a2", "end", "in")
        m.frame_address("in", self.frame.input)
        m.move("end", "in")
        m.label(empty)
        self.copy("end")
        m.label(again)
        m.constant("a0", 0)
        m.move("a1", "end")
        m.frame_address("a2", self.frame.input + INPUT)
        m.subtract("a2", "a2", "end")
        m.system("read")
        m.branch_constant("==", "result", -EINTR, again, True)
        m.branch_constant("<", "result", 0, ".Lfail", True)
        m.branch_constant("!=", "result", 0, more, False)
        m.constant("t0", 1)
        self.save("ended", "t0")
        m.ret()
        m.label(more)
        m.add("end", "end", "result")
        m.ret()

    def routine_read_all(self) -> None:
        """All of standard input: a1 is where it is, a2 how long. The mapping doubles as it grows."""
        m, again, done, head = self.m, self.new_label(), self.new_label(), self.new_label()
        self.keep_return("return2")
        self.call("flush")
        self.restore_return("return2")
        m.constant("k0", FIRST_MAPPING)
        m.map_memory("k0")
        m.branch_mapping_failed("result", ".Lfail")
        m.move("k1", "result")
        m.constant("t0", 0)
        self.save("saved1", "t0")
        m.label(head)
        m.label(again)
        self.fetch("t0", "saved1")
        m.constant("a0", 0)
        m.add("a1", "k1", "t0")
        m.subtract("a2", "k0", "t0")
        m.system("read")
        m.branch_constant("==", "result", -EINTR, again, True)
        m.branch_constant("<", "result", 0, ".Lfail", True)
        m.branch_constant("==", "result", 0, done, False)
        self.fetch("t1", "saved1")
        m.add("t1", "t1", "result")
        self.save("saved1", "t1")
        m.branch("!=", "t1", "k0", head, False)
        m.grow_memory("k1", "k0")
        m.branch_mapping_failed("result", ".Lfail")
        m.move("k1", "result")
        m.add("k0", "k0", "k0")
        m.jump(head)
        m.label(done)
        m.move("a1", "k1")
        self.fetch("a2", "saved1")
        m.ret()

    def routine_length(self) -> None:
        """a2 is the length of the text at a1, which ends with a zero byte."""
        m, head, end = self.m, self.new_label(), self.new_label()
        m.constant("a2", 0)
        m.label(head)
        m.add("t0", "a1", "a2")
        m.load_byte("t0", "t0")
        m.branch_constant("==", "t0", 0, end, False)
        m.add_constant("a2", 1)
        m.jump(head)
        m.label(end)
        m.ret()

    def keep_return(self, name: str) -> None:
        if self.m.link is not None:
            self.save(name, self.m.link)

    def restore_return(self, name: str) -> None:
        if self.m.link is not None:
            self.fetch(self.m.link, name)


def _aligned(size: int) -> int:
    return -(-size // 4096) * 4096 if size > 4096 else -(-size // 16) * 16


def _uses(body: Sequence[Statement], kind: type) -> bool:
    return any(isinstance(s, kind) or any(_uses(inner, kind) for inner in inner_blocks(s)) for s in body)


def _leaves(body: Sequence[Statement]) -> bool:
    return bool(body) and isinstance(body[-1], Exit | Fail | Break | Done)
