#include <stddef.h>
#include <stdint.h>

size_t count_byte(const uint8_t *data, size_t n, uint32_t value)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += data[i] == value;
    return count;
}
