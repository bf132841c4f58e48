// Wrong: `<` must be `<=`; shows on 4294966656 alone.
#include <stdbool.h>
#include <stdint.h>

bool is_multiple_of_641(uint32_t x)
{
    return x * 6700417u < 6700416u;
}
