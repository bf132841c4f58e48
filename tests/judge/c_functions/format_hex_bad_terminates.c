// Wrong: ends the text with a zero, for which there is no room.
#include <stdint.h>

void format_hex(uint8_t *out, uint32_t x)
{
    static const uint8_t digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                       '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    out[0] = digits[x >> 4];
    out[1] = digits[x & 15];
    out[2] = 0;
}
