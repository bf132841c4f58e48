#include <stdint.h>

void increment_counter(uint8_t *counter)
{
    for (int i = 3; i >= 0; i--)
        if (++counter[i])
            return;
}
