// Wrong: exchanges the two in the middle of an even number twice, and starts on none at all.
#include <stddef.h>
#include <stdint.h>

void reverse_bytes(uint8_t *out, size_t n)
{
    for (size_t i = 0; i <= n / 2; i++) {
        uint8_t byte = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = byte;
    }
}
