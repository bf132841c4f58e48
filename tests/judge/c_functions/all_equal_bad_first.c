// Wrong: reads the first byte of none.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool all_equal(const uint8_t *data, size_t n)
{
    const uint8_t first = *(const volatile uint8_t *)data;
    for (size_t i = 1; i < n; i++)
        if (data[i] != first)
            return false;
    return true;
}
