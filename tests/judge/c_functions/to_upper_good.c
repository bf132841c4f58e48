#include <stdint.h>

uint8_t to_upper(uint32_t c)
{
    return c - 'a' < 26 ? c - 32 : c;
}
