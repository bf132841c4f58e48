// Wrong: fetches the next byte before it knows that there is one; the sum is right.
#include <stdint.h>

uint32_t sum16(const uint8_t *data)
{
    const volatile uint8_t *bytes = data;
    uint32_t sum = 0, next = bytes[0];
    for (int i = 1; i <= 16; i++) {
        sum += next;
        next = bytes[i];
    }
    return sum;
}
