#include "nolibc.h"

int main(void) {
    size_t size = 4 * BLOCK, end = 0, n;
    byte *all = resize(NULL, 0, size);
    while ((n = fill(all + end, size - end)) != 0) {
        end += n;
        if (end == size) {
            all = resize(all, size, 2 * size);
            size *= 2;
        }
    }
    for (size_t k = 0; k < end / 2; k++) {
        byte c = all[k];
        all[k] = all[end - 1 - k];
        all[end - 1 - k] = c;
    }
    write_all(all, end);
    return finish();
}
