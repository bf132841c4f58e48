// Wrong: nothing is left after a rotation by 0.
#include <stdint.h>

uint32_t rotate_left32(uint32_t x, uint32_t n)
{
    n &= 31;
    return n ? x << n | x >> (32 - n) : 0;
}
