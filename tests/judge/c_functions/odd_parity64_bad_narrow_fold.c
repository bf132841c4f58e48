// Wrong: the fold by 16 comes after bits 32 to 39 were thrown away.
#include <stdint.h>

uint32_t odd_parity64(uint64_t x)
{
    uint32_t y = (uint32_t)(x >> 40) << 8 ^ (uint32_t)x;
    y ^= y >> 16;
    y ^= y >> 8;
    y ^= y >> 4;
    return 0x6996 >> (y & 15) & 1;
}
