#include <stdint.h>

int32_t compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}
