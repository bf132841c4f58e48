// Wrong: stops at the first difference, and so says where it is.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool equal_ct(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}
