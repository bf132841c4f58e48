#include "nolibc.h"

int main(int argc, char **argv) {
    static byte block[BLOCK];
    int64_t left;
    if (argc != 2 || !number(argv[1], 18, &left))
        return complain("usage: head_bytes COUNT\n", 2);
    while (left > 0) {
        size_t n = read_some(block, left < BLOCK ? (size_t)left : BLOCK);
        if (n == 0)
            break;
        write_all(block, n);
        left -= (int64_t)n;
    }
    return finish();
}
