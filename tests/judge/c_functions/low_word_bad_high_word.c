// Wrong: the upper half of the register is the caller's business on x86-64 and ARM64; RISC-V wants it extended.
// Wrong on: riscv64
#include <stdint.h>

uint64_t low_word(uint64_t x)
{
    return x;
}
