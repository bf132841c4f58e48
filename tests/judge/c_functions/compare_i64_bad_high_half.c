// Wrong: where the high halves are equal, the low ones are compared as signed numbers.
#include <stdint.h>

int32_t compare_i64(int64_t a, int64_t b)
{
    int32_t high = (int32_t)(a >> 32), other_high = (int32_t)(b >> 32);
    int32_t low = (int32_t)a, other_low = (int32_t)b;
    if (high != other_high)
        return high > other_high ? 1 : -1;
    return (low > other_low) - (low < other_low);
}
