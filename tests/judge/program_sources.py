"""Programs in assembly that read: right ones, and how to plant faults into them.

A line may end with ``@name``; a fault gives lines with that name another text, or takes them away.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from judge_objects import TRIPLES

HEADS = {"x86_64": ".intel_syntax noprefix\n", "arm64": "", "riscv64": ".option norelax\n"}

CAT = {
    "x86_64": """
_start:
    lea rbx, [rip + buffer]  @start
read:
    xor edi, edi
    mov rsi, rbx
    mov edx, 4096
    mov eax, 0
    syscall
    cmp rax, -4
    je read  @retry_read
    test rax, rax
    js fail  @read_failed
    je done
    mov rbp, rbx
    mov r12, rax
    mov r13, rax
write:
    mov edi, 1
    mov rsi, rbp
    mov rdx, r12
    mov eax, 1
    syscall
    cmp rax, -4
    je write  @retry_write
    test rax, rax
    js fail  @write_failed
    add rbp, rax
    sub r12, rax
    jne write  @rest
    jmp read  @more
done:
    xor edi, edi
    mov eax, 60
    syscall
fail:
    mov edi, 1  @status
    mov eax, 60
    syscall
""",
    "arm64": """
_start:
    adrp x19, buffer  @start
    add x19, x19, :lo12:buffer
read:
    mov x0, #0
    mov x1, x19
    mov x2, #4096
    mov x8, #63
    svc #0
    cmn x0, #4
    b.eq read  @retry_read
    tbnz x0, #63, fail  @read_failed
    cbz x0, done
    mov x20, x19
    mov x21, x0
    mov x22, x0
write:
    mov x0, #1
    mov x1, x20
    mov x2, x21
    mov x8, #64
    svc #0
    cmn x0, #4
    b.eq write  @retry_write
    tbnz x0, #63, fail  @write_failed
    add x20, x20, x0
    subs x21, x21, x0
    b.ne write  @rest
    b read  @more
done:
    mov x0, #0
    mov x8, #93
    svc #0
fail:
    mov x0, #1  @status
    mov x8, #93
    svc #0
""",
    "riscv64": """
_start:
    lla s0, buffer  @start
    li t0, -4
read:
    li a0, 0
    mv a1, s0
    li a2, 4096
    li a7, 63
    ecall
    beq a0, t0, read  @retry_read
    bltz a0, fail  @read_failed
    beqz a0, done
    mv s1, s0
    mv s2, a0
    mv s3, a0
write:
    li a0, 1
    mv a1, s1
    mv a2, s2
    li a7, 64
    ecall
    beq a0, t0, write  @retry_write
    bltz a0, fail  @write_failed
    add s1, s1, a0
    sub s2, s2, a0
    bnez s2, write  @rest
    j read  @more
done:
    li a0, 0
    li a7, 93
    ecall
fail:
    li a0, 1  @status
    li a7, 93
    ecall
""",
}
"""Copies standard input to standard output, by blocks of 4096 bytes."""

TWICE = {
    "x86_64": """
_start:
    xor edi, edi
    mov esi, 4096
    mov edx, 3  @rights
    mov r10d, 34  @flags
    mov r8, -1
    xor r9d, r9d
    mov eax, 9
    syscall
    test rax, rax
    js fail  @no_memory
    mov rbx, rax
    mov r12d, 4096
    xor ebp, ebp
read:
    cmp rbp, r12
    jne room
    mov rdi, rbx
    mov rsi, r12
    lea rdx, [r12 + r12]
    mov r10d, 1
    mov eax, 25
    syscall
    test rax, rax
    js fail  @no_more_memory
    mov rbx, rax  @moved
    add r12, r12
room:
    xor edi, edi
    lea rsi, [rbx + rbp]
    mov rdx, r12
    sub rdx, rbp
    mov eax, 0
    syscall
    cmp rax, -4
    je room
    test rax, rax
    js fail
    je all
    add rbp, rax
    jmp read
all:
    call put
    call put
    xor edi, edi
    mov eax, 60
    syscall
fail:
    mov edi, 1
    mov eax, 60
    syscall
put:
    xor r14d, r14d
