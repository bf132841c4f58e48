// Wrong: the caller looks at eight bits, and the shifted word may have more ones among them.
#include <stdint.h>

uint32_t is_bit_set(uint32_t x, uint32_t n)
{
    return n == 31 ? x >> 31 : n == 30 ? x >> 30 : x >> n & 1;
}
