#include <stdint.h>

void minimum_and_maximum4(uint32_t *out, const uint32_t *data)
{
    uint32_t least = data[0], most = data[0];
    for (int i = 1; i < 4; i++) {
        if (data[i] < least)
            least = data[i];
        if (data[i] > most)
            most = data[i];
    }
    out[0] = least;
    out[1] = most;
}
