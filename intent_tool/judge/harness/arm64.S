// The harness for ARM64 Linux: calls one function on many vectors and reports what each call did.
//
// A static program without libc, run under qemu-aarch64. Its input and output are described in protocol.py, where
// the numbers below have the same names. Rebuilt and compared by tests/judge/build_harness.py.

    // Offsets into `state`. The header is read there as it comes.
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
    .set DONE, 128              // vectors finished
    .set TICKED, 136            // the value of DONE at the last tick of the timer
    .set STALLED, 144           // ticks since DONE changed
    .set INPUT, 152             // the next vector
    .set OUTPUT, 160            // where the next result goes
    .set FLUSHED, 168           // what is before this has been written out
    .set TOP, 176               // the stack pointer at the call: the lowest stack argument
    .set HARNESS_SP, 184
    .set RECORD, 192            // the vector in work
    .set CONTENTS, 200          // its windows
    .set RESULT, 208
    .set SP_AFTER, 216
    .set TRAILER, 224           // 8 words
    .set SAVED, 288             // x18 x19 … x29 after the call
    .set JUNK, 400              // 48 words, new ones for every vector
    .set REGIONS, 784           // 32 pairs
    .set STATE_BYTES, 1296

    .set ARGUMENTS, 8
    .set RECORD_ARGUMENTS, 8
    .set RECORD_STACK, 8 + 8 * ARGUMENTS
    .set JUNK_WORDS, 48
    .set SENTINEL, 24           // index into JUNK
    .set PAINT, 47              // index into JUNK
    .set PAINTED, 512           // bytes of the function's frame that are painted anew for every vector
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

    .macro constant reg, value
    movz \reg, #((\value) & 0xffff)
    movk \reg, #(((\value) >> 16) & 0xffff), lsl #16
    movk \reg, #(((\value) >> 32) & 0xffff), lsl #32
    movk \reg, #(((\value) >> 48) & 0xffff), lsl #48
    .endm
    .macro address reg, symbol
    adrp \reg, \symbol
    add \reg, \reg, :lo12:\symbol
    .endm

    // x28 is &state wherever the harness itself runs.
    .text
    .globl _start
