// Wrong: looks at the byte before it asks whether there is one.
#include <stddef.h>
#include <stdint.h>

size_t index_of(const uint8_t *data, size_t n, uint32_t value)
{
    const volatile uint8_t *bytes = data;
    size_t i = 0;
    while (bytes[i] != value && i < n)
        i++;
    return i < n ? i : n;
}
