// Wrong: -1 * -2147483648 wraps to -2147483648, and dividing that by -1 traps or wraps back.
#include <stdbool.h>
#include <stdint.h>

bool multiply_overflows_i32(int32_t a, int32_t b)
{
    int32_t product = (int32_t)((uint32_t)a * (uint32_t)b);
    __asm__("" : "+r"(product));
    return a != 0 && product / a != b;
}
