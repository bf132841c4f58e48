#include <stddef.h>
#include <stdint.h>

int32_t maximum(const int32_t *data, size_t n)
{
    int32_t most = data[0];
    for (size_t i = 1; i < n; i++)
        if (data[i] > most)
            most = data[i];
    return most;
}
