// Wrong: a difference may leave the type, and then has the wrong sign.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool is_sorted(const int32_t *data, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if ((int32_t)((uint32_t)data[i] - (uint32_t)data[i - 1]) < 0)
            return false;
    return true;
}
