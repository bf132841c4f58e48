# The harness for RISC-V (RV64GC) Linux: calls one function on many vectors and reports what each call did.
#
# A static program without libc, run under qemu-riscv64. Its input and output are described in protocol.py, where
# the numbers below have the same names. Rebuilt and compared by tests/judge/build_harness.py.

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
    .set TOP, 176               # the stack pointer at the call: the lowest stack argument
    .set HARNESS_SP, 184
    .set RECORD, 192            # the vector in work
    .set CONTENTS, 200          # its windows
    .set RESULT, 208
    .set SP_AFTER, 216
    .set TRAILER, 224           # 8 words
    .set SAVED, 288             # gp tp s0 … s11 after the call
    .set JUNK, 400              # 48 words, new ones for every vector
    .set REGIONS, 784           # 32 pairs
    .set STATE_BYTES, 1296

    .set ARGUMENTS, 8
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
    .set STATUS_OUTSIDE, 20

    .set SYS_SETITIMER, 103
    .set SYS_READ, 63
    .set SYS_WRITE, 64
    .set SYS_EXIT_GROUP, 94
    .set SYS_SIGALTSTACK, 132
    .set SYS_RT_SIGACTION, 134
    .set SYS_MMAP, 222
    .set SYS_MPROTECT, 226

    # s11 is &state wherever the harness itself runs. gp and tp are not used by it.
    .option norelax
    .text
    .globl _start
_start:
    lla s11, state
    mv a0, s11
    li a1, HEADER_BYTES
    call read_all
    li a0, 0x3148544e45544e49               # "INTENTH1"
    ld a1, H_MAGIC(s11)
    bne a0, a1, bad_input_far
    ld a1, H_REGIONS(s11)
    li a0, 32
    bgtu a1, a0, bad_input_far
    slli a1, a1, 4
    addi a0, s11, REGIONS
    call read_all

    ld a0, H_IMAGE(s11)
    ld a1, H_IMAGE_BYTES(s11)
    call map_guarded
    ld a0, H_IMAGE(s11)
    ld a1, H_IMAGE_BYTES(s11)
    call read_all
    fence.i
    ld a0, H_IMAGE(s11)
    ld a1, H_IMAGE_BYTES(s11)
    li a2, 5                                # PROT_READ | PROT_EXEC
    li a7, SYS_MPROTECT
    ecall
    bnez a0, no_memory_far

    ld a0, H_STACK(s11)
    ld a1, H_STACK_BYTES(s11)
    call map_guarded
    ld a0, H_STACK(s11)
    ld a1, H_STACK_BYTES(s11)
    add a1, a1, a0
    ld a2, H_FILL(s11)
1:  sd a2, 0(a0)
    addi a0, a0, 8
    bne a0, a1, 1b
    ld a1, H_STACK_WORDS(s11)
    slli a1, a1, 3
    addi a1, a1, 15
    andi a1, a1, -16
    addi a0, a0, -SENTINEL_BYTES
    sub a0, a0, a1
    sd a0, TOP(s11)

    addi s0, s11, REGIONS
    ld s1, H_REGIONS(s11)
map_region:
    beqz s1, map_buffers
    addi s1, s1, -1
    ld a0, 0(s0)
    ld a1, 8(s0)
    call map_guarded
    ld a0, 0(s0)
    ld a1, 8(s0)
    call fill_pattern
    addi s0, s0, 16
    j map_region
bad_input_far:
    j bad_input
no_memory_far:
    j no_memory

map_buffers:
    ld a1, H_INPUT_BYTES(s11)
    call map_anywhere
    sd a0, INPUT(s11)
    ld a1, H_INPUT_BYTES(s11)
    call read_all
    ld a1, H_OUTPUT_BYTES(s11)
    call map_anywhere
    sd a0, OUTPUT(s11)
    sd a0, FLUSHED(s11)

    li a0, 11                               # SIGSEGV
    call catch
    li a0, 7                                # SIGBUS
    call catch
    li a0, 4                                # SIGILL
    call catch
    li a0, 8                                # SIGFPE
    call catch
    li a0, 5                                # SIGTRAP
    call catch
    li a0, 26                               # SIGVTALRM
    call catch
    lla a0, alternate_stack
    li a1, 0
    li a7, SYS_SIGALTSTACK
    ecall
    addi sp, sp, -32
    ld a2, H_TICK(s11)
    sd zero, 0(sp)
    sd a2, 8(sp)
    sd zero, 16(sp)
    sd a2, 24(sp)
    li a0, 1                                # ITIMER_VIRTUAL
    mv a1, sp
    li a2, 0
    li a7, SYS_SETITIMER
    ecall
    addi sp, sp, 32
    sd sp, HARNESS_SP(s11)

