#include <stdint.h>

uint32_t rotate_left32(uint32_t x, uint32_t n)
{
    n &= 31;
    return x << n | x >> (-n & 31);
}
