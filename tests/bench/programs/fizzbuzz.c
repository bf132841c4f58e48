#include "nolibc.h"

int main(void) {
    for (unsigned i = 1; i <= 100; i++) {
        if (i % 3 == 0)
            put_string("Fizz");
        if (i % 5 == 0)
            put_string("Buzz");
        else if (i % 3 != 0)
            put_decimal(i, 0);
        put('\n');
    }
    return finish();
}
