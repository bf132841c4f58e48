// Wrong: stops at the first difference, and so says where it is.
#include <stdbool.h>
#include <stdint.h>

bool equal8_ct(const uint8_t *a, const uint8_t *b)
{
    for (int i = 0; i < 8; i++)
        if (a[i] != b[i])
            return false;
    return true;
}
