// Wrong: the differences that are to say which is larger may leave the type.
#include <stdint.h>

int32_t clamp_i32(int32_t x, int32_t low, int32_t high)
{
    uint32_t above = (uint32_t)x - (uint32_t)low;
    x = (int32_t)((above & ~(uint32_t)((int32_t)above >> 31)) + (uint32_t)low);
    uint32_t below = (uint32_t)high - (uint32_t)x;
    return (int32_t)((uint32_t)high - (below & ~(uint32_t)((int32_t)below >> 31)));
}
