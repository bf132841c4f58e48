// Wrong: the fold by 8 comes after the bits 16 to 23 were thrown away.
#include <stdint.h>

uint32_t odd_parity32(uint32_t x)
{
    x = x >> 24 ^ (x & 0xFFFF);
    x ^= x >> 8;
    x ^= x >> 4;
    return 0x6996 >> (x & 15) & 1;
}
