// Wrong: the counter of all ones carries into the byte before.
#include <stdint.h>

void increment_counter(uint8_t *counter)
{
    for (int i = 3; i >= -1; i--)
        if (++counter[i])
            return;
}
