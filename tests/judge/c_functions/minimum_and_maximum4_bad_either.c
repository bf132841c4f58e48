// Wrong: a number that raises the maximum is not looked at as the minimum, which ascending numbers show.
#include <stdint.h>

void minimum_and_maximum4(uint32_t *out, const uint32_t *data)
{
    uint32_t least = UINT32_MAX, most = 0;
    for (int i = 0; i < 4; i++) {
        if (data[i] > most)
            most = data[i];
        else if (data[i] < least)
            least = data[i];
    }
    out[0] = least;
    out[1] = most;
}
