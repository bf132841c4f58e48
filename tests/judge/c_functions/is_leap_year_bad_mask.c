// Wrong: takes multiples of 200 for multiples of 400.
#include <stdbool.h>
#include <stdint.h>

bool is_leap_year(uint32_t year)
{
    return (year & 3) == 0 && (year % 25 != 0 || (year & 7) == 0);
}
