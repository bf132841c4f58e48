#include "nolibc.h"

static const char digit[] = "0123456789abcdef";

static void put_line(size_t at, const byte *data, size_t n) {
    byte line[16 * 3 + 3 + 16 + 2], *hex = line;
    for (size_t k = 0; k < 16; k++) {
        if (k == 8)
            *hex++ = ' ';
        *hex++ = k < n ? (byte)digit[data[k] >> 4] : ' ';
        *hex++ = k < n ? (byte)digit[data[k] & 15] : ' ';
        *hex++ = ' ';
    }
    byte *text = hex;
    *text++ = ' ';
    *text++ = '|';
    for (size_t k = 0; k < n; k++)
        *text++ = data[k] >= ' ' && data[k] <= '~' ? data[k] : '.';
    *text++ = '|';
    *text++ = '\n';
    put_hex((uint32_t)at);
    put_string("  ");
    put_bytes(line, (size_t)(text - line));
}

int main(void) {
    static byte block[BLOCK];
    size_t at = 0, n;
    while ((n = fill(block, sizeof block)) != 0) {
        for (size_t k = 0; k < n; k += 16)
            put_line(at + k, block + k, n - k < 16 ? n - k : 16);
        at += n;
    }
    if (at > 0) {
        put_hex((uint32_t)at);
        put('\n');
    }
    return finish();
}
