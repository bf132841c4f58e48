#include <stdint.h>

uint32_t leading_zeros32(uint32_t x)
{
    uint32_t n = 32;
    for (uint32_t width = 16; width; width /= 2)
        if (x >> width) {
            n -= width;
            x >>= width;
        }
    return n - x;
}
