#include <inttypes.h>
#include <stdio.h>

#include "average_floor.h"
#include "clamp.h"

int main(void)
{
    printf("%" PRIu32 "\n", average_floor(4000000000u, 4000000002u));
    printf("%" PRId32 "\n", clamp(-7, -5, 5));
    return 0;
}
