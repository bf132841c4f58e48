// Wrong: the sum loses its 33rd bit.
#include <stdint.h>

uint32_t average_floor(uint32_t a, uint32_t b)
{
    return (a + b) >> 1;
}
