// Wrong: the test for multiples of 25 ends at 4294967000, and takes the year 4294967100 for no century.
#include <stdbool.h>
#include <stdint.h>

bool is_leap_year(uint32_t year)
{
    bool by_25 = year * 0xC28F5C29u <= 0x0A3D7098u;
    return (year & 3) == 0 && (!by_25 || (year & 15) == 0);
}
