// Wrong: 0x10000 * 0x10000 has a factor of each kind that "cannot overflow".
#include <stdint.h>

uint32_t saturating_multiply_u32(uint32_t a, uint32_t b)
{
    if (a <= 0x10000 && b <= 0x10000)
        return a * b;
    uint64_t product = (uint64_t)a * b;
    return product >> 32 ? UINT32_MAX : (uint32_t)product;
}
