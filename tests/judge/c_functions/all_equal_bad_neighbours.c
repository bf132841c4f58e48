// Wrong: compares each byte with the next, and the last with what comes after.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool all_equal(const uint8_t *data, size_t n)
{
    const volatile uint8_t *bytes = data;
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        uint8_t here = bytes[i], next = bytes[i + 1];
        same &= here == next || i + 1 == n;
    }
    return same;
}
