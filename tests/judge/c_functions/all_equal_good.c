#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool all_equal(const uint8_t *data, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (data[i] != data[0])
            return false;
    return true;
}
