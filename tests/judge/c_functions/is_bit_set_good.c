#include <stdbool.h>
#include <stdint.h>

bool is_bit_set(uint32_t x, uint32_t n)
{
    return x >> n & 1;
}
