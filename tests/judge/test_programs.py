"""Programs: static executables that read, write and exit."""

from __future__ import annotations

import struct

import pytest
from judge_objects import TRIPLES
from program_sources import CAT, TWICE, executable, planted

from intent_tool.emit.listing import verdict_text
from intent_tool.judge.programs import Part, judge_program
from intent_tool.language.contract import Contract
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
_start:
    lea rsi, [rip + text]
    mov edx, {length}
write:
    mov edi, 1
    mov eax, {write}
    syscall
    cmp rax, -4
    je write
    test rax, rax
    js fail
    add rsi, rax
    sub rdx, rax
    jne write
    mov edi, {status}
    mov eax, 60
    syscall
fail:
    mov edi, 1
    mov eax, 231
    syscall
""",
    "arm64": """
_start:
    adrp x1, text
    add x1, x1, :lo12:text
    mov x2, #{length}
write:
    mov x0, #1
    mov x8, #{write}
    svc #0
    cmn x0, #4
    b.eq write
    tbnz x0, #63, fail
    add x1, x1, x0
    subs x2, x2, x0
    b.ne write
    mov x0, #{status}
    mov x8, #93
    svc #0
fail:
    mov x0, #1
    mov x8, #94
    svc #0
""",
    "riscv64": """
_start:
    lla a1, text
    li a2, {length}
    li t0, -4
write:
    li a0, 1
    li a7, {write}
    ecall
    beq a0, t0, write
    bltz a0, fail
    add a1, a1, a0
    sub a2, a2, a0
    bnez a2, write
    li a0, {status}
    li a7, 93
    ecall
fail:
    li a0, 1
    li a7, 94
    ecall
""",
}
WRITE_NUMBER = {"x86_64": 1, "arm64": 64, "riscv64": 64}


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
    ({"write": "2"}, "system call 2 is not accepted; a program may read, write, mmap, munmap, "
     "mremap, exit, exit_group"),
])
def test_a_wrong_program_is_refused(isa: str, change: dict[str, int], problem: str) -> None:
    if "write" in change and isa != "x86_64":
        change = {"write": "35"}  # type: ignore[dict-item]
        problem = problem.replace("call 2", "call 35")
    verdict = judge_program(HELLO, TARGETS[isa], executable(isa, hello(isa, **change)))
    assert not verdict.accepted and problem in verdict.problems[0], verdict.problems


PLANTED = {
    "no_exit": ("x86_64", lambda c: c.replace("    mov eax, 231\n    syscall", ""),
                "control runs past the end of the code"),
    "unknown_number": ("x86_64", lambda c: c.replace("mov eax, 60", "mov eax, edi"),
                       "the system call's number is not seen to be a constant"),
    "number_over_a_join": ("x86_64", lambda c: c.replace("mov eax, 60", "mov eax, 60\n1:\n    cmp edi, 4\n    je 1b"),
                           "the system call's number is not seen to be a constant"),
    "number_in_a_call": ("riscv64", lambda c: c.replace("li a7, 93", "li a7, 93\n    jal ra, 1f")
                         + "1:\n    li a7, 35\n    ret\n", "the system call's number is not seen to be a constant"),
    "other_supervisor_call": ("arm64", lambda c: c.replace("svc #0", "svc #1", 1), "a system call is `svc #0`"),
    "crash": ("arm64", lambda c: c.replace("_start:", "_start:\n    mov x1, #0\n    ldr x0, [x1]"),
              "hello stops with SIGSEGV"),
    "loop": ("riscv64", lambda c: c.replace("_start:", "_start:\n1:\n    beqz zero, 1b"), "hello does not end"),
    "indirect": ("riscv64", lambda c: c + "    jr a0\n", "an indirect jump may go anywhere"),
    "indirect_call": ("x86_64", lambda c: c.replace("_start:", "_start:\n    call rax"),
                      "an indirect call may go anywhere"),
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


COPY = load_text("""intent: Copy standard input to standard output.
program: cat
stdout: stdin
examples:
  - stdin: "one\\ntwo\\n"
    stdout: "one\\ntwo\\n"
