#include <stdint.h>

int32_t sign_i64(int64_t a)
{
    return (a > 0) - (a < 0);
}
