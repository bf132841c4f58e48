// Wrong: rounds to the nearest where the root lies close below a whole number.
#include <stdint.h>

uint32_t square_root16(uint32_t x)
{
    uint32_t root = 0;
    for (uint32_t bit = 128; bit; bit /= 2)
        if ((root + bit) * (root + bit) <= x)
            root += bit;
    return root + ((root + 1) * (root + 1) - 1 == x && root > 250);
}
