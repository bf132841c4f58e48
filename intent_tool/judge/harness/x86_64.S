# The harness for x86-64 Linux: calls one function on many vectors and reports what each call did.
#
# A static program without libc, run under qemu-x86_64. Its input and output are described in protocol.py, where
# the numbers below have the same names. Rebuilt and compared by tests/judge/build_harness.py.

    .intel_syntax noprefix

    # Offsets into `state`. The header is read there as it comes.
    .set H_MAGIC, 0
    .set H_PAGE, 8
    .set H_IMAGE, 16
    .set H_IMAGE_BYTES, 24
    .set H_ENTRY, 32
    .set H_STACK, 40
    .set H_STACK_BYTES, 48
    .set H_STACK_WORDS, 56
    .set H_REGIONS, 64
    .set H_VECTORS, 72
    .set H_INPUT_BYTES, 80
    .set H_OUTPUT_BYTES, 88
    .set H_FLAGS, 96
    .set H_FILL, 104
    .set H_TICK, 112
    .set HEADER_BYTES, 128
    .set DONE, 128              # vectors finished
    .set TICKED, 136            # the value of DONE at the last tick of the timer
    .set STALLED, 144           # ticks since DONE changed
    .set INPUT, 152             # the next vector
    .set OUTPUT, 160            # where the next result goes
    .set FLUSHED, 168           # what is before this has been written out
    .set TOP, 176               # the lowest stack argument: 16-aligned
    .set HARNESS_SP, 184
    .set RECORD, 192            # the vector in work
    .set CONTENTS, 200          # its windows
    .set RESULT, 208
    .set SP_AFTER, 216
    .set FLAGS_AFTER, 224
    .set SAVED, 232             # rbx rbp r12 r13 r14 r15 after the call
    .set TRAILER, 280           # 8 words
    .set JUNK, 344              # 48 words, new ones for every vector
    .set REGIONS, 728           # 32 pairs
    .set STATE_BYTES, 1240

    .set ARGUMENTS, 6
    .set RECORD_ARGUMENTS, 8
    .set RECORD_STACK, 8 + 8 * ARGUMENTS
    .set JUNK_WORDS, 48
    .set SENTINEL, 24           # index into JUNK
    .set PAINT, 47              # index into JUNK
    .set PAINTED, 512           # bytes of the function's frame that are painted anew for every vector
    .set SENTINEL_BYTES, 128

    .set FLAG_FLUSH, 1
    .set FLAG_SWEEP, 2
    .set STATUS_SP, 16
    .set STATUS_SENTINEL, 17
    .set STATUS_DIRECTION, 18
    .set STATUS_OUTSIDE, 20

    .set SYS_READ, 0
    .set SYS_WRITE, 1
    .set SYS_MMAP, 9
    .set SYS_MPROTECT, 10
    .set SYS_RT_SIGACTION, 13
    .set SYS_RT_SIGRETURN, 15
    .set SYS_SETITIMER, 38
    .set SYS_EXIT_GROUP, 231
    .set SYS_SIGALTSTACK, 131

    .text
    .globl _start
_start:
    lea rbp, [rip + state]
    mov rdi, rbp
    mov esi, HEADER_BYTES
    call read_all
    movabs rax, 0x3148544e45544e49          # "INTENTH1"
    cmp rax, [rbp + H_MAGIC]
    jne bad_input
    mov rsi, [rbp + H_REGIONS]
    cmp rsi, 32
    ja bad_input
    shl rsi, 4
    lea rdi, [rbp + REGIONS]
    call read_all

    mov rdi, [rbp + H_IMAGE]
    mov rsi, [rbp + H_IMAGE_BYTES]
    call map_guarded
    mov rdi, [rbp + H_IMAGE]
    mov rsi, [rbp + H_IMAGE_BYTES]
    call read_all
    mov rdi, [rbp + H_IMAGE]
    mov rsi, [rbp + H_IMAGE_BYTES]
    mov edx, 5                              # PROT_READ | PROT_EXEC
    mov eax, SYS_MPROTECT
    syscall
    test rax, rax
    jnz no_memory

    mov rdi, [rbp + H_STACK]
    mov rsi, [rbp + H_STACK_BYTES]
    call map_guarded
    mov rdi, [rbp + H_STACK]
    mov rcx, [rbp + H_STACK_BYTES]
    shr rcx, 3
    mov rax, [rbp + H_FILL]
    rep stosq
    mov rax, [rbp + H_STACK_WORDS]
    lea rax, [rax * 8 + 15]
    and rax, -16
    sub rdi, SENTINEL_BYTES
    sub rdi, rax
    mov [rbp + TOP], rdi

    lea r12, [rbp + REGIONS]
    mov r13, [rbp + H_REGIONS]
