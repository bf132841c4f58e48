/* Standard input and output for the programs here: buffers over Linux's system calls and nothing else or, with LIBC
 * defined, stdio. A read or write that a signal interrupts is done again; one that fails ends the program with
 * status 1. */
#ifndef NOLIBC_H
#define NOLIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNUSED __attribute__((unused))

typedef unsigned char byte;

enum { BLOCK = 65536 };

#ifdef LIBC

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static inline void write_all(const byte *from, size_t size) {
    if (fwrite(from, 1, size, stdout) != size)
        exit(1);
}

/* Fewer than `size` at the end alone. */
static inline size_t fill(byte *to, size_t size) {
    size_t n = fread(to, 1, size, stdin);
    if (n < size && ferror(stdin))
        exit(1);
    return n;
}

static inline size_t read_some(byte *to, size_t size) {
    return fill(to, size);
}

/* The next byte, or -1 at the end. */
static inline int get(void) {
    int c = getchar_unlocked();
    if (c == EOF && ferror(stdin))
        exit(1);
    return c;
}

static inline void put(byte c) {
    if (putchar_unlocked(c) == EOF)
        exit(1);
}

static inline void put_bytes(const byte *from, size_t size) {
    write_all(from, size);
}

static inline void put_string(const char *s) {
    if (fputs(s, stdout) == EOF)
        exit(1);
}

static inline void put_decimal(uint64_t n, int width) {
    if (printf("%*" PRIu64, width, n) < 0)
        exit(1);
}

static inline void put_hex(uint32_t n) {
    if (printf("%08" PRIx32, n) < 0)
        exit(1);
}

/* What `main` returns. */
static inline int finish(void) {
    return fflush(stdout) != 0;
}

static inline int complain(const char *message, int status) {
    fputs(message, stderr);
    return status;
}

/* The buffer with another size, perhaps moved. */
static inline byte *resize(byte *buffer, size_t old, size_t size) {
    (void)old;
    buffer = realloc(buffer, size);
    if (buffer == NULL)
        exit(1);
    return buffer;
}

#else

enum { EINTR = 4 };

#if defined __x86_64__

enum { READ = 0, WRITE = 1, MMAP = 9, MREMAP = 25, EXIT = 60 };

__asm__(".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov (%rsp), %rdi\n"
        "    lea 8(%rsp), %rsi\n"
        "    call main\n"
        "    mov %eax, %edi\n"
        "    mov $60, %eax\n"
        "    syscall\n");

