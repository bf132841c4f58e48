#include <stdint.h>

uint32_t degrees(int32_t angle)
{
    int32_t rest = angle % 360;
    return (uint32_t)(rest < 0 ? rest + 360 : rest);
}
