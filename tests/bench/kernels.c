/* Every function of intents/buffers as a C programmer writes it: the obvious loop, `restrict` where the contract
   says that buffers do not overlap. Compiled once by each compiler, with a PREFIX for its names. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define JOINED(prefix, name) prefix##name
#define NAMED(prefix, name) JOINED(prefix, name)
#define KERNEL(name) NAMED(PREFIX, name)

/* Searches and comparisons. */

size_t KERNEL(find_byte)(const uint8_t *data, size_t n, uint8_t wanted)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] == wanted)
            return i;
    return n;
}

size_t KERNEL(find_last_byte)(const uint8_t *data, size_t n, uint8_t wanted)
{
    for (size_t i = n; i > 0; i--)
        if (data[i - 1] == wanted)
            return i - 1;
    return n;
}

size_t KERNEL(find_either_byte)(const uint8_t *data, size_t n, uint8_t first, uint8_t second)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] == first || data[i] == second)
            return i;
    return n;
}

size_t KERNEL(find_difference)(const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return i;
    return n;
}

int32_t KERNEL(compare_bytes)(const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] > b[i] ? 1 : -1;
    return 0;
}

int32_t KERNEL(subtract_first_difference)(const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

bool KERNEL(buffers_are_equal)(const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

size_t KERNEL(string_length)(const uint8_t *text, size_t n)
{
    size_t i = 0;
    while (i < n && text[i] != 0)
        i++;
    return i;
}

size_t KERNEL(count_unused_words)(const uint32_t *stack, size_t n, uint32_t pattern)
{
    size_t i = 0;
    while (i < n && stack[i] == pattern)
        i++;
    return i;
}

size_t KERNEL(find_first_zero_bit)(const uint32_t *bitmap, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bitmap[i] != UINT32_MAX)
            return 32 * i + (size_t)__builtin_ctz(~bitmap[i]);
    return 32 * n;
}

bool KERNEL(is_all_zero)(const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] != 0)
            return false;
    return true;
}

bool KERNEL(is_erased)(const uint8_t *flash, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (flash[i] != 0xFF)
            return false;
    return true;
}

bool KERNEL(all_bytes_same)(const uint8_t *data, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (data[i] != data[i - 1])
            return false;
    return true;
}

bool KERNEL(is_sorted_i32)(const int32_t *data, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (data[i - 1] > data[i])
            return false;
    return true;
}

bool KERNEL(is_strictly_ascending_u32)(const uint32_t *data, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (data[i - 1] >= data[i])
            return false;
    return true;
}

/* Counts. */

size_t KERNEL(count_byte)(const uint8_t *data, size_t n, uint8_t wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += data[i] == wanted;
    return count;
}

size_t KERNEL(count_zero_bytes)(const uint8_t *data, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += data[i] == 0;
    return count;
}

size_t KERNEL(count_differences)(const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += a[i] != b[i];
    return count;
}

size_t KERNEL(count_runs)(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    size_t count = 1;
    for (size_t i = 1; i < n; i++)
        count += data[i] != data[i - 1];
    return count;
}

size_t KERNEL(longest_run)(const uint8_t *data, size_t n)
{
    size_t longest = 0, length = 0;
    for (size_t i = 0; i < n; i++) {
        length = i > 0 && data[i] == data[i - 1] ? length + 1 : 1;
        if (length > longest)
            longest = length;
    }
    return longest;
}

uint64_t KERNEL(count_set_bits)(const uint8_t *data, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (uint64_t)__builtin_popcount(data[i]);
    return count;
}

uint64_t KERNEL(count_set_bits_u32)(const uint32_t *bitmap, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (uint64_t)__builtin_popcount(bitmap[i]);
    return count;
}

uint64_t KERNEL(hamming_distance)(const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (uint64_t)__builtin_popcount(a[i] ^ b[i]);
    return count;
}

/* Sums and extremes. */

uint64_t KERNEL(sum_bytes)(const uint8_t *data, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += data[i];
    return sum;
}

int64_t KERNEL(sum_i32)(const int32_t *data, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += data[i];
    return sum;
}

int64_t KERNEL(sum_i64_wrapping)(const int64_t *data, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)data[i];
    return (int64_t)sum;
}

uint32_t KERNEL(sum_u16_wrapping)(const uint16_t *data, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += data[i];
    return sum;
}

uint16_t KERNEL(mean_u16)(const uint16_t *data, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += data[i];
    return (uint16_t)(sum / n);
}

#define EXTREME(name, type, better) \
    type KERNEL(name)(const type *data, size_t n) \
    { \
        type best = data[0]; \
        for (size_t i = 1; i < n; i++) \
            if (data[i] better best) \
                best = data[i]; \
        return best; \
    }

