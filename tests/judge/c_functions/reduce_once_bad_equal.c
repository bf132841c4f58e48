// Wrong: the modulus itself stays.
#include <stdint.h>

uint32_t reduce_once(uint32_t x, uint32_t q)
{
    uint32_t rest = x - q - 1;
    return rest + 1 + (q & (0 - (rest >> 31)));
}
