#include "nolibc.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { LINE = 57, LINES = 1024 };

int main(void) {
    /* What is behind the end counts as zeros. */
    static byte block[LINE * LINES + 2], text[(LINE / 3 * 4 + 1) * LINES];
    size_t n;
    while ((n = fill(block, LINE * LINES)) != 0) {
        byte *to = text;
        block[n] = block[n + 1] = 0;
        for (size_t k = 0; k < n; k += 3) {
            uint32_t group = (uint32_t)block[k] << 16 | (uint32_t)block[k + 1] << 8 | block[k + 2];
            *to++ = (byte)alphabet[group >> 18];
            *to++ = (byte)alphabet[group >> 12 & 63];
            *to++ = k + 1 < n ? (byte)alphabet[group >> 6 & 63] : '=';
            *to++ = k + 2 < n ? (byte)alphabet[group & 63] : '=';
            if (k % LINE == LINE - 3 || k + 3 >= n)
                *to++ = '\n';
        }
        write_all(text, (size_t)(to - text));
    }
    return finish();
}