""")
REPEAT = load_text("""intent: Write standard input twice.
program: twice
stdout: stdin + stdin
""")


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize(("contract", "sources"), [(COPY, CAT), (REPEAT, TWICE)], ids=["cat", "twice"])
def test_a_good_program_that_reads_is_accepted(isa: str, contract: Contract, sources: dict[str, str]) -> None:
    verdict = judge_program(contract, TARGETS[isa], executable(isa, planted(sources[isa], {})))
    assert verdict.accepted, verdict.problems
    assert verdict.emulators == (TARGETS[isa].runner[0], "unicorn") and verdict.unchecked == ()


FAULTS: dict[str, tuple[dict[str, dict[str, str]], str]] = {
    "an interrupted read is not retried": (
        {isa: {"retry_read": ""} for isa in TRIPLES}, "the first read is interrupted (EINTR): "),
    "an interrupted write is not retried": (
        {isa: {"retry_write": ""} for isa in TRIPLES}, "the first write is interrupted (EINTR): "),
    "the rest of a short write is lost": (
        {isa: {"rest": ""} for isa in TRIPLES}, "where every second write is interrupted (EINTR): stdout is"),
    "a short read is taken for the end": (
        {"x86_64": {"more": "cmp r13, 4096\nje read"}, "arm64": {"more": "cmp x22, #1, lsl #12\nb.eq read"},
         "riscv64": {"more": "lui t1, 1\nbeq s3, t1, read"}}, "where every read returns 1 byte: "),
    "a full disk is tried for ever": (
        {"x86_64": {"write_failed": "js write"}, "arm64": {"write_failed": "tbnz x0, #63, write"},
         "riscv64": {"write_failed": "bltz a0, write"}}, "where every write fails with ENOSPC does not end"),
    "a write that fails is a success": (
        {"x86_64": {"write_failed": "js done"}, "arm64": {"write_failed": "tbnz x0, #63, done"},
         "riscv64": {"write_failed": "bltz a0, done"}}, "where every write fails with ENOSPC: exit is 0, must be"),
    "a read that fails is the end": (
        {"x86_64": {"read_failed": "js done"}, "arm64": {"read_failed": "tbnz x0, #63, done"},
         "riscv64": {"read_failed": "bltz a0, done"}}, "where every read fails with EIO: exit is 0, must be another"),
    "a read that fails is tried for ever": (
        {"x86_64": {"read_failed": "js read"}, "arm64": {"read_failed": "tbnz x0, #63, read"},
         "riscv64": {"read_failed": "bltz a0, read"}}, "where every read fails with EIO does not end"),
    "the status of every failure is 0": (
        {"x86_64": {"status": "mov edi, 0"}, "arm64": {"status": "mov x0, #0"}, "riscv64": {"status": "li a0, 0"}},
        "fails with EIO: exit is 0, must be another"),
    "the tail of a block is dropped": (
        {"x86_64": {"rest": "cmp r12, 3\nja write"}, "arm64": {"rest": "cmp x21, #3\nb.hi write"},
         "riscv64": {"rest": "li t1, 4\nbgeu s2, t1, write"}}, "where every write takes 1 byte: stdout is "),
}


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_reading_or_writing_is_found(isa: str, name: str) -> None:
    faults, problem = FAULTS[name]
    verdict = judge_program(COPY, TARGETS[isa], executable(isa, planted(CAT[isa], faults[isa])))
    assert not verdict.accepted and problem in verdict.problems[0], verdict.problems


@pytest.mark.parametrize("name", [
    "a short read is taken for the end", "a write that fails is a success", "a read that fails is the end",
    "the status of every failure is 0"])
def test_a_fault_is_found_without_unicorn(name: str) -> None:
    """By a pipe that is fed piece by piece, files that cannot be written, and a folder as standard input."""
    target = TARGETS["riscv64_zb"]
    verdict = judge_program(COPY, target, executable("riscv64", planted(CAT["riscv64"], FAULTS[name][0]["riscv64"])))
    assert not verdict.accepted and verdict.emulators == (target.runner[0],), verdict


def test_what_only_unicorn_can_do_is_said_to_be_unchecked() -> None:
    verdict = judge_program(COPY, TARGETS["riscv64_zb"], executable("riscv64", planted(CAT["riscv64"], {})))
    assert verdict.accepted, verdict.problems
    assert verdict.unchecked == (
        "a second emulator: unicorn lacks the instructions of riscv64_zb",
        "interrupted system calls, short writes and memory that is refused: unicorn lacks the instructions of "
        "riscv64_zb")


MEMORY: dict[str, tuple[dict[str, dict[str, str]], str]] = {
    "executable memory": (
        {"x86_64": {"rights": "mov edx, 7"}, "arm64": {"rights": "mov x2, #7"}, "riscv64": {"rights": "li a2, 7"}},
        "it maps executable memory"),
    "rights from elsewhere": (
        {"x86_64": {"rights": "mov edx, ecx"}, "arm64": {"rights": "mov x2, x9"}, "riscv64": {"rights": "mv a2, t1"}},
        "the rights that mmap is asked for are not seen to be a constant"),
    "a part of the rights": (
        {"x86_64": {"rights": "mov dl, 3"}, "arm64": {"rights": "movk x2, #3"},
         "riscv64": {"rights": "addi a2, a2, 3"}},
        "the rights that mmap is asked for are not seen to be a constant"),
    "a file": (
        {"x86_64": {"flags": "mov r10d, 2"}, "arm64": {"flags": "mov x3, #2"}, "riscv64": {"flags": "li a3, 2"}},
        "the flags of mmap are 0x2, must be 0x22 (private and anonymous)"),
    "flags from elsewhere": (
        {"x86_64": {"flags": "mov r10d, esi"}, "arm64": {"flags": "mov x3, x1"}, "riscv64": {"flags": "mv a3, a1"}},
        "the flags of mmap are not seen to be a constant"),
    "no memory is a success": (
        {"x86_64": {"no_memory": "js all"}, "arm64": {"no_memory": "tbnz x0, #63, all"},
         "riscv64": {"no_memory": "bltz a0, all"}},
        "where memory is refused (ENOMEM) after 0 calls for it: stdout is"),
    "no memory is asked for again and again": (
        {"x86_64": {"no_memory": "js _start"}, "arm64": {"no_memory": "tbnz x0, #63, _start"},
         "riscv64": {"no_memory": "bltz a0, _start"}}, "(ENOMEM) after 0 calls for it does not end"),
    "too little memory is taken for the end of the input": (
        {"x86_64": {"no_more_memory": "js all"}, "arm64": {"no_more_memory": "tbnz x0, #63, all"},
         "riscv64": {"no_more_memory": "bltz a0, all"}},
        "where memory is refused (ENOMEM) after 1 calls for it: stdout is"),
    "moved memory is used at its old place": ({isa: {"moved": ""} for isa in TRIPLES}, "twice with "),
}


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize("name", MEMORY)
def test_a_fault_in_getting_memory_is_found(isa: str, name: str) -> None:
    faults, problem = MEMORY[name]
    verdict = judge_program(REPEAT, TARGETS[isa], executable(isa, planted(TWICE[isa], faults[isa])))
    assert not verdict.accepted and problem in verdict.problems[0], verdict.problems


LEAVING = {
    "x86_64": "lea rcx, [rip + text]\nmov [rsp], rcx\nret",
    "arm64": "adrp x30, text\nadd x30, x30, :lo12:text\nret",
    "riscv64": "lla ra, text\nret",
}
HIDDEN_CALL = {
    # Back to behind the instruction that loads the number, with another one there.
    "x86_64": "add qword ptr [rsp], 12\nmov eax, 39\nret",
    "arm64": "add x30, x30, #12\nmov x8, #172\nret",
    "riscv64": "addi ra, ra, 8\nli a7, 172\nret",
}


@pytest.mark.parametrize("isa", TRIPLES)
@pytest.mark.parametrize(("change", "problem"), [
    (LEAVING, "stops with SIGSEGV"), (HIDDEN_CALL, "makes system call ")], ids=["leaving", "hidden_call"])
def test_a_return_to_elsewhere_is_noticed_in_unicorn(isa: str, change: dict[str, str], problem: str) -> None:
    code = planted(TWICE[isa], {"return": change[isa]})
    verdict = judge_program(REPEAT, TARGETS[isa], executable(isa, code))
    assert not verdict.accepted and problem in verdict.problems[0], verdict.problems
    assert verdict.emulators == ("unicorn",)


def test_a_register_that_a_system_call_changes_is_not_kept() -> None:
    """SYSCALL itself writes rcx and r11, which user-mode emulators leave alone."""
    code = planted(CAT["x86_64"], {}).replace("rbx", "r11")
    verdict = judge_program(COPY, TARGETS["x86_64"], executable("x86_64", code))
    assert not verdict.accepted, verdict


@pytest.mark.parametrize("isa", TRIPLES)
def test_a_program_that_writes_for_ever_is_stopped(isa: str) -> None:
    end, again = {"x86_64": ("mov edi, 3", "jmp _start"), "arm64": ("mov x0, #3", "b _start"),
                  "riscv64": ("li a0, 3", "j _start")}[isa]
    code = hello(isa).replace(end, again)
    verdict = judge_program(HELLO, TARGETS[isa], executable(isa, code))
    assert verdict.problems == ("hello writes more than 65,548 bytes",)


def test_a_program_that_gets_memory_and_gives_it_back_for_ever_is_stopped() -> None:
    code = planted(TWICE["x86_64"], {"no_memory": "mov rdi, rax\nmov esi, 4096\nmov eax, 11\nsyscall\njmp _start"})
    verdict = judge_program(REPEAT, TARGETS["x86_64"], executable("x86_64", code))
    assert verdict.problems and "does not end" in verdict.problems[0], verdict.problems


def test_a_number_is_not_what_stands_before_the_entry() -> None:
    code = "    mov eax, 60\n_start:\n    syscall\n    jmp _start\n"
    verdict = judge_program(HELLO, TARGETS["x86_64"], executable("x86_64", code))
    assert "the system call's number is not seen to be a constant" in verdict.problems[0]


LENGTH = load_text("""intent: Count the bytes of standard input, modulo 256, as the exit status.
program: count
exit: u8(len(stdin))
""")
LOW_BYTE = load_text("""intent: The low byte.
signature: uint64_t low(uint64_t a)
returns: a & 255
""")
HALF = load_text("""intent: Half of it.
signature: uint64_t low(uint64_t a)
returns: a >> 1
""")
COUNT = {
    "x86_64": ("movzx eax, dil\nret", """
