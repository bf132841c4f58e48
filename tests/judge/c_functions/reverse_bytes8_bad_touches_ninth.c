// Wrong: writes the byte after the end, with what it held.
#include <stdint.h>

void reverse_bytes8(uint8_t *out)
{
    volatile uint8_t *bytes = out;
    bytes[8] = bytes[8];
    for (int i = 0; i < 4; i++) {
        uint8_t byte = out[i];
        out[i] = out[7 - i];
        out[7 - i] = byte;
    }
}
