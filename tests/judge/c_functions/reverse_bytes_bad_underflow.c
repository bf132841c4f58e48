// Wrong: one less than no bytes is very many.
#include <stddef.h>
#include <stdint.h>

void reverse_bytes(uint8_t *out, size_t n)
{
    for (size_t i = 0, j = n - 1; i < j; i++, j--) {
        uint8_t byte = out[i];
        out[i] = out[j];
        out[j] = byte;
    }
}