_start:
    xor ebx, ebx
read:
    xor edi, edi
    lea rsi, [rip + buffer]
    mov edx, 4096
    mov eax, 0
    syscall
    cmp rax, -4
    je read
    test rax, rax
    js fail
    je done
    add rbx, rax
    jmp read
done:
    mov rdi, rbx
    call low
    mov edi, eax
    mov eax, 60
    syscall
fail:
    mov edi, 1
    mov eax, 60
    syscall
"""),
    "arm64": ("and x0, x0, #255\nret", """
_start:
    mov x19, #0
read:
    mov x0, #0
    adrp x1, buffer
    add x1, x1, :lo12:buffer
    mov x2, #4096
    mov x8, #63
    svc #0
    cmn x0, #4
    b.eq read
    tbnz x0, #63, fail
    cbz x0, done
    add x19, x19, x0
    b read
done:
    mov x0, x19
    bl low
    mov x8, #93
    svc #0
fail:
    mov x0, #1
    mov x8, #93
    svc #0
"""),
    "riscv64": ("andi a0, a0, 255\nret", """
_start:
    li s0, 0
    li s1, -4
read:
    li a0, 0
    lla a1, buffer
    lui a2, 1
    li a7, 63
    ecall
    beq a0, s1, read
    bltz a0, fail
    beqz a0, done
    add s0, s0, a0
    j read
