#include "nolibc.h"

int main(void) {
    static byte block[BLOCK];
    static uint32_t table[256];
    for (uint32_t k = 0; k < 256; k++) {
        table[k] = k;
        for (int bit = 0; bit < 8; bit++)
            table[k] = table[k] >> 1 ^ (table[k] & 1 ? 0xEDB88320 : 0);
    }
    uint32_t crc = 0xFFFFFFFF;
    size_t n;
    while ((n = read_some(block, sizeof block)) != 0)
        for (size_t k = 0; k < n; k++)
            crc = crc >> 8 ^ table[(crc ^ block[k]) & 255];
    put_hex(~crc);
    put('\n');
    return finish();
}
