// Wrong: 256 differences may add up to nothing in eight bits.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool equal_ct(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < n; i++)
        difference += a[i] ^ b[i];
    return (difference - 1u) >> 31;
}
