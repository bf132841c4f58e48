// Wrong: the reciprocal is short of a bit, which shows on 7,450 inputs, the first of which is 972999999.
#include <stdint.h>

uint32_t millions(uint32_t x)
{
    return (uint32_t)(x * 0x218DEF42ull >> 49);
}
