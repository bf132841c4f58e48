#include <stdbool.h>
#include <stdint.h>

bool add_limbs3(uint64_t *out, const uint64_t *a, const uint64_t *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t part = a[i] + carry;
        carry = part < carry;
        part += b[i];
        carry += part < b[i];
        out[i] = part;
    }
    return carry;
}
