// Wrong: folding leaves 255 where the remainder is 0.
#include <stdint.h>

static uint32_t fold(uint32_t x)
{
    x = (x & 255) + (x >> 8);
    x = (x & 255) + (x >> 8);
    return (x & 255) + (x >> 8);
}
uint32_t fletcher8(const uint8_t *data)
{
    uint32_t first = 0, second = 0;
    for (int i = 0; i < 8; i++) {
        first += data[i];
        second += first;
    }
    return fold(second) << 8 | fold(first);
}
