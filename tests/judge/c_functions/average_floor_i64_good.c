#include <stdint.h>

int64_t average_floor_i64(int64_t a, int64_t b)
{
    return (a & b) + ((a ^ b) >> 1);
}
