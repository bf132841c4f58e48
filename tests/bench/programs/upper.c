#include "nolibc.h"

int main(void) {
    static byte block[BLOCK];
    size_t n;
    while ((n = read_some(block, sizeof block)) != 0) {
        for (size_t k = 0; k < n; k++)
            if (block[k] >= 'a' && block[k] <= 'z')
                block[k] -= 32;
        write_all(block, n);
    }
    return 0;
}
