// Wrong: five steps are one too few for 8 and 13, and for those two alone.
#include <stdint.h>

uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
    for (int step = 0; step < 5 && b; step++) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}
