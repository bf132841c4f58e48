#include <stdint.h>

void swap_elements(uint32_t *data, uint32_t i, uint32_t j)
{
    uint32_t first = data[i], second = data[j];
    data[i] = second;
    data[j] = first;
}
