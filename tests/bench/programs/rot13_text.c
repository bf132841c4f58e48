#include "nolibc.h"

int main(void) {
    static byte block[BLOCK];
    size_t n;
    while ((n = read_some(block, sizeof block)) != 0) {
        for (size_t k = 0; k < n; k++) {
            byte letter = (byte)((block[k] | 32) - 'a');
            if (letter < 13)
                block[k] += 13;
            else if (letter < 26)
                block[k] -= 13;
        }
        write_all(block, n);
    }
    return 0;
}
