#include <stdint.h>

uint32_t day_of_week(uint32_t year, uint32_t month, uint32_t day)
{
    static const uint8_t shift[12] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    year -= month < 3;
    return (year + year / 4 - year / 100 + year / 400 + shift[month - 1] + day) % 7;
}
