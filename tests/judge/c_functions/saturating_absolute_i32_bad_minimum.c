// Wrong: the least value has no positive counterpart and stays as it is.
#include <stdint.h>

int32_t saturating_absolute_i32(int32_t a)
{
    uint32_t sign = (uint32_t)(a >> 31);
    return (int32_t)(((uint32_t)a ^ sign) - sign);
}
