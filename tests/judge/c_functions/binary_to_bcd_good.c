#include <stdint.h>

uint32_t binary_to_bcd(uint32_t x)
{
    uint32_t hundreds = x / 100, rest = x % 100;
    return hundreds / 10 << 12 | hundreds % 10 << 8 | rest / 10 << 4 | rest % 10;
}
