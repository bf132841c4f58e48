#include <stdbool.h>
#include <stdint.h>

bool multiply_overflows_i32(int32_t a, int32_t b)
{
    int64_t product = (int64_t)a * b;
    return product != (int32_t)product;
}