_start:
    address x28, state
    mov x0, x28
    mov x1, #HEADER_BYTES
    bl read_all
    constant x0, 0x3148544e45544e49         // "INTENTH1"
    ldr x1, [x28, #H_MAGIC]
    cmp x0, x1
    b.ne bad_input
    ldr x1, [x28, #H_REGIONS]
    cmp x1, #32
    b.hi bad_input
    lsl x1, x1, #4
    add x0, x28, #REGIONS
    bl read_all

    ldp x0, x1, [x28, #H_IMAGE]
    bl map_guarded
    ldp x0, x1, [x28, #H_IMAGE]
    bl read_all
    ldp x0, x1, [x28, #H_IMAGE]
    bl synchronize
    ldp x0, x1, [x28, #H_IMAGE]
    mov x2, #5                              // PROT_READ | PROT_EXEC
    mov x8, #SYS_MPROTECT
    svc #0
    cbnz x0, no_memory

    ldp x0, x1, [x28, #H_STACK]
    bl map_guarded
    ldp x0, x1, [x28, #H_STACK]
    ldr x2, [x28, #H_FILL]
    add x1, x1, x0
1:  str x2, [x0], #8
    cmp x0, x1
    b.ne 1b
    ldr x1, [x28, #H_STACK_WORDS]
    lsl x1, x1, #3
    add x1, x1, #15
    and x1, x1, #-16
    sub x0, x0, #SENTINEL_BYTES
    sub x0, x0, x1
    str x0, [x28, #TOP]

    add x20, x28, #REGIONS
    ldr x21, [x28, #H_REGIONS]
map_region:
    cbz x21, map_buffers
    sub x21, x21, #1
    ldp x0, x1, [x20]
    bl map_guarded
    ldp x0, x1, [x20], #16
    bl fill_pattern
    b map_region

map_buffers:
    ldr x1, [x28, #H_INPUT_BYTES]
    bl map_anywhere
    str x0, [x28, #INPUT]
    ldr x1, [x28, #H_INPUT_BYTES]
    bl read_all
    ldr x1, [x28, #H_OUTPUT_BYTES]
    bl map_anywhere
    str x0, [x28, #OUTPUT]
    str x0, [x28, #FLUSHED]

    mov x0, #11                             // SIGSEGV
    bl catch
    mov x0, #7                              // SIGBUS
    bl catch
    mov x0, #4                              // SIGILL
    bl catch
    mov x0, #8                              // SIGFPE
    bl catch
    mov x0, #5                              // SIGTRAP
    bl catch
    mov x0, #26                             // SIGVTALRM
    bl catch
    address x0, alternate_stack
    mov x1, #0
    mov x8, #SYS_SIGALTSTACK
    svc #0
    ldr x2, [x28, #H_TICK]
    stp xzr, x2, [sp, #-32]!
    stp xzr, x2, [sp, #16]
    mov x0, #1                              // ITIMER_VIRTUAL
    mov x1, sp
    mov x2, #0
    mov x8, #SYS_SETITIMER
    svc #0
    add sp, sp, #32
    mov x0, sp
    str x0, [x28, #HARNESS_SP]

next_vector:
    ldr x0, [x28, #DONE]
    ldr x1, [x28, #H_VECTORS]
    cmp x0, x1
    b.eq finished
    ldr x20, [x28, #INPUT]
    str x20, [x28, #RECORD]

    // Junk: a linear congruential generator, its high bits folded onto the low ones.
    ldr x0, [x20]
    add x1, x28, #JUNK
    mov x2, #JUNK_WORDS
    constant x3, 6364136223846793005
    constant x4, 1442695040888963407
1:  madd x0, x0, x3, x4
    eor x5, x0, x0, lsr #29
    str x5, [x1], #8
    subs x2, x2, #1
    b.ne 1b

    // The stack: paint below, arguments, sentinel up to the guard page.
    ldr x6, [x28, #TOP]
    sub x0, x6, #PAINTED
    ldr x1, [x28, #JUNK + 8 * PAINT]
1:  stp x1, x1, [x0], #16
    cmp x0, x6
    b.ne 1b
    add x20, x20, #RECORD_STACK
    ldr x1, [x28, #H_STACK_WORDS]
1:  cbz x1, 2f
    ldr x2, [x20], #8
    str x2, [x0], #8
    sub x1, x1, #1
    b 1b
2:  ldp x1, x2, [x28, #H_STACK]
    add x1, x1, x2
    add x2, x28, #JUNK + 8 * SENTINEL
3:  ldr x3, [x2], #8
    str x3, [x0], #8
    cmp x0, x1
    b.ne 3b

    // The windows of the regions.
    str x20, [x28, #CONTENTS]
    ldr x21, [x28, #H_REGIONS]
1:  cbz x21, 3f
    sub x21, x21, #1
    ldp x0, x1, [x20], #16
    add x1, x1, x0
2:  cmp x0, x1
    b.eq 1b
    ldr x2, [x20], #8
    str x2, [x0], #8
    b 2b
3:  str x20, [x28, #INPUT]

    // The registers. v8 to v15 are the caller's and no function that the judge admits names them.
    add x9, x28, #JUNK
    ldp q0, q1, [x9]
    ldp q2, q3, [x9, #32]
    ldp q4, q5, [x9, #64]
    ldp q6, q7, [x9, #96]
    ldp q16, q17, [x9, #128]
    ldp q18, q19, [x9, #160]
    ldp q20, q21, [x9, #192]
    ldp q22, q23, [x9, #224]
    ldp q24, q25, [x9, #256]
    ldp q26, q27, [x9, #288]
    ldp q28, q29, [x9, #320]
    ldp q30, q31, [x9, #352]
    ldr x10, [x28, #RECORD]
    ldp x0, x1, [x10, #RECORD_ARGUMENTS]
    ldp x2, x3, [x10, #RECORD_ARGUMENTS + 16]
    ldp x4, x5, [x10, #RECORD_ARGUMENTS + 32]
    ldp x6, x7, [x10, #RECORD_ARGUMENTS + 48]
    ldr x10, [x28, #TOP]
    mov sp, x10
    ldr x11, [x28, #H_ENTRY]
    mov x30, x11
    ldr x11, [x9, #8 * 22]
    msr nzcv, x11
    ldp x18, x19, [x9]
    ldp x20, x21, [x9, #16]
    ldp x22, x23, [x9, #32]
    ldp x24, x25, [x9, #48]
    ldp x26, x27, [x9, #64]
    ldp x28, x29, [x9, #80]
    ldp x8, x10, [x9, #96]
    ldp x11, x12, [x9, #112]
    ldp x13, x14, [x9, #128]
    ldp x15, x16, [x9, #144]
    ldr x17, [x9, #160]
    ldr x9, [x9, #168]
    blr x30
    .globl returned
returned:
    address x9, state
    str x0, [x9, #RESULT]
    mov x0, sp
    str x0, [x9, #SP_AFTER]
    add x10, x9, #SAVED
    stp x18, x19, [x10]
    stp x20, x21, [x10, #16]
    stp x22, x23, [x10, #32]
    stp x24, x25, [x10, #48]
    stp x26, x27, [x10, #64]
    stp x28, x29, [x10, #80]
    mov x28, x9
    ldr x0, [x28, #HARNESS_SP]
    mov sp, x0

    // x27 collects the status.
    mov x27, #0
    mov x0, #0
    mov x5, #1
    add x1, x28, #SAVED
    add x2, x28, #JUNK
1:  ldr x3, [x1, x0, lsl #3]
    ldr x4, [x2, x0, lsl #3]
    lsl x6, x5, x0
    cmp x3, x4
    csel x6, xzr, x6, eq
    orr x27, x27, x6
    add x0, x0, #1
    cmp x0, #12
    b.ne 1b
    ldr x0, [x28, #TOP]
    ldr x1, [x28, #SP_AFTER]
    cmp x0, x1
    b.eq 2f
    orr x27, x27, #1 << STATUS_SP
2:  ldr x1, [x28, #H_STACK_WORDS]
    add x0, x0, x1, lsl #3
    ldp x1, x2, [x28, #H_STACK]
    add x1, x1, x2
    add x2, x28, #JUNK + 8 * SENTINEL
3:  ldr x3, [x0], #8
    ldr x4, [x2], #8
    cmp x3, x4
    b.eq 4f
    orr x27, x27, #1 << STATUS_SENTINEL
4:  cmp x0, x1
    b.ne 3b
    ldr x0, [x28, #TOP]
    mov x1, #PAINTED
    sub x0, x0, x1
    ldr x2, [x28, #JUNK + 8 * PAINT]
5:  ldr x3, [x0], #8
    cmp x3, x2
    b.ne 6f
    subs x1, x1, #8
    b.ne 5b
6:  orr x27, x27, x1, lsl #32

    // The result, the windows' contents, and the pattern back into the windows.
    ldr x26, [x28, #OUTPUT]                 // the status goes to [x26 + 8], after the sweep
    ldr x0, [x28, #RESULT]
    str x0, [x26]
    add x0, x26, #16
    ldr x20, [x28, #CONTENTS]
    ldr x21, [x28, #H_REGIONS]
1:  cbz x21, 3f
    sub x21, x21, #1
    ldp x1, x2, [x20], #16
    add x20, x20, x2
    add x2, x2, x1
2:  cmp x1, x2
    b.eq 1b
    ldr x3, [x1], #8
    str x3, [x0], #8
    b 2b
3:  str x0, [x28, #OUTPUT]
    ldr x20, [x28, #CONTENTS]
    ldr x21, [x28, #H_REGIONS]
4:  cbz x21, 5f
    sub x21, x21, #1
    ldp x0, x1, [x20], #16
    add x20, x20, x1
    bl fill_pattern
    b 4b
5:  ldr x0, [x28, #H_FLAGS]
    tbz x0, #1, 6f                          // FLAG_SWEEP
    bl sweep
    cbz x0, 6f
    orr x27, x27, #1 << STATUS_OUTSIDE
6:  str x27, [x26, #8]
    ldr x0, [x28, #DONE]
    add x0, x0, #1
    str x0, [x28, #DONE]
    ldr x0, [x28, #H_FLAGS]
    tbz x0, #0, next_vector                 // FLAG_FLUSH
    bl flush
    b next_vector

finished:
    bl sweep
    str x0, [x28, #TRAILER + 48]
    // Falls through: the report of a run that a signal ended starts here.
report:
    address x28, state
    constant x0, 0x3154544e45544e49         // "INTENTT1"
    str x0, [x28, #TRAILER]
    ldr x0, [x28, #DONE]
    str x0, [x28, #TRAILER + 8]
    // The deepest word of the stack that lost its fill, below what is painted for every vector.
    ldr x0, [x28, #H_STACK]
    ldr x1, [x28, #TOP]
    ldr x2, [x28, #H_FILL]
1:  ldr x3, [x0]
    cmp x3, x2
    b.ne 2f
    add x0, x0, #8
    cmp x0, x1
    b.ne 1b
2:  sub x0, x1, x0
    str x0, [x28, #TRAILER + 40]
    bl flush
    add x1, x28, #TRAILER
    mov x2, #64
    bl write_all
    mov x0, #0
    b exit

    // x0: signal, x1: siginfo, x2: ucontext. On the alternate stack.
on_signal:
    address x9, state
    cmp x0, #26
    b.ne 2f
    ldr x3, [x9, #DONE]
    ldr x4, [x9, #TICKED]
    cmp x3, x4
    b.eq 1f
    str x3, [x9, #TICKED]
    str xzr, [x9, #STALLED]
    ret
1:  ldr x3, [x9, #STALLED]
    add x3, x3, #1
    str x3, [x9, #STALLED]
    cmp x3, #2
    b.hs 2f
    ret
2:  str x0, [x9, #TRAILER + 16]
    ldr x3, [x1, #16]                       // si_addr
    str x3, [x9, #TRAILER + 24]
    ldr x3, [x2, #440]                      // uc_mcontext.pc
    str x3, [x9, #TRAILER + 32]
    b report

    // x0: signal.
catch:
    address x1, action
    mov x2, #0
    mov x3, #8
    mov x8, #SYS_RT_SIGACTION
    svc #0
    ret

    // x0: address, x1: bytes. Makes what was written there visible to instruction fetch (ARM ARM, B2.7.4).
synchronize:
    mrs x2, ctr_el0
    mov x3, #4
    ubfx x4, x2, #16, #4                    // DminLine, log2 of words
    lsl x4, x3, x4
    and x5, x2, #15                         // IminLine
    lsl x5, x3, x5
    add x1, x1, x0
    mov x6, x0
1:  dc cvau, x6
    add x6, x6, x4
    cmp x6, x1
    b.lo 1b
    dsb ish
2:  ic ivau, x0
    add x0, x0, x5
    cmp x0, x1
    b.lo 2b
    dsb ish
    isb
    ret

    // x0: the first address in a region that does not hold the pattern, or 0.
sweep:
    add x1, x28, #REGIONS
    ldr x2, [x28, #H_REGIONS]
    ldr x3, [x28, #H_FILL]
    constant x4, 0x9e3779b97f4a7c15
1:  cbz x2, 3f
    sub x2, x2, #1
    ldp x0, x5, [x1], #16
    add x5, x5, x0
2:  cmp x0, x5
    b.eq 1b
    mul x6, x0, x4
    eor x6, x6, x3
    ldr x7, [x0]
    cmp x6, x7
    b.ne 4f
    add x0, x0, #8
    b 2b
3:  mov x0, #0
4:  ret

    // x0: address, x1: bytes, both multiples of 8. Every word depends on where it is.
fill_pattern:
    add x1, x1, x0
    ldr x2, [x28, #H_FILL]
    constant x3, 0x9e3779b97f4a7c15
1:  cmp x0, x1
    b.eq 2f
    mul x4, x0, x3
    eor x4, x4, x2
    str x4, [x0], #8
    b 1b
2:  ret

    // x0: address, x1: bytes. Readable and writable, with an inaccessible page before and after.
map_guarded:
    mov x10, x0
    mov x11, x1
    ldr x2, [x28, #H_PAGE]
    sub x0, x0, x2
    add x1, x1, x2, lsl #1
    mov x12, x0
    mov x2, #0                              // PROT_NONE
    mov x3, #0x22                           // MAP_PRIVATE | MAP_ANONYMOUS
    mov x4, #-1
    mov x5, #0
    mov x8, #SYS_MMAP
    svc #0
    cmp x0, x12
    b.ne no_memory
    mov x0, x10
    mov x1, x11
    mov x2, #3                              // PROT_READ | PROT_WRITE
    mov x8, #SYS_MPROTECT
    svc #0
    cbnz x0, no_memory
    ret

    // x1: bytes, may be 0. x0: address.
map_anywhere:
    mov x0, #0
    add x1, x1, #8
    mov x2, #3
    mov x3, #0x22
    mov x4, #-1
    mov x5, #0
    mov x8, #SYS_MMAP
    svc #0
    cmn x0, #4095
    b.hs no_memory
    ret

    // x0: address, x1: bytes, from standard input.
read_all:
    mov x10, x0
    mov x11, x1
1:  cbz x11, 2f
    mov x0, #0
    mov x1, x10
    mov x2, x11
    mov x8, #SYS_READ
    svc #0
    cmp x0, #0
    b.le bad_input
    add x10, x10, x0
    sub x11, x11, x0
    b 1b
2:  ret

flush:
    ldr x1, [x28, #FLUSHED]
    ldr x2, [x28, #OUTPUT]
    str x2, [x28, #FLUSHED]
    sub x2, x2, x1
    // x1: address, x2: bytes, to standard output.
write_all:
    mov x10, x1
    mov x11, x2
1:  cbz x11, 2f
    mov x0, #1
    mov x1, x10
    mov x2, x11
    mov x8, #SYS_WRITE
    svc #0
    cmp x0, #0
    b.le bad_input
    add x10, x10, x0
    sub x11, x11, x0
    b 1b
2:  ret

bad_input:
    mov x0, #100
    b exit
no_memory:
    mov x0, #101
exit:
    mov x8, #SYS_EXIT_GROUP
    svc #0
    udf #0

    .section .rodata
    .balign 8
action:
    .quad on_signal, 0x08000004, 0, 0       // SA_SIGINFO | SA_ONSTACK
alternate_stack:
    .quad signal_stack, 0, 65536

    .bss
    .balign 16
state:
    .skip STATE_BYTES
    .balign 16
signal_stack:
    .skip 65536

    .section .note.GNU-stack, "", %progbits
