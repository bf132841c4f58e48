// Wrong: an element exchanged with itself becomes zero.
#include <stdint.h>

void swap_elements(uint32_t *data, uint32_t i, uint32_t j)
{
    data[i] ^= data[j];
    data[j] ^= data[i];
    data[i] ^= data[j];
}
