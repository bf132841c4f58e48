#include "nolibc.h"

int main(void) {
    static byte block[BLOCK];
    size_t n;
    while ((n = read_some(block, sizeof block)) != 0) {
        size_t kept = 0;
        for (size_t k = 0; k < n; k++) {
            block[kept] = block[k];
            kept += block[k] != '\r';
        }
        write_all(block, kept);
    }
    return 0;
}