map_region:
    sub r13, 1
    jb map_buffers
    mov rdi, [r12]
    mov rsi, [r12 + 8]
    call map_guarded
    mov rdi, [r12]
    mov rsi, [r12 + 8]
    call fill_pattern
    add r12, 16
    jmp map_region

map_buffers:
    mov rdi, [rbp + H_INPUT_BYTES]
    call map_anywhere
    mov [rbp + INPUT], rax
    mov rdi, rax
    mov rsi, [rbp + H_INPUT_BYTES]
    call read_all
    mov rdi, [rbp + H_OUTPUT_BYTES]
    call map_anywhere
    mov [rbp + OUTPUT], rax
    mov [rbp + FLUSHED], rax

    mov edi, 11                             # SIGSEGV
    call catch
    mov edi, 7                              # SIGBUS
    call catch
    mov edi, 4                              # SIGILL
    call catch
    mov edi, 8                              # SIGFPE
    call catch
    mov edi, 5                              # SIGTRAP
    call catch
    mov edi, 26                             # SIGVTALRM
    call catch
    lea rdi, [rip + alternate_stack]
    xor esi, esi
    mov eax, SYS_SIGALTSTACK
    syscall
    sub rsp, 32
    xor eax, eax
    mov [rsp], rax
    mov [rsp + 16], rax
    mov rax, [rbp + H_TICK]
    mov [rsp + 8], rax
    mov [rsp + 24], rax
    mov edi, 1                              # ITIMER_VIRTUAL
    mov rsi, rsp
    xor edx, edx
    mov eax, SYS_SETITIMER
    syscall
    add rsp, 32

next_vector:
    lea rbp, [rip + state]
    mov rax, [rbp + DONE]
    cmp rax, [rbp + H_VECTORS]
    je finished
    mov rsi, [rbp + INPUT]
    mov [rbp + RECORD], rsi

    # Junk: a linear congruential generator, its high bits folded onto the low ones.
    mov rax, [rsi]
    lea rdi, [rbp + JUNK]
    mov ecx, JUNK_WORDS
    movabs r8, 6364136223846793005
    movabs r9, 1442695040888963407
1:  imul rax, r8
    add rax, r9
    mov rdx, rax
    shr rdx, 29
    xor rdx, rax
    mov [rdi], rdx
    add rdi, 8
    dec ecx
    jnz 1b

    # The stack: paint below, arguments, sentinel up to the guard page.
    mov rdi, [rbp + TOP]
    sub rdi, PAINTED + 8
    mov rax, [rbp + JUNK + 8 * PAINT]
    mov ecx, PAINTED / 8
    rep stosq
    add rdi, 8
    add rsi, RECORD_STACK
    mov rcx, [rbp + H_STACK_WORDS]
    rep movsq
    mov rbx, rsi
    mov rcx, [rbp + H_STACK]
    add rcx, [rbp + H_STACK_BYTES]
    sub rcx, rdi
    shr rcx, 3
    lea rsi, [rbp + JUNK + 8 * SENTINEL]
    rep movsq

    # The windows of the regions.
    mov [rbp + CONTENTS], rbx
    mov rsi, rbx
    mov r13, [rbp + H_REGIONS]
