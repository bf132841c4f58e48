#include <stddef.h>
#include <stdint.h>

void fill(uint8_t *out, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)value;
}
