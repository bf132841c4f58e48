// Wrong: the last place of several.
#include <stdint.h>

uint32_t index_of_minimum4(const int32_t *data)
{
    uint32_t place = 0;
    for (uint32_t i = 1; i < 4; i++)
        if (data[i] <= data[place])
            place = i;
    return place;
}
