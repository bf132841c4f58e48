#include "nolibc.h"

int main(void) {
    static byte block[BLOCK];
    static uint32_t table[256];
    for (uint32_t k = 0; k < 256; k++) {
        table[k] = k << 24;
        for (int bit = 0; bit < 8; bit++)
            table[k] = table[k] << 1 ^ (table[k] >> 31 ? 0x04C11DB7 : 0);
    }
    uint32_t crc = 0;
    uint64_t length = 0;
    size_t n;
    while ((n = read_some(block, sizeof block)) != 0) {
        length += n;
        for (size_t k = 0; k < n; k++)
            crc = crc << 8 ^ table[crc >> 24 ^ block[k]];
    }
    for (uint64_t left = length; left != 0; left >>= 8)
        crc = crc << 8 ^ table[crc >> 24 ^ (left & 255)];
    put_decimal((uint32_t)~crc, 0);
    put(' ');
    put_decimal(length, 0);
    put('\n');
    return finish();
}
