// Wrong: the table says that zero has no trailing zeros.
#include <stdint.h>

uint32_t trailing_zeros32(uint32_t x)
{
    static const uint8_t places[37] = {0, 0, 1, 26, 2, 23, 27, 0, 3, 16, 24, 30, 28, 11, 0, 13, 4, 7, 17,
                                       0, 25, 22, 31, 15, 29, 10, 12, 6, 0, 21, 14, 9, 5, 20, 8, 19, 18};
    return places[(x & -x) % 37];
}
