#include "nolibc.h"

static bool is_prime(uint32_t p) {
    for (uint32_t d = 2; d * d <= p; d++)
        if (p % d == 0)
            return false;
    return true;
}

int main(int argc, char **argv) {
    int64_t limit;
    if (argc != 2 || !number(argv[1], 6, &limit))
        return complain("usage: primes LIMIT\n", 2);
    for (uint32_t p = 2; p < limit; p++)
        if (is_prime(p)) {
            put_decimal(p, 0);
            put('\n');
        }
    return finish();
}
