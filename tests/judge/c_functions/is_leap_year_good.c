#include <stdbool.h>
#include <stdint.h>

bool is_leap_year(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
