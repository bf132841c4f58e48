#include <stdint.h>

uint32_t fletcher8(const uint8_t *data)
{
    uint32_t first = 0, second = 0;
    for (int i = 0; i < 8; i++) {
        first += data[i];
        second += first;
    }
    return second % 255 << 8 | first % 255;
}
