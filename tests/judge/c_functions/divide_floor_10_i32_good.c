#include <stdint.h>

int32_t divide_floor_10_i32(int32_t a)
{
    return a / 10 - (a % 10 < 0);
}
