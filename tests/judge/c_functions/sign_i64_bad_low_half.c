// Wrong: a positive multiple of 2**32 counts as zero.
#include <stdint.h>

int32_t sign_i64(int64_t a)
{
    return (int32_t)(a >> 63) | ((uint32_t)a != 0);
}
