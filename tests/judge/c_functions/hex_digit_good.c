#include <stdint.h>

uint32_t hex_digit(uint32_t x)
{
    return x + '0' + ((9 - x) >> 8 & ('a' - '0' - 10));
}
