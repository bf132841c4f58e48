// Wrong: the carry does not reach the first byte; one counter in 2**24 needs it to.
#include <stdint.h>

void increment_counter(uint8_t *counter)
{
    for (int i = 3; i >= 1; i--)
        if (++counter[i])
            return;
}
