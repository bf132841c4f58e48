#include <stdint.h>

uint32_t low_word(uint64_t x)
{
    return (uint32_t)x;
}
