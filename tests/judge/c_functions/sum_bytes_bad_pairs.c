// Wrong: takes the bytes in pairs, and of an odd number one too many; the sum is right.
#include <stddef.h>
#include <stdint.h>

uint64_t sum_bytes(const uint8_t *data, size_t n)
{
    const volatile uint8_t *bytes = data;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += 2) {
        uint64_t first = bytes[i], second = bytes[i + 1];
        sum += first;
        if (i + 1 < n)
            sum += second;
    }
    return sum;
}