next_vector:
    ld a0, DONE(s11)
    ld a1, H_VECTORS(s11)
    bne a0, a1, 1f
    j finished
1:  ld s0, INPUT(s11)
    sd s0, RECORD(s11)

    # Junk: a linear congruential generator, its high bits folded onto the low ones.
    ld a0, 0(s0)
    addi a1, s11, JUNK
    addi a2, s11, JUNK + 8 * JUNK_WORDS
    li a3, 6364136223846793005
    li a4, 1442695040888963407
1:  mul a0, a0, a3
    add a0, a0, a4
    srli a5, a0, 29
    xor a5, a5, a0
    sd a5, 0(a1)
    addi a1, a1, 8
    bne a1, a2, 1b

    # The stack: paint below, arguments, sentinel up to the guard page.
    ld a6, TOP(s11)
    addi a0, a6, -PAINTED
    ld a1, JUNK + 8 * PAINT(s11)
1:  sd a1, 0(a0)
    addi a0, a0, 8
    bne a0, a6, 1b
    addi s0, s0, RECORD_STACK
    ld a1, H_STACK_WORDS(s11)
1:  beqz a1, 2f
    ld a2, 0(s0)
    sd a2, 0(a0)
    addi s0, s0, 8
    addi a0, a0, 8
    addi a1, a1, -1
    j 1b
2:  ld a1, H_STACK(s11)
    ld a2, H_STACK_BYTES(s11)
    add a1, a1, a2
    addi a2, s11, JUNK + 8 * SENTINEL
3:  ld a3, 0(a2)
    sd a3, 0(a0)
    addi a2, a2, 8
    addi a0, a0, 8
    bne a0, a1, 3b

    # The windows of the regions.
    sd s0, CONTENTS(s11)
    ld s1, H_REGIONS(s11)
1:  beqz s1, 3f
    addi s1, s1, -1
    ld a0, 0(s0)
    ld a1, 8(s0)
    addi s0, s0, 16
    add a1, a1, a0
2:  beq a0, a1, 1b
    ld a2, 0(s0)
    sd a2, 0(a0)
    addi s0, s0, 8
    addi a0, a0, 8
    j 2b
3:  sd s0, INPUT(s11)

    # The registers.
    ld sp, TOP(s11)
    ld t0, RECORD(s11)
    ld a0, RECORD_ARGUMENTS(t0)
    ld a1, RECORD_ARGUMENTS + 8(t0)
    ld a2, RECORD_ARGUMENTS + 16(t0)
    ld a3, RECORD_ARGUMENTS + 24(t0)
    ld a4, RECORD_ARGUMENTS + 32(t0)
    ld a5, RECORD_ARGUMENTS + 40(t0)
    ld a6, RECORD_ARGUMENTS + 48(t0)
    ld a7, RECORD_ARGUMENTS + 56(t0)
    ld ra, H_ENTRY(s11)
    addi t0, s11, JUNK
    ld gp, 0(t0)
    ld tp, 8(t0)
    ld s0, 16(t0)
    ld s1, 24(t0)
    ld s2, 32(t0)
    ld s3, 40(t0)
    ld s4, 48(t0)
    ld s5, 56(t0)
    ld s6, 64(t0)
    ld s7, 72(t0)
    ld s8, 80(t0)
    ld s9, 88(t0)
    ld s10, 96(t0)
    ld s11, 104(t0)
    ld t1, 112(t0)
    ld t2, 120(t0)
    ld t3, 128(t0)
    ld t4, 136(t0)
    ld t5, 144(t0)
    ld t6, 152(t0)
    ld t0, 160(t0)
    jalr ra, 0(ra)
    .globl returned