next:
    cmp r14, rbp
    je out
    mov edi, 1
    lea rsi, [rbx + r14]
    mov rdx, rbp
    sub rdx, r14
    mov eax, 1
    syscall
    cmp rax, -4
    je next
    test rax, rax
    js fail
    add r14, rax
    jmp next
out:
    ret  @return
""",
    "arm64": """
_start:
    mov x0, #0
    mov x1, #4096
    mov x2, #3  @rights
    mov x3, #34  @flags
    mov x4, #-1
    mov x5, #0
    mov x8, #222
    svc #0
    tbnz x0, #63, fail  @no_memory
    mov x19, x0
    mov x20, #4096
    mov x21, #0
read:
    cmp x21, x20
    b.ne room
    mov x0, x19
    mov x1, x20
    add x2, x20, x20
    mov x3, #1
    mov x8, #216
    svc #0
    tbnz x0, #63, fail  @no_more_memory
    mov x19, x0  @moved
    add x20, x20, x20
room:
    mov x0, #0
    add x1, x19, x21
    sub x2, x20, x21
    mov x8, #63
    svc #0
    cmn x0, #4
    b.eq room
    tbnz x0, #63, fail
    cbz x0, all
    add x21, x21, x0
    b read
all:
    bl put
    bl put
    mov x0, #0
    mov x8, #93
    svc #0
fail:
    mov x0, #1
    mov x8, #93
    svc #0
put:
    mov x22, #0
next:
    cmp x22, x21
    b.eq out
    mov x0, #1
    add x1, x19, x22
    sub x2, x21, x22
    mov x8, #64
    svc #0
    cmn x0, #4
    b.eq next
    tbnz x0, #63, fail
    add x22, x22, x0
    b next
out:
    ret  @return
""",
    "riscv64": """
_start:
    li a0, 0
    lui a1, 1
    li a2, 3  @rights
    li a3, 34  @flags
    li a4, -1
    li a5, 0
    li a7, 222
    ecall
    bltz a0, fail  @no_memory
    mv s0, a0
    lui s1, 1
    li s2, 0
    li s4, -4
read:
    bne s2, s1, room
    mv a0, s0
    mv a1, s1
    add a2, s1, s1
    li a3, 1
    li a7, 216
    ecall
    bltz a0, fail  @no_more_memory
    mv s0, a0  @moved
    add s1, s1, s1
room:
    li a0, 0
    add a1, s0, s2
    sub a2, s1, s2
    li a7, 63
    ecall
    beq a0, s4, room
    bltz a0, fail
    beqz a0, all
    add s2, s2, a0
    j read
all:
    jal ra, put
    jal ra, put
    li a0, 0
    li a7, 93
    ecall
fail:
    li a0, 1
    li a7, 93
    ecall
put:
    li s3, 0
next:
    beq s3, s2, out
    li a0, 1
    add a1, s0, s3
    sub a2, s2, s3
    li a7, 64
    ecall
    beq a0, s4, next
    bltz a0, fail
    add s3, s3, a0
    j next
out:
    ret  @return
""",
}
"""Writes standard input twice: gathers it in memory that grows, writes it in a subroutine that is called twice."""


def planted(source: str, faults: dict[str, str]) -> str:
    """The source with the named lines replaced. Fails for a name that no line has."""
    lines = []
    left = set(faults)
    for line in source.splitlines():
        code, _, name = line.partition("  @")
        lines.append(faults.get(name, code) if name else code)
        left.discard(name)
    assert not left, left
    return "\n".join(lines)


@cache
def executable(isa: str, code: str, *options: str) -> bytes:
    """A static executable of `code`, which has `_start`; it may read `text` and use 4096 bytes at `buffer`."""
    source = f"{HEADS[isa]}.text\n.globl _start\n{code}\n"
    if "buffer" in code:
        source += ".bss\nbuffer:\n.skip 4096\n"
    source += '.section .rodata\ntext:\n.ascii "hello\\n"\n.section .note.GNU-stack, "", %progbits\n'
    with tempfile.TemporaryDirectory(prefix="judge-programs-") as folder:
        path = Path(folder) / "program.s"
        path.write_text(source)
        output = path.with_suffix("")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", TRIPLES[isa], "-nostdlib", "-static", "-no-pie"]
        command += [*options, str(path), "-o", str(output)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return output.read_bytes()
