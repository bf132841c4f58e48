"""Programs: static executables that read, write and exit."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from judge_objects import TRIPLES

from intent_tool.judge.judge import judge_program
from intent_tool.language.load import load_text
from intent_tool.machine.target import load_targets

TARGETS = load_targets()
HELLO = load_text("""intent: Say hello, and exit with 3.
program: hello
stdout: b"hello\\n"
exit: "3"
examples:
  - stdout: "hello\\n"
    exit: 3
""")
WRITE = {
    "x86_64": """
    mov edi, 1
    lea rsi, [rip + text]
    mov edx, {length}
    mov eax, {write}
    syscall
    mov edi, {status}
    mov eax, 60
    syscall
""",
    "arm64": """
    mov x0, #1
    adrp x1, text
    add x1, x1, :lo12:text
    mov x2, #{length}
    mov x8, #{write}
    svc #0
    mov x0, #{status}
    mov x8, #93
    svc #0
""",
    "riscv64": """
    li a0, 1
    lla a1, text
    li a2, {length}
    li a7, {write}
    ecall
    li a0, {status}
    li a7, 93
    ecall
""",
}
WRITE_NUMBER = {"x86_64": 1, "arm64": 64, "riscv64": 64}


def executable(isa: str, code: str, *options: str) -> bytes:
    head = {"x86_64": ".intel_syntax noprefix\n", "arm64": "", "riscv64": ".option norelax\n"}[isa]
    source = f'{head}.text\n.globl _start\n_start:\n{code}\n.section .rodata\ntext:\n.ascii "hello\\n"\n'
    source += '.section .note.GNU-stack, "", %progbits\n'
    with tempfile.TemporaryDirectory(prefix="judge-programs-") as folder:
        path = Path(folder) / "program.s"
        path.write_text(source)
        output = path.with_suffix("")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", TRIPLES[isa], "-nostdlib", "-static", "-no-pie"]
        command += ["-s", *options, str(path), "-o", str(output)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return output.read_bytes()


def hello(isa: str, length: int = 6, status: int = 3, **more: str) -> str:
    return WRITE[isa].format(length=length, status=status, write=more.get("write", WRITE_NUMBER[isa]))


@pytest.mark.parametrize("isa", TRIPLES)
def test_a_good_program_is_accepted(isa: str) -> None:
    verdict = judge_program(HELLO, TARGETS[isa], executable(isa, hello(isa)))
    assert verdict.accepted and verdict.evidence == "tested", verdict.problems
    assert verdict.vectors > 5 and verdict.emulators[0] == TARGETS[isa].runner[0]


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize(("change", "problem"), [
    ({"length": 5}, 'hello: stdout is b\'hello\', must be b\'hello\\n\''),
    ({"status": 4}, "hello: exit is 4, must be 3"),
    ({"write": "2"}, "system call 2 is not accepted; a program may read, write, exit, exit_group"),
])
def test_a_wrong_program_is_refused(isa: str, change: dict[str, int], problem: str) -> None:
    if "write" in change and isa != "x86_64":
        change = {"write": "35"}  # type: ignore[dict-item]
        problem = problem.replace("call 2", "call 35")
    verdict = judge_program(HELLO, TARGETS[isa], executable(isa, hello(isa, **change)))
    assert not verdict.accepted and problem in verdict.problems[0], verdict.problems


PLANTED = {
    "no_exit": ("x86_64", lambda c: c[:c.index("    mov edi, 3")], "control runs past the end of the code"),
    "unknown_number": ("x86_64", lambda c: c.replace("mov eax, 60", "mov eax, edi"),
                       "the system call's number is not seen to be a constant"),
    "number_over_a_join": ("x86_64", lambda c: c.replace("mov eax, 60", "mov eax, 60\n1:\n    cmp edi, 4\n    je 1b"),
                           "the system call's number is not seen to be a constant"),
    "number_in_a_call": ("riscv64", lambda c: c.replace("li a7, 93", "li a7, 93\n    jal 1f")
                         + "1:\n    li a7, 35\n    ret\n", "the system call's number is not seen to be a constant"),
    "other_supervisor_call": ("arm64", lambda c: c.replace("svc #0", "svc #1", 1), "a system call is `svc #0`"),
    "crash": ("arm64", lambda c: "    mov x1, #0\n    ldr x0, [x1]\n" + c, "hello stops with SIGSEGV"),
    "loop": ("riscv64", lambda c: "1:\n    beqz zero, 1b\n" + c, "hello does not end"),
    "indirect": ("riscv64", lambda c: c + "    jr a0\n", "an indirect jump may go anywhere"),
    "indirect_call": ("x86_64", lambda c: "    call rax\n" + c, "an indirect call may go anywhere"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named(name: str) -> None:
    isa, change, problem = PLANTED[name]
    verdict = judge_program(HELLO, TARGETS[isa], executable(isa, change(hello(isa))))
    assert not verdict.accepted and any(problem in p for p in verdict.problems), verdict.problems


def with_flags(binary: bytes, type_: int, flags: int) -> bytes:
    """The file with other flags on its segments of one type (the last of them)."""
    changed = bytearray(binary)
    table, count = struct.unpack_from("<Q", binary, 32)[0], struct.unpack_from("<H", binary, 56)[0]
    at = max(o for o in range(table, table + 56 * count, 56) if struct.unpack_from("<I", binary, o)[0] == type_)
    struct.pack_into("<I", changed, at + 4, flags)
    return bytes(changed)


@pytest.mark.parametrize(("type_", "flags", "problem"), [
    (0x6474e551, 7, "its stack is executable"),
    (1, 7, "is both writable and executable"),
    (1, 4, "it has 0 executable segments, must be one"),
])
def test_unsafe_segments_are_refused(type_: int, flags: int, problem: str) -> None:
    binary = with_flags(executable("x86_64", hello("x86_64")), type_, flags)
    verdict = judge_program(HELLO, TARGETS["x86_64"], binary)
    assert not verdict.accepted and any(problem in p for p in verdict.problems), verdict.problems


def test_a_position_independent_program_is_refused() -> None:
    verdict = judge_program(HELLO, TARGETS["x86_64"], executable("x86_64", hello("x86_64"), "-pie", "-fPIE"))
    assert verdict.problems == ("the file is no static executable with fixed addresses (ELF type EXEC)",)


def test_an_entry_inside_an_instruction_is_refused() -> None:
    binary = bytearray(executable("x86_64", hello("x86_64")))
    entry, = struct.unpack_from("<Q", binary, 24)
    struct.pack_into("<Q", binary, 24, entry + 1)
    verdict = judge_program(HELLO, TARGETS["x86_64"], bytes(binary))
    assert verdict.problems == ("its entry point lies in the middle of an instruction",)
