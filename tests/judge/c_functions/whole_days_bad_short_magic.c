// Wrong: the reciprocal is short of two bits, which shows on 26,564 inputs, the first of which is 2098310399.
#include <stdint.h>

uint32_t whole_days(uint32_t seconds)
{
    return (uint32_t)(seconds * 0x1845C8A1ull >> 45);
}