UNUSED static long call3(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

UNUSED static long call6(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#else

/* As include/uapi/asm-generic/unistd.h has them. */
enum { READ = 63, WRITE = 64, EXIT = 93, MREMAP = 216, MMAP = 222 };

#if defined __aarch64__

__asm__(".globl _start\n"
        "_start:\n"
        "    ldr x0, [sp]\n"
        "    add x1, sp, #8\n"
        "    bl main\n"
        "    mov x8, #93\n"
        "    svc #0\n");
#define ARGUMENT(k) __asm__("x" #k)
#define NUMBER __asm__("x8")
#define TRAP "svc #0"

#elif defined __riscv

__asm__(".globl _start\n"
        "_start:\n"
        "    ld a0, 0(sp)\n"
        "    addi a1, sp, 8\n"
        "    call main\n"
        "    li a7, 93\n"
        "    ecall\n");
#define ARGUMENT(k) __asm__("a" #k)
#define NUMBER __asm__("a7")
#define TRAP "ecall"

#endif

UNUSED static long call3(long number, long a, long b, long c) {
    register long n NUMBER = number, r0 ARGUMENT(0) = a, r1 ARGUMENT(1) = b, r2 ARGUMENT(2) = c;
    __asm__ volatile(TRAP : "+r"(r0) : "r"(n), "r"(r1), "r"(r2) : "memory");
    return r0;
}

UNUSED static long call6(long number, long a, long b, long c, long d, long e, long f) {
    register long n NUMBER = number, r0 ARGUMENT(0) = a, r1 ARGUMENT(1) = b, r2 ARGUMENT(2) = c;
    register long r3 ARGUMENT(3) = d, r4 ARGUMENT(4) = e, r5 ARGUMENT(5) = f;
    __asm__ volatile(TRAP : "+r"(r0) : "r"(n), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
    return r0;
}

#endif

UNUSED static _Noreturn void leave(int status) {
    for (;;)
        call3(EXIT, status, 0, 0);
}

UNUSED static void write_to(int file, const byte *from, size_t size) {
    while (size > 0) {
        long n = call3(WRITE, file, (long)from, (long)size);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            leave(1);
        from += n;
        size -= (size_t)n;
    }
}

UNUSED static void write_all(const byte *from, size_t size) {
    write_to(1, from, size);
}

/* What there is, at most `size`; 0 at the end alone. */
UNUSED static size_t read_some(byte *to, size_t size) {
    long n;
    do
        n = call3(READ, 0, (long)to, (long)size);
    while (n == -EINTR);
    if (n < 0)
        leave(1);
    return (size_t)n;
}

/* Fewer than `size` at the end alone. */
UNUSED static size_t fill(byte *to, size_t size) {
    size_t n = 0, more;
    while (n < size && (more = read_some(to + n, size - n)) != 0)
        n += more;
    return n;
}

static byte input[BLOCK], output[BLOCK];
static size_t input_at, input_end, output_end;

/* The next byte, or -1 at the end. */
UNUSED static int get(void) {
    if (input_at == input_end) {
        input_at = 0;
        input_end = read_some(input, BLOCK);
        if (input_end == 0)
            return -1;
    }
    return input[input_at++];
}

UNUSED static void flush(void) {
    write_all(output, output_end);
    output_end = 0;
}

UNUSED static void put(byte c) {
    if (output_end == BLOCK)
        flush();
    output[output_end++] = c;
}

UNUSED static void put_bytes(const byte *from, size_t size) {
    while (size-- > 0)
        put(*from++);
}

UNUSED static void put_string(const char *s) {
    while (*s != 0)
        put((byte)*s++);
}

UNUSED static void put_decimal(uint64_t n, int width) {
    byte digits[20];
    int count = 0;
    do {
        digits[count++] = (byte)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    for (; width > count; width--)
        put(' ');
    while (count > 0)
        put(digits[--count]);
}

UNUSED static void put_hex(uint32_t n) {
    for (int shift = 28; shift >= 0; shift -= 4)
        put((byte)"0123456789abcdef"[n >> shift & 15]);
}

/* What `main` returns. */
UNUSED static int finish(void) {
    flush();
    return 0;
}

UNUSED static int complain(const char *message, int status) {
    size_t n = 0;
    while (message[n] != 0)
        n++;
    write_to(2, (const byte *)message, n);
    return status;
}

enum { READ_AND_WRITE = 3, PRIVATE_ANONYMOUS = 0x22, MAY_MOVE = 1 };

/* The buffer, NULL at first, with another size, perhaps moved. */
UNUSED static byte *resize(byte *buffer, size_t old, size_t size) {
    long at = buffer == NULL ? call6(MMAP, 0, (long)size, READ_AND_WRITE, PRIVATE_ANONYMOUS, -1, 0)
                             : call6(MREMAP, (long)buffer, (long)old, (long)size, MAY_MOVE, 0, 0);
    if (at < 0)
        leave(1);
    return (byte *)at;
}

#endif

/* Whether the text is a decimal number of 1 to `most` digits, and which. */
UNUSED static bool number(const char *text, int most, int64_t *value) {
    int digits = 0;
    *value = 0;
    for (; *text >= '0' && *text <= '9'; text++, digits++) {
        if (digits == most)
            return false;
        *value = *value * 10 + (*text - '0');
    }
    return digits > 0 && *text == 0;
}

#endif
