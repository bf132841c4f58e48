#include <stdint.h>

uint32_t whole_days(uint32_t seconds)
{
    return seconds / 86400;
}
