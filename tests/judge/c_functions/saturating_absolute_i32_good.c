#include <stdint.h>

int32_t saturating_absolute_i32(int32_t a)
{
    uint32_t magnitude = a < 0 ? 0u - (uint32_t)a : (uint32_t)a;
    return (int32_t)(magnitude - (magnitude >> 31));
}
