#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool equal_ct(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint32_t difference = 0;
    for (size_t i = 0; i < n; i++)
        difference |= a[i] ^ b[i];
    return (difference - 1) >> 31;
}
