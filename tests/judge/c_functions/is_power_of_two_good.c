#include <stdbool.h>
#include <stdint.h>

bool is_power_of_two(uint64_t x)
{
    return x && !(x & (x - 1));
}
