/* Runs single instructions on whole machine states, for table_emulators.py. A static RISC-V Linux program.

   Standard input: SLOTS_BYTES of code for `slots`, then records of RECORD_BYTES: offset of a slot, 0, registers
   x1 to x31, 0, and 64 bytes of memory, which the instruction finds at `window`. Each slot starts with
   `fmv.x.d t0, ft0` and ends with a jump to `back`, which is SLOTS_OFFSET before the first slot, or to `branched`, which
   is BRANCHED_OFFSET before it. Standard output: a record for each, with 0 in place of the offset, and 1 after the
   registers when it came to `branched`. */

#define SLOTS_OFFSET 4096
#define BRANCHED_OFFSET 2048
#define SLOTS_BYTES 131072
#define RECORD_BYTES 336
    .option norvc
    .option norelax

    .section .run, "awx", @progbits
    .balign 4096
back:
    fmv.d.x ft0, t0                     /* no general register is free before all are saved */
    lla t0, record
save:
    sd zero, 0(t0)
    sd ra, 16(t0)
    sd sp, 24(t0)
    sd gp, 32(t0)
    sd tp, 40(t0)
    sd t1, 56(t0)
    sd t2, 64(t0)
    sd s0, 72(t0)
    sd s1, 80(t0)
    sd a0, 88(t0)
    sd a1, 96(t0)
    sd a2, 104(t0)
    sd a3, 112(t0)
    sd a4, 120(t0)
    sd a5, 128(t0)
    sd a6, 136(t0)
    sd a7, 144(t0)
    sd s2, 152(t0)
    sd s3, 160(t0)
    sd s4, 168(t0)
    sd s5, 176(t0)
    sd s6, 184(t0)
    sd s7, 192(t0)
    sd s8, 200(t0)
    sd s9, 208(t0)
    sd s10, 216(t0)
    sd s11, 224(t0)
    sd t3, 232(t0)
    sd t4, 240(t0)
    sd t5, 248(t0)
    sd t6, 256(t0)
    fmv.x.d t1, ft0
    sd t1, 48(t0)
    li a7, 64                           /* write */
    li a0, 1
    mv a1, t0
    li a2, RECORD_BYTES
    ecall
    li a2, RECORD_BYTES
    bne a0, a2, failed
next:
    lla a1, record
    li a2, RECORD_BYTES
    jal read_all
    lla t0, record
    ld t1, 48(t0)
    fmv.d.x ft0, t1
    ld ra, 16(t0)
    ld sp, 24(t0)
    ld gp, 32(t0)
    ld tp, 40(t0)
    ld t1, 56(t0)
    ld t2, 64(t0)
    ld s0, 72(t0)
    ld s1, 80(t0)
    ld a0, 88(t0)
    ld a1, 96(t0)
    ld a2, 104(t0)
    ld a3, 112(t0)
    ld a4, 120(t0)
    ld a5, 128(t0)
    ld a6, 136(t0)
    ld a7, 144(t0)
    ld s2, 152(t0)
    ld s3, 160(t0)
    ld s4, 168(t0)
    ld s5, 176(t0)
    ld s6, 184(t0)
    ld s7, 192(t0)
    ld s8, 200(t0)
    ld s9, 208(t0)
    ld s10, 216(t0)
    ld s11, 224(t0)
    ld t3, 232(t0)
    ld t4, 240(t0)
    ld t5, 248(t0)
    ld t6, 256(t0)
    ld t0, 0(t0)
    jr t0                               /* the slot puts t0 right */

    .globl _start
_start:
    lla a1, slots
    li a2, SLOTS_BYTES
    jal read_all
    fence.i
    j next

read_all:                               /* a2 bytes to a1; at the end of the input the program ends */
    li a7, 63                           /* read */
    li a0, 0
    ecall
    bltz a0, failed
    beqz a0, finished
    add a1, a1, a0
    sub a2, a2, a0
    bnez a2, read_all
    /* The offset of the slot becomes its address; before the first record it is in vain. */
    lla t0, record
    ld t1, 0(t0)
    lla t2, slots
    add t1, t1, t2
    sd t1, 0(t0)
    ret

finished:
    li a0, 0
    li a7, 93                           /* exit */
    ecall
failed:
    li a0, 1
    li a7, 93
    ecall

    .org SLOTS_OFFSET - BRANCHED_OFFSET
branched:
    fmv.d.x ft0, t0
    li t0, 1
    fmv.d.x ft1, t0
    lla t0, record
    fsd ft1, 264(t0)
    j save

    .org SLOTS_OFFSET
    .globl slots, window
slots:
    .skip SLOTS_BYTES
    .balign 64
    .skip 48                            /* so that `window` is a multiple of 64 */
record:
    .skip RECORD_BYTES - 64
window:
    .skip 64
    .skip 256
