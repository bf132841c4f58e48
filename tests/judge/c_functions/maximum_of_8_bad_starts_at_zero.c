// Wrong: zero, where all are negative.
#include <stdint.h>

int32_t maximum_of_8(const int32_t *data)
{
    int32_t most = 0;
    for (int i = 0; i < 8; i++)
        if (data[i] > most)
            most = data[i];
    return most;
}
