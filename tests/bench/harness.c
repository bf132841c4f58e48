/* Calls implementations of the same functions with given arguments: to compare what they do, to time them, or to have
   their instructions counted by an emulator. Jobs come on standard input, an answer goes to standard output as a
   line; `kernel_runs.py` writes the one, reads the other, and generates the table of implementations.

   All arguments are integers and pointers, which every ABI at hand passes alike in registers of 64 bits. */

#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "table.h"

enum { COMPARE, TIME, COUNT };
enum { MARK = 4660 }; /* No system call: the emulator's plugin looks for it. */
enum { MAXIMUM = 6, GUARD = 64, AREA = 2 << 20, PAGE = 65536, STAGGER = 1088, SLOTS = 16, LINE = 64 };

struct job {
    uint32_t mode, kernel, arguments, result_bits, rounds, padding;
    uint64_t nanoseconds; /* What a round should take. */
};

struct argument {
    uint64_t value; /* The size in bytes of a buffer. */
    uint64_t is_buffer;
};

static struct argument arguments[MAXIMUM];
static uint8_t *area[MAXIMUM];     /* With a page behind it that must not be touched. */
static uint8_t *content[MAXIMUM];  /* What the buffers hold before a call, as the job says. */
static uint8_t *expected[MAXIMUM]; /* What the first implementation left, guard included. */
static uint64_t values[SLOTS][MAXIMUM]; /* What is passed. */
static uint64_t slots;                  /* How many are in use. */

static void fail(const char *why)
{
    fprintf(stderr, "harness: %s\n", why);
    exit(1);
}

static void get(void *into, size_t size)
{
    if (fread(into, 1, size, stdin) != size)
        fail("the input ends in the middle of a job");
}

static uint64_t call(function *f)
{
    function *volatile hidden = f;
    const uint64_t *v = values[0];
    return hidden(v[0], v[1], v[2], v[3], v[4], v[5]);
}

/* Buffers that end where memory does, so that what is read beyond them faults. */
static void place_at_end(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i].is_buffer) {
            uint8_t *start = area[i] + AREA - arguments[i].value;
            memset(start - GUARD, 0xA5, GUARD);
            memcpy(start, content[i], arguments[i].value);
            values[0][i] = (uintptr_t)start;
        } else {
            values[0][i] = arguments[i].value;
        }
    }
}

/* Buffers on cache lines, but not at the same places of their pages. Of short ones there are several, so that a call
   does not wait for what the call before it stored. */
static void place_aligned(uint32_t count)
{
    uint64_t longest = 1;
    for (uint32_t i = 0; i < count; i++)
        if (arguments[i].is_buffer && arguments[i].value > longest)
            longest = arguments[i].value;
    for (slots = SLOTS; slots > 1 && slots * longest > 4096; slots /= 2)
        ;
    for (uint64_t slot = 0; slot < slots; slot++)
        for (uint32_t i = 0; i < count; i++) {
            uint64_t value = arguments[i].value;
            if (arguments[i].is_buffer) {
                uint8_t *start = area[i] + STAGGER * i + slot * ((value + LINE - 1) / LINE * LINE);
                memcpy(start, content[i], value);
                values[slot][i] = (uintptr_t)start;
            } else {
                values[slot][i] = value;
            }
        }
}

static void compare(const struct job *job)
{
    uint64_t first = 0, mask = job->result_bits ? ~0ULL >> (64 - job->result_bits) : 0;
    for (int k = 0; k < IMPLEMENTATIONS; k++) {
        if (!table[job->kernel].function[k])
            continue;
        place_at_end(job->arguments);
        uint64_t result = call(table[job->kernel].function[k]) & mask;
        if (k == 0)
            first = result;
        if (result != first) {
            printf("implementation %d: %" PRIu64 " and not %" PRIu64 "\n", k, result, first);
            return;
        }
        for (uint32_t i = 0; i < job->arguments; i++) {
            size_t size = arguments[i].value + GUARD;
            if (!arguments[i].is_buffer)
                continue;
            if (k == 0)
                memcpy(expected[i], area[i] + AREA - size, size);
            else if (memcmp(expected[i], area[i] + AREA - size, size) != 0) {
                printf("implementation %d: other contents of argument %" PRIu32 "\n", k, i);
                return;
            }
        }
    }
    puts("same");
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t calls(function *f, uint64_t count)
{
    function *volatile hidden = f;
    uint64_t start = now();
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t *v = values[i & (slots - 1)];
        hidden(v[0], v[1], v[2], v[3], v[4], v[5]);
    }
    return now() - start;
}

/* Nanoseconds of a call: for each implementation a number for each round, which are in turns. */
static void measure(const struct job *job)
{
    static double found[IMPLEMENTATIONS][1000];
    uint64_t count[IMPLEMENTATIONS];
    if (job->rounds > 1000)
        fail("more than 1000 rounds");
    place_aligned(job->arguments);
    for (int k = 0; k < IMPLEMENTATIONS; k++) {
        function *f = table[job->kernel].function[k];
        uint64_t taken = 0;
        count[k] = 1;
        while (f && (taken = calls(f, count[k])) < job->nanoseconds / 4)
            count[k] *= 2;
        if (f)
            count[k] = (uint64_t)((double)count[k] * (double)job->nanoseconds / (double)taken) + 1;
    }
    for (uint32_t round = 0; round < job->rounds; round++)
        for (int turn = 0; turn < IMPLEMENTATIONS; turn++) {
            int k = (int)(((uint32_t)turn + round) % IMPLEMENTATIONS);
            if (table[job->kernel].function[k])
                found[k][round] = (double)calls(table[job->kernel].function[k], count[k]) / (double)count[k];
        }
    for (int k = 0; k < IMPLEMENTATIONS; k++)
        for (uint32_t round = 0; round < job->rounds; round++)
            printf("%.3f ", table[job->kernel].function[k] ? found[k][round] : 0.0);
    puts("");
}

/* The plugin writes down how many instructions there were at each mark. */
static void count(const struct job *job)
{
    for (int k = 0; k < IMPLEMENTATIONS; k++) {
        if (!table[job->kernel].function[k])
            continue;
        place_aligned(job->arguments);
        syscall(MARK);
        call(table[job->kernel].function[k]);
        syscall(MARK);
    }
    puts("counted");
}

int main(void)
{
    for (int i = 0; i < MAXIMUM; i++) {
        area[i] = mmap(NULL, AREA + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        content[i] = malloc(AREA);
        expected[i] = malloc(AREA + GUARD);
        if (area[i] == MAP_FAILED || mprotect(area[i] + AREA, PAGE, PROT_NONE) != 0 || !content[i] || !expected[i])
            fail("no memory");
    }
    struct job job;
    while (fread(&job, 1, sizeof job, stdin) == sizeof job) {
        if (job.kernel >= KERNELS || job.arguments > MAXIMUM)
            fail("no such job");
        get(arguments, job.arguments * sizeof *arguments);
        for (uint32_t i = 0; i < job.arguments; i++)
            if (arguments[i].is_buffer) {
                if (arguments[i].value > AREA - STAGGER * MAXIMUM)
                    fail("a buffer too large");
                get(content[i], arguments[i].value);
            }
        if (job.mode == COMPARE)
            compare(&job);
        else if (job.mode == TIME)
            measure(&job);
        else
            count(&job);
        fflush(stdout);
    }
    return 0;
}
