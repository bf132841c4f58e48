// Wrong: without a branch, but the flag says from where the bytes are read.
#include <stdint.h>

void copy_if(uint8_t *out, const uint8_t *data, uint32_t flag)
{
    const uint8_t *sources[1];
    uintptr_t from = (uintptr_t)out ^ (((uintptr_t)out ^ (uintptr_t)data) & (0 - (uintptr_t)flag));
    sources[0] = (const uint8_t *)from;
    for (int i = 0; i < 8; i++)
        out[i] = ((const volatile uint8_t *)sources[0])[i];
}
