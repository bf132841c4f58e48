// Wrong: a one in each half passes.
#include <stdbool.h>
#include <stdint.h>

bool is_power_of_two(uint64_t x)
{
    uint32_t low = (uint32_t)x, high = (uint32_t)(x >> 32);
    return x && !(low & (low - 1)) && !(high & (high - 1));
}
