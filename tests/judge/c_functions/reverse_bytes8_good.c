#include <stdint.h>

void reverse_bytes8(uint8_t *out)
{
    for (int i = 0; i < 4; i++) {
        uint8_t byte = out[i];
        out[i] = out[7 - i];
        out[7 - i] = byte;
    }
}
