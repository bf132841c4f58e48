#include "nolibc.h"

int main(void) {
    uint64_t column = 0;
    int c;
    while ((c = get()) >= 0) {
        if (c == '\t') {
            do
                put(' ');
            while (++column % 8 != 0);
            continue;
        }
        put((byte)c);
        if (c == '\n')
            column = 0;
        else if (c == '\b')
            column -= column > 0;
        else
            column++;
    }
    return finish();
}
