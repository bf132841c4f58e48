// Wrong: one more than the least number, where there is nothing but that.
#include <stddef.h>
#include <stdint.h>

int32_t maximum(const int32_t *data, size_t n)
{
    int32_t most = -INT32_MAX;
    for (size_t i = 0; i < n; i++)
        if (data[i] > most)
            most = data[i];
    return most;
}
