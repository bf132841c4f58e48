#include "nolibc.h"

int main(void) {
    return 0;
}