2:  sub r13, 1
    jb 3f
    mov rdi, [rsi]
    mov rcx, [rsi + 8]
    add rsi, 16
    shr rcx, 3
    rep movsq
    jmp 2b
3:  mov [rbp + INPUT], rsi

    # The registers. Only the six arithmetic flags may be junk; the ABI wants the direction flag clear.
    mov [rbp + HARNESS_SP], rsp
    mov rax, [rbp + JUNK + 8 * 23]
    and eax, 0x8d5
    push rax
    popfq
    movups xmm0, [rbp + JUNK + 0]
    movups xmm1, [rbp + JUNK + 16]
    movups xmm2, [rbp + JUNK + 32]
    movups xmm3, [rbp + JUNK + 48]
    movups xmm4, [rbp + JUNK + 64]
    movups xmm5, [rbp + JUNK + 80]
    movups xmm6, [rbp + JUNK + 96]
    movups xmm7, [rbp + JUNK + 112]
    movups xmm8, [rbp + JUNK + 128]
    movups xmm9, [rbp + JUNK + 144]
    movups xmm10, [rbp + JUNK + 160]
    movups xmm11, [rbp + JUNK + 176]
    movups xmm12, [rbp + JUNK + 192]
    movups xmm13, [rbp + JUNK + 208]
    movups xmm14, [rbp + JUNK + 224]
    movups xmm15, [rbp + JUNK + 240]
    mov rsp, [rbp + TOP]
    mov r10, [rbp + RECORD]
    mov rdi, [r10 + RECORD_ARGUMENTS]
    mov rsi, [r10 + RECORD_ARGUMENTS + 8]
    mov rdx, [r10 + RECORD_ARGUMENTS + 16]
    mov rcx, [r10 + RECORD_ARGUMENTS + 24]
    mov r8, [r10 + RECORD_ARGUMENTS + 32]
    mov r9, [r10 + RECORD_ARGUMENTS + 40]
    mov rbx, [rbp + JUNK]
    mov r12, [rbp + JUNK + 8 * 2]
    mov r13, [rbp + JUNK + 8 * 3]
    mov r14, [rbp + JUNK + 8 * 4]
    mov r15, [rbp + JUNK + 8 * 5]
    mov rax, [rbp + JUNK + 8 * 6]
    mov r10, [rbp + JUNK + 8 * 7]
    mov r11, [rbp + JUNK + 8 * 8]
    mov rbp, [rbp + JUNK + 8 * 1]
    call [rip + state + H_ENTRY]
    .globl returned
returned:
    mov [rip + state + RESULT], rax
    mov [rip + state + SP_AFTER], rsp
    mov [rip + state + SAVED], rbx
    mov [rip + state + SAVED + 8], rbp
    mov [rip + state + SAVED + 16], r12
    mov [rip + state + SAVED + 24], r13
    mov [rip + state + SAVED + 32], r14
    mov [rip + state + SAVED + 40], r15
    lea rbp, [rip + state]
    mov rsp, [rbp + HARNESS_SP]
    pushfq
    pop rdx
    cld

    # r15 collects the status.
    xor r15d, r15d
    bt edx, 10
    jnc 1f
    bts r15, STATUS_DIRECTION
1:  xor ecx, ecx
2:  mov rax, [rbp + rcx * 8 + SAVED]
    cmp rax, [rbp + rcx * 8 + JUNK]
    je 3f
    bts r15, rcx
3:  inc ecx
    cmp ecx, 6
    jne 2b
    mov rdi, [rbp + TOP]
    cmp rdi, [rbp + SP_AFTER]
    je 4f
    bts r15, STATUS_SP
4:  mov rcx, [rbp + H_STACK_WORDS]
    lea rdi, [rdi + rcx * 8]
    mov rcx, [rbp + H_STACK]
    add rcx, [rbp + H_STACK_BYTES]
    sub rcx, rdi
    shr rcx, 3
    lea rsi, [rbp + JUNK + 8 * SENTINEL]
    repe cmpsq
    je 5f
    bts r15, STATUS_SENTINEL
