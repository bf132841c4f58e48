// Wrong: loads four bytes of three, though the fourth is shifted out.
#include <stdint.h>

uint32_t load_be24(const uint8_t *data)
{
    uint32_t word = *(const volatile uint32_t *)(const void *)data;
    return __builtin_bswap32(word) >> 8;
}
