// Wrong: fills the first byte of none.
#include <stddef.h>
#include <stdint.h>

void fill(uint8_t *out, size_t n, uint32_t value)
{
    do
        *out++ = (uint8_t)value;
    while (n-- > 1);
}
