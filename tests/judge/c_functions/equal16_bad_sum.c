// Wrong: two differences may add up to zero; of all pairs of inputs that differ, one in 2**64 has that.
#include <stdbool.h>
#include <stdint.h>

bool equal16(const uint64_t *a, const uint64_t *b)
{
    return (a[0] ^ b[0]) + (a[1] ^ b[1]) == 0;
}
