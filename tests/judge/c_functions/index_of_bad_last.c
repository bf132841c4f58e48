// Wrong: where it last occurs.
#include <stddef.h>
#include <stdint.h>

size_t index_of(const uint8_t *data, size_t n, uint32_t value)
{
    for (size_t i = n; i-- > 0;)
        if (data[i] == value)
            return i;
    return n;
}
