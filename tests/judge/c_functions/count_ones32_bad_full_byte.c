// Wrong: the eight ones of a byte of all ones do not fit three bits.
#include <stdint.h>

uint32_t count_ones32(uint32_t x)
{
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x07070707;
    x += x >> 8;
    x += x >> 16;
    return x & 0x3F;
}
