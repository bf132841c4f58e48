/* Runs single instructions on whole machine states, for table_emulators.py. A static x86-64 Linux program.

   Standard input: SLOTS_BYTES of code for `slots`, then records of RECORD_BYTES: offset of a slot, RFLAGS, the
   sixteen registers in the order of their encoding, 0, the sixteen ymm registers, and 64 bytes of memory, which the
   instruction finds at `window`. Each slot ends with a jump to `back`, which is SLOTS_OFFSET before the first slot, or to `branched`, which
   is BRANCHED_OFFSET before it. Standard output: a record for each, with 0 in place of the offset, and 1 after the
   registers when it came to `branched`. */

    .intel_syntax noprefix
#define SLOTS_OFFSET 4096
#define BRANCHED_OFFSET 2048
#define SLOTS_BYTES 131072
#define RECORD_BYTES 728

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
    vmovdqu [rip + record + 152], ymm0
    vmovdqu [rip + record + 184], ymm1
    vmovdqu [rip + record + 216], ymm2
    vmovdqu [rip + record + 248], ymm3
    vmovdqu [rip + record + 280], ymm4
    vmovdqu [rip + record + 312], ymm5
    vmovdqu [rip + record + 344], ymm6
    vmovdqu [rip + record + 376], ymm7
    vmovdqu [rip + record + 408], ymm8
    vmovdqu [rip + record + 440], ymm9
    vmovdqu [rip + record + 472], ymm10
    vmovdqu [rip + record + 504], ymm11
    vmovdqu [rip + record + 536], ymm12
    vmovdqu [rip + record + 568], ymm13
    vmovdqu [rip + record + 600], ymm14
    vmovdqu [rip + record + 632], ymm15
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
    vmovdqu ymm0, [rip + record + 152]
    vmovdqu ymm1, [rip + record + 184]
    vmovdqu ymm2, [rip + record + 216]
    vmovdqu ymm3, [rip + record + 248]
    vmovdqu ymm4, [rip + record + 280]
    vmovdqu ymm5, [rip + record + 312]
    vmovdqu ymm6, [rip + record + 344]
    vmovdqu ymm7, [rip + record + 376]
    vmovdqu ymm8, [rip + record + 408]
    vmovdqu ymm9, [rip + record + 440]
    vmovdqu ymm10, [rip + record + 472]
    vmovdqu ymm11, [rip + record + 504]
    vmovdqu ymm12, [rip + record + 536]
    vmovdqu ymm13, [rip + record + 568]
    vmovdqu ymm14, [rip + record + 600]
    vmovdqu ymm15, [rip + record + 632]
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