returned:
    lla t0, state
    sd a0, RESULT(t0)
    sd sp, SP_AFTER(t0)
    addi t1, t0, SAVED
    sd gp, 0(t1)
    sd tp, 8(t1)
    sd s0, 16(t1)
    sd s1, 24(t1)
    sd s2, 32(t1)
    sd s3, 40(t1)
    sd s4, 48(t1)
    sd s5, 56(t1)
    sd s6, 64(t1)
    sd s7, 72(t1)
    sd s8, 80(t1)
    sd s9, 88(t1)
    sd s10, 96(t1)
    sd s11, 104(t1)
    mv s11, t0
    ld sp, HARNESS_SP(s11)

    # s10 collects the status.
    li s10, 0
    li a0, 0
    li a5, 1
    li a6, 14
    addi a1, s11, SAVED
    addi a2, s11, JUNK
1:  ld a3, 0(a1)
    ld a4, 0(a2)
    beq a3, a4, 2f
    sll a3, a5, a0
    or s10, s10, a3
2:  addi a0, a0, 1
    addi a1, a1, 8
    addi a2, a2, 8
    bne a0, a6, 1b
    ld a0, TOP(s11)
    ld a1, SP_AFTER(s11)
    beq a0, a1, 3f
    li a3, 1 << STATUS_SP
    or s10, s10, a3
3:  ld a1, H_STACK_WORDS(s11)
    slli a1, a1, 3
    add a0, a0, a1
    ld a1, H_STACK(s11)
    ld a2, H_STACK_BYTES(s11)
    add a1, a1, a2
    addi a2, s11, JUNK + 8 * SENTINEL
4:  ld a3, 0(a0)
    ld a4, 0(a2)
    beq a3, a4, 5f
    li a3, 1 << STATUS_SENTINEL
    or s10, s10, a3
5:  addi a0, a0, 8
    addi a2, a2, 8
    bne a0, a1, 4b
    ld a0, TOP(s11)
    addi a0, a0, -PAINTED
    li a1, PAINTED
    ld a2, JUNK + 8 * PAINT(s11)
6:  ld a3, 0(a0)
    bne a3, a2, 7f
    addi a0, a0, 8
    addi a1, a1, -8
    bnez a1, 6b
7:  slli a1, a1, 32
    or s10, s10, a1

    # The result, the windows' contents, and the pattern back into the windows.
    ld s9, OUTPUT(s11)                      # the status goes to 8(s9), after the sweep
    ld a0, RESULT(s11)
    sd a0, 0(s9)
    addi a0, s9, 16
    ld s0, CONTENTS(s11)
    ld s1, H_REGIONS(s11)
1:  beqz s1, 3f
    addi s1, s1, -1
    ld a1, 0(s0)
    ld a2, 8(s0)
    addi s0, s0, 16
    add s0, s0, a2
    add a2, a2, a1
2:  beq a1, a2, 1b
    ld a3, 0(a1)
    sd a3, 0(a0)
    addi a1, a1, 8
    addi a0, a0, 8
    j 2b
3:  sd a0, OUTPUT(s11)
    ld s0, CONTENTS(s11)
    ld s1, H_REGIONS(s11)
4:  beqz s1, 5f
    addi s1, s1, -1
    ld a0, 0(s0)
    ld a1, 8(s0)
    addi s0, s0, 16
    add s0, s0, a1
    call fill_pattern
    j 4b
5:  ld a0, H_FLAGS(s11)
    andi a0, a0, FLAG_SWEEP
    beqz a0, 6f
    call sweep
    beqz a0, 6f
    li a3, 1 << STATUS_OUTSIDE
    or s10, s10, a3
6:  sd s10, 8(s9)
    ld a0, DONE(s11)
    addi a0, a0, 1
    sd a0, DONE(s11)
    ld a0, H_FLAGS(s11)
    andi a0, a0, FLAG_FLUSH
    beqz a0, 7f
    call flush
7:  j next_vector

finished:
    call sweep
    sd a0, TRAILER + 48(s11)
    # Falls through: the report of a run that a signal ended starts here.
report:
    lla s11, state
    li a0, 0x3154544e45544e49               # "INTENTT1"
    sd a0, TRAILER(s11)
    ld a0, DONE(s11)
    sd a0, TRAILER + 8(s11)
    # The deepest word of the stack that lost its fill, below what is painted for every vector.
    ld a0, H_STACK(s11)
    ld a1, TOP(s11)
    ld a2, H_FILL(s11)
1:  ld a3, 0(a0)
    bne a3, a2, 2f
    addi a0, a0, 8
    bne a0, a1, 1b
2:  sub a0, a1, a0
    sd a0, TRAILER + 40(s11)
    call flush
    addi a1, s11, TRAILER
    li a2, 64
    call write_all
    li a0, 0
    j exit

    # a0: signal, a1: siginfo, a2: ucontext. On the alternate stack.
