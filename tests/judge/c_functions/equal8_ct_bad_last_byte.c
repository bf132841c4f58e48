// Wrong: looks at the last bytes only where all others are the same.
#include <stdbool.h>
#include <stdint.h>

bool equal8_ct(const uint8_t *a, const uint8_t *b)
{
    uint32_t difference = 0;
    for (int i = 0; i < 7; i++)
        difference |= a[i] ^ b[i];
    if (difference)
        return false;
    return ((const volatile uint8_t *)a)[7] == ((const volatile uint8_t *)b)[7];
}
