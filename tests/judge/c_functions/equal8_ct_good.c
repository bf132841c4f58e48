#include <stdbool.h>
#include <stdint.h>

bool equal8_ct(const uint8_t *a, const uint8_t *b)
{
    uint32_t difference = 0;
    for (int i = 0; i < 8; i++)
        difference |= a[i] ^ b[i];
    return (difference - 1) >> 31;
}
