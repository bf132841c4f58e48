#include <stdbool.h>
#include <stdint.h>

bool is_multiple_of_641(uint32_t x)
{
    return x % 641 == 0;
}
