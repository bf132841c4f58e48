// Wrong: chooses the bound by the sign of a sum that may be zero: -2147483648 + -2147483648.
#include <stdint.h>

int32_t saturating_add_i32(int32_t a, int32_t b)
{
    uint32_t sum = (uint32_t)a + (uint32_t)b;
    if ((int32_t)((sum ^ (uint32_t)a) & (sum ^ (uint32_t)b)) >= 0)
        return (int32_t)sum;
    return (int32_t)sum > 0 ? INT32_MIN : INT32_MAX;
}
