#include "nolibc.h"

static const char digit[] = "0123456789abcdef";

int main(void) {
    static byte block[BLOCK];
    size_t n;
    while ((n = fill(block, sizeof block)) != 0)
        for (size_t k = 0; k < n; k++) {
            put(' ');
            put((byte)digit[block[k] >> 4]);
            put((byte)digit[block[k] & 15]);
            if (k % 16 == 15 || k == n - 1)
                put('\n');
        }
    return finish();
}
