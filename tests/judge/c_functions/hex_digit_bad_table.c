// Wrong: the nibble says which place of the table is read.
#include <stdint.h>

uint32_t hex_digit(uint32_t x)
{
    static const uint8_t digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                       '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    return digits[x];
}
