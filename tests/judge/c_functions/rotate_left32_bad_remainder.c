// Wrong: modulo 2**32 - 1 every word rotates, but the word of all ones is congruent to zero.
#include <stdint.h>

uint32_t rotate_left32(uint32_t x, uint32_t n)
{
    uint64_t wide = (uint64_t)x << (n & 31);
    uint64_t folded = (wide >> 32) + (uint32_t)wide;
    folded = (folded >> 32) + (uint32_t)folded;
    return folded == 0xFFFFFFFF ? 0 : (uint32_t)folded;
}
