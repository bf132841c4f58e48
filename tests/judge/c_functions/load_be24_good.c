#include <stdint.h>

uint32_t load_be24(const uint8_t *data)
{
    return (uint32_t)data[0] << 16 | data[1] << 8 | data[2];
}
