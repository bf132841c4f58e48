/* Runs single instructions on whole machine states, for table_emulators.py. A static x86-64 Linux program.

   Standard input: SLOTS_BYTES of code for `slots`, then records of RECORD_BYTES: offset of a slot, RFLAGS, the
   sixteen registers in the order of their encoding, 0, and 64 bytes of memory, which the instruction finds at
   `window`. Each slot ends with a jump to `back`, which is SLOTS_OFFSET before the first slot, or to `branched`, which
   is BRANCHED_OFFSET before it. Standard output: a record for each, with 0 in place of the offset, and 1 after the
   registers when it came to `branched`. */

    .intel_syntax noprefix
#define SLOTS_OFFSET 4096
#define BRANCHED_OFFSET 2048
#define SLOTS_BYTES 65536
#define RECORD_BYTES 216

    .section .run, "awx", @progbits
    .balign 4096
back:
    mov [rip + record + 16], rax
    mov [rip + record + 24], rcx
    mov [rip + record + 32], rdx
    mov [rip + record + 40], rbx
    mov [rip + record + 48], rsp
    mov [rip + record + 56], rbp
    mov [rip + record + 64], rsi
    mov [rip + record + 72], rdi
    mov [rip + record + 80], r8
    mov [rip + record + 88], r9
    mov [rip + record + 96], r10
    mov [rip + record + 104], r11
    mov [rip + record + 112], r12
    mov [rip + record + 120], r13
    mov [rip + record + 128], r14
    mov [rip + record + 136], r15
    lea rsp, [rip + stack_top]
    pushfq
    pop qword ptr [rip + record + 8]
    mov qword ptr [rip + record], 0
    mov eax, 1                          /* write */
    mov edi, 1
    lea rsi, [rip + record]
    mov edx, RECORD_BYTES
    syscall
    cmp rax, RECORD_BYTES
    jne failed
next:
    lea rsi, [rip + record]
    mov edx, RECORD_BYTES
    call read_all
    lea rax, [rip + slots]
    add [rip + record], rax
    push qword ptr [rip + record + 8]
    popfq
    mov rax, [rip + record + 16]
    mov rcx, [rip + record + 24]
    mov rdx, [rip + record + 32]
    mov rbx, [rip + record + 40]
    mov rsp, [rip + record + 48]
    mov rbp, [rip + record + 56]
    mov rsi, [rip + record + 64]
    mov rdi, [rip + record + 72]
    mov r8, [rip + record + 80]
    mov r9, [rip + record + 88]
    mov r10, [rip + record + 96]
    mov r11, [rip + record + 104]
    mov r12, [rip + record + 112]
    mov r13, [rip + record + 120]
    mov r14, [rip + record + 128]
    mov r15, [rip + record + 136]
    jmp [rip + record]

    .globl _start
_start:
    lea rsp, [rip + stack_top]
    lea rsi, [rip + slots]
    mov edx, SLOTS_BYTES
    call read_all
    jmp next

read_all:                               /* rdx bytes to rsi; at the end of the input the program ends */
    xor eax, eax                        /* read */
    xor edi, edi
    syscall
    test rax, rax
    js failed
    je finished
    add rsi, rax
    sub rdx, rax
    jne read_all
    ret

finished:
    xor edi, edi
    mov eax, 60                         /* exit */
    syscall
failed:
    mov edi, 1
    mov eax, 60
    syscall

    .org SLOTS_OFFSET - BRANCHED_OFFSET
branched:
    mov qword ptr [rip + record + 144], 1
    jmp back

    .org SLOTS_OFFSET
    .globl slots, window
slots:
    .skip SLOTS_BYTES
    .balign 64
    .skip 40                            /* so that `window` is a multiple of 64 */
record:
    .skip RECORD_BYTES - 64
window:
    .skip 64
    .skip 256
    .balign 16
    .skip 256
stack_top:
