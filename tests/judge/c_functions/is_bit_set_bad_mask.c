// Wrong: a bool is 0 or 1, and this is the masked bit.
#include <stdint.h>

uint32_t is_bit_set(uint32_t x, uint32_t n)
{
    return x & 1u << n;
}
