#include <stdint.h>
#include <stdio.h>

#include "mix_u8.h"
#include "saturate_u8.h"

int main(void)
{
    uint8_t plain = mix_u8(100, 150), loud = mix_u8(200, 250), negative = saturate_u8(-7);

    printf("%d %d %d\n", plain, loud, negative);
    return plain == 122 && loud == 255 && negative == 0 ? 0 : 1;
}