EXTREME(maximum_u8, uint8_t, >)
EXTREME(maximum_i16, int16_t, >)
EXTREME(maximum_i32, int32_t, >)
EXTREME(maximum_u32, uint32_t, >)
EXTREME(minimum_u8, uint8_t, <)
EXTREME(minimum_i32, int32_t, <)
EXTREME(minimum_u32, uint32_t, <)

#define INDEX_OF_EXTREME(name, type, better) \
    size_t KERNEL(name)(const type *data, size_t n) \
    { \
        size_t best = 0; \
        for (size_t i = 1; i < n; i++) \
            if (data[i] better data[best]) \
                best = i; \
        return best; \
    }

INDEX_OF_EXTREME(index_of_maximum_i32, int32_t, >)
INDEX_OF_EXTREME(index_of_maximum_u16, uint16_t, >)
INDEX_OF_EXTREME(index_of_minimum_u32, uint32_t, <)

uint64_t KERNEL(load_be_bytes)(const uint8_t *data, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | data[i];
    return value;
}

/* Copies and fills. */

void KERNEL(copy_bytes)(uint8_t *restrict out, const uint8_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = data[i];
}

void KERNEL(copy_words)(uint32_t *restrict out, const uint32_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = data[i];
}

void KERNEL(copy_reversed)(uint8_t *restrict out, const uint8_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = data[n - 1 - i];
}

void KERNEL(reverse_in_place)(uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        uint8_t first = data[i];
        data[i] = data[n - 1 - i];
        data[n - 1 - i] = first;
    }
}

void KERNEL(fill_bytes)(uint8_t *out, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        out[i] = value;
}

void KERNEL(fill_words)(uint32_t *out, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        out[i] = value;
}

void KERNEL(interleave_bytes)(uint8_t *restrict out, const uint8_t *restrict first, const uint8_t *restrict second,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = first[i];
        out[2 * i + 1] = second[i];
    }
}

void KERNEL(deinterleave_bytes)(uint8_t *restrict first, uint8_t *restrict second, const uint8_t *restrict data,
                                size_t n)
{
    for (size_t i = 0; i < n; i++) {
        first[i] = data[2 * i];
        second[i] = data[2 * i + 1];
    }
}

/* One element from one element of each input. */

void KERNEL(absolute_values_i16)(uint16_t *restrict out, const int16_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)abs(data[i]);
}

void KERNEL(add_saturating_u8)(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned sum = (unsigned)a[i] + b[i];
        out[i] = sum > 255 ? 255 : (uint8_t)sum;
    }
}

void KERNEL(subtract_saturating_u8)(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b,
                                    size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] > b[i] ? (uint8_t)(a[i] - b[i]) : 0;
}

void KERNEL(add_u32_wrapping)(uint32_t *restrict out, const uint32_t *restrict a, const uint32_t *restrict b,
                              size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] + b[i];
}

void KERNEL(xor_buffers)(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] ^ b[i];
}

void KERNEL(xor_with_byte)(uint8_t *data, size_t n, uint8_t key)
{
    for (size_t i = 0; i < n; i++)
        data[i] ^= key;
}

void KERNEL(invert_in_place)(uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)~data[i];
}

void KERNEL(swap_bytes16_in_place)(uint16_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = __builtin_bswap16(data[i]);
}

void KERNEL(swap_bytes32_in_place)(uint32_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = __builtin_bswap32(data[i]);
}

void KERNEL(swap_bytes64_copy)(uint64_t *restrict out, const uint64_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = __builtin_bswap64(data[i]);
}

void KERNEL(widen_u8_to_u16)(uint16_t *restrict out, const uint8_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = data[i];
}

void KERNEL(widen_i8_to_i32)(int32_t *restrict out, const int8_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = data[i];
}

void KERNEL(narrow_u16_to_u8_saturating)(uint8_t *restrict out, const uint16_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = data[i] > 255 ? 255 : (uint8_t)data[i];
}

void KERNEL(narrow_i32_to_i16_saturating)(int16_t *restrict out, const int32_t *restrict data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = data[i] > INT16_MAX ? INT16_MAX : data[i] < INT16_MIN ? INT16_MIN : (int16_t)data[i];
}

/* One element from several. */

void KERNEL(running_totals)(uint32_t *restrict out, const uint32_t *restrict data, size_t n)
{
    uint32_t total = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = total += data[i];
}

void KERNEL(neighbour_differences)(uint16_t *restrict out, const uint16_t *restrict data, size_t n)
{
    uint16_t before = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint16_t)(data[i] - before);
        before = data[i];
    }
}
