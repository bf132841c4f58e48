// Wrong: the difference may leave the type, and then has the wrong sign.
#include <stdint.h>

int32_t compare_i64(int64_t a, int64_t b)
{
    int64_t difference = (int64_t)((uint64_t)a - (uint64_t)b);
    return (difference > 0) - (difference < 0);
}
