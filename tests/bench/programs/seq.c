#include "nolibc.h"

static bool signed_number(const char *text, int64_t *value) {
    bool negative = *text == '-';
    if (!number(text + negative, 9, value))
        return false;
    if (negative)
        *value = -*value;
    return true;
}

int main(int argc, char **argv) {
    int64_t first, last;
    if (argc != 3 || !signed_number(argv[1], &first) || !signed_number(argv[2], &last))
        return complain("usage: seq FIRST LAST\n", 2);
    for (; first <= last; first++) {
        if (first < 0)
            put('-');
        put_decimal((uint64_t)(first < 0 ? -first : first), 0);
        put('\n');
    }
    return finish();
}
