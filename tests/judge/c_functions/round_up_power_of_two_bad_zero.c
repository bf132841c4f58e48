// Wrong: zero becomes zero.
#include <stdint.h>

uint32_t round_up_power_of_two(uint32_t x)
{
    x -= 1;
    x |= x >> 1;
    x |= x >> 2;
    x |= x >> 4;
    x |= x >> 8;
    x |= x >> 16;
    return x + 1;
}
