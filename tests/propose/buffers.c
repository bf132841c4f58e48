/* Calls the functions f0 … f24 of one object on buffers between pages that cannot be touched. All in 64-bit words.
 *
 * Reads: number of the function, count of arguments, whether buffers start at a page's start (else they end at its
 * end); then for each argument its kind and a word: 0 and the value, 1 and a buffer's size in bytes, which its content
 * follows, 2 and the number of the argument that has the same address. Writes the result, then all buffers. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef uint64_t W;
typedef W F(W, W, W, W, W, W, W, W);
extern F f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23,
         f24;
static F *const table[] = {f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
                           f20, f21, f22, f23, f24};
enum { ROOM = 1 << 16 };

int main(void) {
    char *room[8];
    for (int k = 0; k < 8; k++) {
        room[k] = mmap(0, 3 * ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room[k] == MAP_FAILED || mprotect(room[k] + ROOM, ROOM, PROT_READ | PROT_WRITE)) return 2;
    }
    W head[3], pair[2];
    while (fread(head, sizeof head, 1, stdin) == 1) {
        W a[8] = {0};
        W size[8] = {0};
        for (W k = 0; k < head[1]; k++) {
            if (fread(pair, sizeof pair, 1, stdin) != 1) return 3;
            a[k] = pair[1];
            if (pair[0] == 1) {
                size[k] = pair[1];
                char *at = room[k] + (head[2] ? ROOM : 2 * ROOM - pair[1]);
                W words = (pair[1] + 7) / 8;
                static char content[ROOM];
                if (words && fread(content, 8, words, stdin) != words) return 3;
                memcpy(at, content, pair[1]);
                a[k] = (W)at;
            } else if (pair[0] == 2) {
                a[k] = a[pair[1]];
            }
        }
        W result = table[head[0]](a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
        fwrite(&result, sizeof result, 1, stdout);
        for (W k = 0; k < head[1]; k++) {
            static char padded[ROOM + 8];
            if (!size[k]) continue;
            memcpy(padded, (char *)a[k], size[k]);
            memset(padded + size[k], 0, 8);
            fwrite(padded, 8, (size[k] + 7) / 8, stdout);
        }
        fflush(stdout);
    }
    return 0;
}
