#include <stddef.h>
#include <stdint.h>

size_t index_of(const uint8_t *data, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] == value)
            return i;
    return n;
}