done:
    mv a0, s0
    jal ra, low
    li a7, 93
    ecall
fail:
    li a0, 1
    li a7, 93
    ecall
"""),
}


def _with_low(isa: str) -> bytes:
    function, code = COUNT[isa]
    return executable(isa, f"{code}\n.globl low\n.type low, %function\nlow:\n{function}\n.size low, . - low\n")


@pytest.mark.parametrize("isa", TRIPLES)
def test_a_part_has_evidence_of_its_own(isa: str) -> None:
    binary = _with_low(isa)
    verdict = judge_program(LENGTH, TARGETS[isa], binary, (Part("low", LOW_BYTE),))
    assert verdict.accepted and verdict.evidence == "tested", verdict.problems
    assert [(p.symbol, p.evidence, p.longest) for p in verdict.parts] == [("low", "proved", None)]
    assert verdict_text(verdict).endswith(f"{TARGETS[isa].runner[0]} + unicorn; 1 part proved)")
    wrong = judge_program(LENGTH, TARGETS[isa], binary, (Part("low", HALF),))
    assert not wrong.accepted and wrong.problems[0].startswith("part low: low(1) is 1, must be 0"), wrong.problems
    absent = judge_program(LENGTH, TARGETS[isa], binary, (Part("high", HALF),))
    assert absent.problems == ("part high: high is not in the file",)


def test_costly_inputs_of_a_part_are_said_to_be_unchecked() -> None:
    slow = load_text("""intent: The low byte, found slowly where the number is not small.
signature: uint64_t low(uint64_t a)
returns: sum(1 for i in range(a // 256 * 2**40)) % 2 + a & 255
""")
    binary = _with_low("x86_64")
    verdict = judge_program(LENGTH, TARGETS["x86_64"], binary, (Part("low", slow),))
    assert verdict.accepted and verdict.parts[0].evidence == "tested", verdict
    assert verdict.unchecked == ("part low on inputs that its contract takes too long to evaluate",)


def test_a_contract_that_never_has_a_value_accepts_nothing() -> None:
    never = load_text("""intent: Nothing that can be said.
program: never
exit: stdin[len(stdin)]
""")
    binary = _with_low("x86_64")
    verdict = judge_program(never, TARGETS["x86_64"], binary)
    assert not verdict.accepted
    assert verdict.problems[0].startswith("there is nothing to judge it by"), verdict.problems
