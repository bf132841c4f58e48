/* Runs single instructions on whole machine states, for table_emulators.py. A static ARM64 Linux program.

   Standard input: SLOTS_BYTES of code for `slots`, then records of RECORD_BYTES: offset of a slot, NZCV, registers
   x0 to x30 and sp, 0, vector registers v0 to v31, and 64 bytes of memory, which the instruction finds at `window`.
   Each slot starts with `mrs x0, tpidr_el0` and ends with a jump to `back`, which is SLOTS_OFFSET before the first
   slot, or to `branched`, which is BRANCHED_OFFSET before it. Standard output: a record for each, with 0 in place of
   the offset, and 1 after the general registers when it came to `branched`. */

#define SLOTS_OFFSET 4096
#define BRANCHED_OFFSET 2048
#define SLOTS_BYTES 131072
#define RECORD_BYTES 856
#define EXIT 272
#define VECTORS 280

    .macro address register, symbol
    adrp \register, \symbol
    add \register, \register, :lo12:\symbol
    .endm

    .section .run, "awx", @progbits
    .balign 4096
back:
    msr tpidr_el0, x0                   /* no general register is free before all are saved */
    address x0, record
save:
    stp xzr, x1, [x0, 16]
    mrs x1, nzcv
    stp xzr, x1, [x0]
    mrs x1, tpidr_el0
    str x1, [x0, 16]
    stp x2, x3, [x0, 32]
    stp x4, x5, [x0, 48]
    stp x6, x7, [x0, 64]
    stp x8, x9, [x0, 80]
    stp x10, x11, [x0, 96]
    stp x12, x13, [x0, 112]
    stp x14, x15, [x0, 128]
    stp x16, x17, [x0, 144]
    stp x18, x19, [x0, 160]
    stp x20, x21, [x0, 176]
    stp x22, x23, [x0, 192]
    stp x24, x25, [x0, 208]
    stp x26, x27, [x0, 224]
    stp x28, x29, [x0, 240]
    mov x1, sp
    stp x30, x1, [x0, 256]
    add x1, x0, VECTORS
    st1 {v0.2d - v3.2d}, [x1], 64
    st1 {v4.2d - v7.2d}, [x1], 64
    st1 {v8.2d - v11.2d}, [x1], 64
    st1 {v12.2d - v15.2d}, [x1], 64
    st1 {v16.2d - v19.2d}, [x1], 64
    st1 {v20.2d - v23.2d}, [x1], 64
    st1 {v24.2d - v27.2d}, [x1], 64
    st1 {v28.2d - v31.2d}, [x1], 64
    mov x1, x0
    mov x8, 64                          /* write */
    mov x0, 1
    mov x2, RECORD_BYTES
    svc 0
    cmp x0, RECORD_BYTES
    b.ne failed
next:
    address x1, record
    mov x2, RECORD_BYTES
    bl read_all
    address x0, record
    add x1, x0, VECTORS
    ld1 {v0.2d - v3.2d}, [x1], 64
    ld1 {v4.2d - v7.2d}, [x1], 64
    ld1 {v8.2d - v11.2d}, [x1], 64
    ld1 {v12.2d - v15.2d}, [x1], 64
    ld1 {v16.2d - v19.2d}, [x1], 64
    ld1 {v20.2d - v23.2d}, [x1], 64
    ld1 {v24.2d - v27.2d}, [x1], 64
    ld1 {v28.2d - v31.2d}, [x1], 64
    ldp x30, x1, [x0, 256]
    mov sp, x1
    ldp x1, x2, [x0, 8]
    msr nzcv, x1
    msr tpidr_el0, x2
    ldp x2, x3, [x0, 32]
    ldp x4, x5, [x0, 48]
    ldp x6, x7, [x0, 64]
    ldp x8, x9, [x0, 80]
    ldp x10, x11, [x0, 96]
    ldp x12, x13, [x0, 112]
    ldp x14, x15, [x0, 128]
    ldp x16, x17, [x0, 144]
    ldp x18, x19, [x0, 160]
    ldp x20, x21, [x0, 176]
    ldp x22, x23, [x0, 192]
    ldp x24, x25, [x0, 208]
    ldp x26, x27, [x0, 224]
    ldp x28, x29, [x0, 240]
    ldr x1, [x0, 24]
    ldr x0, [x0]
    br x0                               /* the slot puts x0 right */

    .globl _start
_start:
    address x1, slots
    mov x2, SLOTS_BYTES
    bl read_all
    b next

read_all:                               /* x2 bytes to x1; at the end of the input the program ends */
    mov x8, 63                          /* read */
    mov x0, 0
    svc 0
    cmp x0, 0
    b.lt failed
    b.eq finished
    add x1, x1, x0
    subs x2, x2, x0
    b.ne read_all
    /* The offset of the slot becomes its address; before the first record it is in vain. */
    address x0, record
    ldr x1, [x0]
    address x2, slots
    add x1, x1, x2
    str x1, [x0]
    ret

finished:
    mov x0, 0
    mov x8, 93                          /* exit */
    svc 0
failed:
    mov x0, 1
    mov x8, 93
    svc 0

    .org SLOTS_OFFSET - BRANCHED_OFFSET
branched:
    msr tpidr_el0, x0
    address x0, record
    str x1, [x0, 24]
    mov x1, 1
    str x1, [x0, EXIT]
    ldr x1, [x0, 24]
    b save

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
