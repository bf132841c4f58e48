#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool is_sorted(const int32_t *data, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (data[i - 1] > data[i])
            return false;
    return true;
}