5:  mov rdi, [rbp + TOP]
    sub rdi, PAINTED + 8
    mov rax, [rbp + JUNK + 8 * PAINT]
    mov ecx, PAINTED
6:  cmp rax, [rdi]
    jne 7f
    add rdi, 8
    sub ecx, 8
    jnz 6b
7:  shl rcx, 32
    or r15, rcx

    # The result, the windows' contents, and the pattern back into the windows.
    mov rdi, [rbp + OUTPUT]
    mov rax, [rbp + RESULT]
    mov [rdi], rax
    mov r14, rdi                            # the status goes to [r14 + 8], after the sweep
    add rdi, 16
    mov r12, [rbp + CONTENTS]
    mov r13, [rbp + H_REGIONS]
8:  sub r13, 1
    jb 9f
    mov rsi, [r12]
    mov rcx, [r12 + 8]
    lea r12, [r12 + rcx + 16]
    shr rcx, 3
    rep movsq
    jmp 8b
9:  mov [rbp + OUTPUT], rdi
    mov r12, [rbp + CONTENTS]
    mov r13, [rbp + H_REGIONS]
10: sub r13, 1
    jb 11f
    mov rdi, [r12]
    mov rsi, [r12 + 8]
    lea r12, [r12 + rsi + 16]
    call fill_pattern
    jmp 10b
11: test qword ptr [rbp + H_FLAGS], FLAG_SWEEP
    jz 12f
    call sweep
    test rax, rax
    jz 12f
    bts r15, STATUS_OUTSIDE
    mov rdi, [rbp + REGIONS]
12: mov [r14 + 8], r15
    inc qword ptr [rbp + DONE]
    test qword ptr [rbp + H_FLAGS], FLAG_FLUSH
    jz next_vector
    call flush
    jmp next_vector

finished:
    call sweep
    mov [rbp + TRAILER + 48], rax
    # Falls through: the report of a run that a signal ended starts here.
report:
    lea rbp, [rip + state]
    movabs rax, 0x3154544e45544e49          # "INTENTT1"
    mov [rbp + TRAILER], rax
    mov rax, [rbp + DONE]
    mov [rbp + TRAILER + 8], rax
    # The deepest word of the stack that lost its fill, below what is painted for every vector.
    mov rdi, [rbp + H_STACK]
    mov rcx, [rbp + TOP]
    sub rcx, 8
    mov rax, [rbp + H_FILL]
1:  cmp rax, [rdi]
    jne 2f
    add rdi, 8
    cmp rdi, rcx
    jne 1b
2:  sub rcx, rdi
    mov [rbp + TRAILER + 40], rcx
    call flush
    lea rsi, [rbp + TRAILER]
    mov edx, 64
    call write_all
    xor edi, edi
    jmp exit

    # rdi: signal, rsi: siginfo, rdx: ucontext. On the alternate stack.
on_signal:
    lea rbp, [rip + state]
    cmp edi, 26
    jne 2f
    mov rax, [rbp + DONE]
    cmp rax, [rbp + TICKED]
    je 1f
    mov [rbp + TICKED], rax
    mov qword ptr [rbp + STALLED], 0
    ret
1:  inc qword ptr [rbp + STALLED]
    cmp qword ptr [rbp + STALLED], 2
    jae 2f
    ret
2:  mov [rbp + TRAILER + 16], rdi
    mov rax, [rsi + 16]                     # si_addr
    mov [rbp + TRAILER + 24], rax
    mov rax, [rdx + 168]                    # uc_mcontext.gregs[REG_RIP]
    mov [rbp + TRAILER + 32], rax
    cld
    jmp report
signal_return:
    mov eax, SYS_RT_SIGRETURN
    syscall

    # edi: signal.
catch:
    lea rsi, [rip + action]
    xor edx, edx
    mov r10d, 8
    mov eax, SYS_RT_SIGACTION
    syscall
    ret

    # rax: the first address in a region that does not hold the pattern, or 0.
