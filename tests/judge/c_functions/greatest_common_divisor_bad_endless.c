// Wrong: subtracts zero for ever where one number is zero and the other is not.
#include <stdint.h>

uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
    while (a != b) {
        if (a > b)
            a -= b;
        else
            b -= a;
        __asm__ volatile("");
    }
    return a;
}
