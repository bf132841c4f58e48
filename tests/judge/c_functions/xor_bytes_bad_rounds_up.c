// Wrong: goes on to a whole number of pairs.
#include <stddef.h>
#include <stdint.h>

void xor_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        out[i] = a[i] ^ b[i];
        out[i + 1] = a[i + 1] ^ b[i + 1];
    }
}
