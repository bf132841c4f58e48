// Wrong: copies or does not, which takes longer or does not.
#include <stdint.h>

void copy_if(uint8_t *out, const uint8_t *data, uint32_t flag)
{
    if (flag)
        for (int i = 0; i < 8; i++)
            out[i] = data[i];
}
