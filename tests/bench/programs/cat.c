#include "nolibc.h"

int main(void) {
    static byte block[2 * BLOCK];
    size_t n;
    while ((n = read_some(block, sizeof block)) != 0)
        write_all(block, n);
    return 0;
}