sweep:
    lea r12, [rbp + REGIONS]
    mov r13, [rbp + H_REGIONS]
1:  sub r13, 1
    jb 4f
    mov rdi, [r12]
    mov rsi, [r12 + 8]
    add rsi, rdi
    add r12, 16
    mov r8, [rbp + H_FILL]
    movabs r9, 0x9e3779b97f4a7c15
2:  cmp rdi, rsi
    je 1b
    mov rax, rdi
    imul rax, r9
    xor rax, r8
    cmp rax, [rdi]
    jne 3f
    add rdi, 8
    jmp 2b
3:  mov rax, rdi
    ret
4:  xor eax, eax
    ret

    # rdi: address, rsi: bytes, both multiples of 8. Every word depends on where it is.
fill_pattern:
    add rsi, rdi
    mov r8, [rbp + H_FILL]
    movabs r9, 0x9e3779b97f4a7c15
1:  cmp rdi, rsi
    je 2f
    mov rax, rdi
    imul rax, r9
    xor rax, r8
    mov [rdi], rax
    add rdi, 8
    jmp 1b
2:  ret

    # rdi: address, rsi: bytes. Readable and writable, with an inaccessible page before and after.
map_guarded:
    push rdi
    push rsi
    mov rax, [rbp + H_PAGE]
    sub rdi, rax
    lea rsi, [rsi + rax * 2]
    push rdi
    xor edx, edx                            # PROT_NONE
    mov r10d, 0x22                          # MAP_PRIVATE | MAP_ANONYMOUS
    mov r8, -1
    xor r9d, r9d
    mov eax, SYS_MMAP
    syscall
    pop rdi
    cmp rax, rdi
    jne no_memory
    pop rsi
    pop rdi
    mov edx, 3                              # PROT_READ | PROT_WRITE
    mov eax, SYS_MPROTECT
    syscall
    test rax, rax
    jnz no_memory
    ret

    # rdi: bytes, may be 0. rax: address.
map_anywhere:
    lea rsi, [rdi + 8]
    xor edi, edi
    mov edx, 3
    mov r10d, 0x22
    mov r8, -1
    xor r9d, r9d
    mov eax, SYS_MMAP
    syscall
    cmp rax, -4096
    ja no_memory
    ret

    # rdi: address, rsi: bytes, from standard input.
read_all:
    mov r12, rdi
    mov r13, rsi
1:  test r13, r13
    jz 2f
    xor edi, edi
    mov rsi, r12
    mov rdx, r13
    mov eax, SYS_READ
    syscall
    test rax, rax
    jle bad_input
    add r12, rax
    sub r13, rax
    jmp 1b
2:  ret

flush:
    mov rsi, [rbp + FLUSHED]
    mov rdx, [rbp + OUTPUT]
    mov [rbp + FLUSHED], rdx
    sub rdx, rsi
    # rsi: address, rdx: bytes, to standard output.
write_all:
    mov r12, rsi
    mov r13, rdx
1:  test r13, r13
    jz 2f
    mov edi, 1
    mov rsi, r12
    mov rdx, r13
    mov eax, SYS_WRITE
    syscall
    test rax, rax
    jle bad_input
    add r12, rax
    sub r13, rax
    jmp 1b
2:  ret

bad_input:
    mov edi, 100
    jmp exit
no_memory:
    mov edi, 101
exit:
    mov eax, SYS_EXIT_GROUP
    syscall
    hlt

    .section .rodata
    .balign 8
action:
    .quad on_signal, 0x0c000004             # SA_SIGINFO | SA_ONSTACK | SA_RESTORER
    .quad signal_return, 0
alternate_stack:
    .quad signal_stack, 0, 65536

    .bss
    .balign 16
state:
    .skip STATE_BYTES
    .balign 16
signal_stack:
    .skip 65536

    .section .note.GNU-stack, "", @progbits
