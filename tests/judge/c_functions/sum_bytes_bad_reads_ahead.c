// Wrong: fetches the next byte before it knows that there is one; the sum is right.
#include <stddef.h>
#include <stdint.h>

uint64_t sum_bytes(const uint8_t *data, size_t n)
{
    const volatile uint8_t *bytes = data;
    uint64_t sum = 0, next = bytes[0];
    for (size_t i = 0; i < n; i++) {
        sum += next;
        next = bytes[i + 1];
    }
    return sum;
}
