// Wrong: 1311 / 2**17 is a hundredth for numbers below 4699 only.
#include <stdint.h>

uint32_t binary_to_bcd(uint32_t x)
{
    uint32_t hundreds = x * 1311 >> 17, rest = x - 100 * hundreds;
    return hundreds / 10 << 12 | hundreds % 10 << 8 | rest / 10 << 4 | rest % 10;
}
