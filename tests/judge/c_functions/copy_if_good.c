#include <stdint.h>

void copy_if(uint8_t *out, const uint8_t *data, uint32_t flag)
{
    uint8_t mask = (uint8_t)(0 - flag);
    for (int i = 0; i < 8; i++)
        out[i] ^= (out[i] ^ data[i]) & mask;
}
