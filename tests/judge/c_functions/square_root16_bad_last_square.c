// Wrong: the bisection cannot reach 255, so the roots of 65025 and more are 254.
#include <stdint.h>

uint32_t square_root16(uint32_t x)
{
    uint32_t low = 0, high = 255;
    for (int step = 0; step < 8; step++) {
        uint32_t middle = (low + high) / 2;
        if (middle * middle <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}
