// Wrong: rounds a negative odd sum toward zero.
#include <stdint.h>

int64_t average_floor_i64(int64_t a, int64_t b)
{
    int64_t low = (a & b) + ((a ^ b) >> 1);
    return low + ((low < 0) & (a ^ b));
}
