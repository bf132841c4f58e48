#include "nolibc.h"

int main(void) {
    uint64_t sum = 0, line = 0;
    int c;
    while ((c = get()) >= 0) {
        if (c >= '0' && c <= '9') {
            line = line * 10 + (uint64_t)(c - '0');
        } else if (c == '\n') {
            sum += line;
            line = 0;
        } else {
            return complain("sum_numbers: not a number\n", 1);
        }
    }
    put_decimal(sum + line, 0);
    put('\n');
    return finish();
}
