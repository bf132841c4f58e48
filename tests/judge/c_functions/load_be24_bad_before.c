// Wrong: loads the byte before, though it is masked out.
#include <stdint.h>

uint32_t load_be24(const uint8_t *data)
{
    uint32_t word = *(const volatile uint32_t *)(const void *)(data - 1);
    return __builtin_bswap32(word) & 0xFFFFFF;
}
