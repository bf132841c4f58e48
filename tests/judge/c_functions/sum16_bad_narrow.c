// Wrong: 4080 is the greatest sum, and this one has eleven bits.
#include <stdint.h>

uint32_t sum16(const uint8_t *data)
{
    uint32_t sum = 0;
    for (int i = 0; i < 16; i++)
        sum += data[i];
    return sum & 0x7FF;
}
