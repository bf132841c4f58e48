// Wrong: the last byte of an odd number stays as it was.
#include <stddef.h>
#include <stdint.h>

void xor_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        out[i] = a[i] ^ b[i];
        out[i + 1] = a[i + 1] ^ b[i + 1];
    }
}