on_signal:
    lla t0, state
    li a3, 26
    bne a0, a3, 2f
    ld a3, DONE(t0)
    ld a4, TICKED(t0)
    beq a3, a4, 1f
    sd a3, TICKED(t0)
    sd zero, STALLED(t0)
    ret
1:  ld a3, STALLED(t0)
    addi a3, a3, 1
    sd a3, STALLED(t0)
    li a4, 2
    bgeu a3, a4, 2f
    ret
2:  sd a0, TRAILER + 16(t0)
    ld a3, 16(a1)                           # si_addr
    sd a3, TRAILER + 24(t0)
    ld a3, 176(a2)                          # uc_mcontext.__gregs[0], the pc
    sd a3, TRAILER + 32(t0)
    j report

    # a0: signal.
catch:
    lla a1, action
    li a2, 0
    li a3, 8
    li a7, SYS_RT_SIGACTION
    ecall
    ret

    # a0: the first address in a region that does not hold the pattern, or 0.
sweep:
    addi a1, s11, REGIONS
    ld a2, H_REGIONS(s11)
    ld a3, H_FILL(s11)
    li a4, 0x9e3779b97f4a7c15
1:  beqz a2, 3f
    addi a2, a2, -1
    ld a0, 0(a1)
    ld a5, 8(a1)
    addi a1, a1, 16
    add a5, a5, a0
2:  beq a0, a5, 1b
    mul a6, a0, a4
    xor a6, a6, a3
    ld a7, 0(a0)
    bne a6, a7, 4f
    addi a0, a0, 8
    j 2b
3:  li a0, 0
4:  ret

    # a0: address, a1: bytes, both multiples of 8. Every word depends on where it is.
fill_pattern:
    add a1, a1, a0
    ld a2, H_FILL(s11)
    li a3, 0x9e3779b97f4a7c15
1:  beq a0, a1, 2f
    mul a4, a0, a3
    xor a4, a4, a2
    sd a4, 0(a0)
    addi a0, a0, 8
    j 1b
2:  ret

    # a0: address, a1: bytes. Readable and writable, with an inaccessible page before and after.
map_guarded:
    mv t0, a0
    mv t1, a1
    ld a2, H_PAGE(s11)
    sub a0, a0, a2
    slli a2, a2, 1
    add a1, a1, a2
    mv t2, a0
    li a2, 0                                # PROT_NONE
    li a3, 0x22                             # MAP_PRIVATE | MAP_ANONYMOUS
    li a4, -1
    li a5, 0
    li a7, SYS_MMAP
    ecall
    bne a0, t2, no_memory
    mv a0, t0
    mv a1, t1
    li a2, 3                                # PROT_READ | PROT_WRITE
    li a7, SYS_MPROTECT
    ecall
    bnez a0, no_memory
    ret

    # a1: bytes, may be 0. a0: address.
map_anywhere:
    li a0, 0
    addi a1, a1, 8
    li a2, 3
    li a3, 0x22
    li a4, -1
    li a5, 0
    li a7, SYS_MMAP
    ecall
    li a1, -4096
    bgtu a0, a1, no_memory
    ret

    # a0: address, a1: bytes, from standard input.
read_all:
    mv t0, a0
    mv t1, a1
1:  beqz t1, 2f
    li a0, 0
    mv a1, t0
    mv a2, t1
    li a7, SYS_READ
    ecall
    blez a0, bad_input
    add t0, t0, a0
    sub t1, t1, a0
    j 1b
2:  ret

flush:
    ld a1, FLUSHED(s11)
    ld a2, OUTPUT(s11)
    sd a2, FLUSHED(s11)
    sub a2, a2, a1
    # a1: address, a2: bytes, to standard output.
write_all:
    mv t0, a1
    mv t1, a2
1:  beqz t1, 2f
    li a0, 1
    mv a1, t0
    mv a2, t1
    li a7, SYS_WRITE
    ecall
    blez a0, bad_input
    add t0, t0, a0
    sub t1, t1, a0
    j 1b
2:  ret

bad_input:
    li a0, 100
    j exit
no_memory:
    li a0, 101
exit:
    li a7, SYS_EXIT_GROUP
    ecall
    unimp

    .section .rodata
    .balign 8
action:
    .quad on_signal, 0x08000004, 0          # SA_SIGINFO | SA_ONSTACK
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
