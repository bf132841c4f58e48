// Wrong: a division takes as long as its operands make it.
#include <stdint.h>

uint32_t reduce_once(uint32_t x, uint32_t q)
{
    return x % q;
}
