#include <stdint.h>

uint32_t millions(uint32_t x)
{
    return x / 1000000;
}
