// Wrong: looks at a ninth, though it takes no notice of what it finds.
#include <stdint.h>

int32_t maximum_of_8(const int32_t *data)
{
    const volatile int32_t *numbers = data;
    int32_t most = numbers[0];
    for (int i = 1; i <= 8; i++) {
        int32_t number = numbers[i];
        if (i < 8 && number > most)
            most = number;
    }
    return most;
}
