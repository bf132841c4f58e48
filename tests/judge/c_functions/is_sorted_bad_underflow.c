// Wrong: one less than no numbers is very many.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool is_sorted(const int32_t *data, size_t n)
{
    for (size_t i = 0; i != n - 1; i++)
        if (data[i] > data[i + 1])
            return false;
    return true;
}
