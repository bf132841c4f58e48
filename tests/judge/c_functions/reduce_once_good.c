#include <stdint.h>

uint32_t reduce_once(uint32_t x, uint32_t q)
{
    uint32_t rest = x - q, mask = 0 - (rest >> 31);
    __asm__("" : "+r"(mask));  // else clang may make a branch of it
    return rest + (q & mask);
}
