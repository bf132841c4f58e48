/* The functions of intents/buffers that the C library has, too, with the contracts' results. Of memcmp only the sign
   is promised: the difference of the first unequal bytes is not among them. */

#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

size_t libc_find_byte(const uint8_t *data, size_t n, uint8_t wanted)
{
    const uint8_t *found = memchr(data, wanted, n);
    return found ? (size_t)(found - data) : n;
}

size_t libc_find_last_byte(const uint8_t *data, size_t n, uint8_t wanted)
{
    const uint8_t *found = memrchr(data, wanted, n);
    return found ? (size_t)(found - data) : n;
}

size_t libc_string_length(const uint8_t *text, size_t n)
{
    return strnlen((const char *)text, n);
}

int32_t libc_compare_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    int order = memcmp(a, b, n);
    return (order > 0) - (order < 0);
}

bool libc_buffers_are_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}

void libc_copy_bytes(uint8_t *out, const uint8_t *data, size_t n)
{
    memcpy(out, data, n);
}

void libc_copy_words(uint32_t *out, const uint32_t *data, size_t n)
{
    memcpy(out, data, n * sizeof *data);
}

void libc_fill_bytes(uint8_t *out, size_t n, uint8_t value)
{
    memset(out, value, n);
}

void libc_fill_words(uint32_t *out, size_t n, uint32_t value)
{
    wmemset((wchar_t *)out, (wchar_t)value, n);
}
