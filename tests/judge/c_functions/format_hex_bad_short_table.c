// Wrong: the table has no entry for 15, and the byte after it is what it may be.
#include <stdint.h>

void format_hex(uint8_t *out, uint32_t x)
{
    static const uint8_t digits[15] = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e'};
    const volatile uint8_t *table = digits;
    out[0] = table[x >> 4];
    out[1] = table[x & 15];
}
