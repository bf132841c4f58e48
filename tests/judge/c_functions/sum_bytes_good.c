#include <stddef.h>
#include <stdint.h>

uint64_t sum_bytes(const uint8_t *data, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += data[i];
    return sum;
}
