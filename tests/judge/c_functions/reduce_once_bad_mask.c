// Wrong: as it stands there is no branch, but clang makes one of the mask where it has no conditional move.
// Wrong on: riscv64
#include <stdint.h>

uint32_t reduce_once(uint32_t x, uint32_t q)
{
    uint32_t rest = x - q;
    return rest + (q & (0 - (rest >> 31)));
}
