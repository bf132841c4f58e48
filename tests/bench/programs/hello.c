#include "nolibc.h"

int main(void) {
    static const byte greeting[] = "hello, world\n";
    write_all(greeting, sizeof greeting - 1);
    return 0;
}
