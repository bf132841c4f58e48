// Wrong: folds the difference to a half, where its halves may cancel.
#include <stdbool.h>
#include <stdint.h>

bool equal16(const uint64_t *a, const uint64_t *b)
{
    uint64_t difference = (a[0] ^ b[0]) | (a[1] ^ b[1]);
    return (uint32_t)(difference ^ difference >> 32) == 0;
}
