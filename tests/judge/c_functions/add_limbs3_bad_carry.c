// Wrong: a word of all ones with a carry coming in hands none on; one pair of words in 2**64 has that.
#include <stdbool.h>
#include <stdint.h>

bool add_limbs3(uint64_t *out, const uint64_t *a, const uint64_t *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t part = a[i] + b[i] + carry;
        carry = part < a[i];
        out[i] = part;
    }
    return carry;
}
