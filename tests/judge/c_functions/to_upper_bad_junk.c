// Wrong: the narrow result is not zero-extended, as RISC-V wants it; the low 8 bits are right.
// Wrong on: riscv64
#include <stdint.h>

uint64_t to_upper(uint32_t c)
{
    return (c - 'a' < 26 ? c - 32 : c) | (uint64_t)c << 32 | 0x100;
}
