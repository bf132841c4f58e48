#include "nolibc.h"

int main(void) {
    static byte block[BLOCK];
    uint64_t lines = 0, words = 0, bytes = 0;
    bool inside = false;
    size_t n;
    while ((n = read_some(block, sizeof block)) != 0) {
        bytes += n;
        for (size_t k = 0; k < n; k++) {
            bool space = block[k] == ' ' || (block[k] >= 9 && block[k] <= 13);
            lines += block[k] == '\n';
            words += !space && !inside;
            inside = !space;
        }
    }
    put_decimal(lines, 7);
    put(' ');
    put_decimal(words, 7);
    put(' ');
    put_decimal(bytes, 7);
    put('\n');
    return finish();
}
