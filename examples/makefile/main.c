#include <stdio.h>

#include "parity_u32.h"

int main(void)
{
    printf("%u %u\n", (unsigned)parity_u32(7), (unsigned)parity_u32(0xF0F0F0F0u));
    return 0;
}
