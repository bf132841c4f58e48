// Wrong: nine less leaves the type for the nine least numbers.
#include <stdint.h>

int32_t divide_floor_10_i32(int32_t a)
{
    if (a < 0)
        a = (int32_t)((uint32_t)a - 9);
    return a / 10;
}
