"""C programs call functions of the gallery through the generated headers, linked by gcc and by zig (LLVM, lld)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from intent_tool.emit.header import header_text
from intent_tool.machine.target import load_targets
from intent_tool.pipeline import build

GALLERY = Path(__file__).parents[2] / "intents"

FUNCTIONS = (
    "hackers_delight/hd14_average_floor", "hackers_delight/hd25_high_product_signed",
    "hackers_delight/hd19_exchange_fields", "saturating/saturating_add_i32", "saturating/saturating_absolute_i8",
    "bits/swap_bytes64", "bits/rotate_left8", "bits/extract_field_signed", "bits/has_zero_byte",
    "arithmetic/divide_by_minus_5_i32", "arithmetic/divide_floor_i32", "arithmetic/multiply_modulo_u64",
    "arithmetic/three_way_compare_u64", "fixed_point/multiply_q15",
)

# The right answers are computed by C, which the compiler under test shares nothing with.
MAIN = r"""
#include <stdio.h>
static unsigned long checks, wrong;
static void check(const char *what, long long got, long long must)
{
    checks++;
    if (got != must && wrong++ < 10)
        printf("%s: %lld, must be %lld\n", what, got, must);
}
static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static const uint64_t edges[] = {
    0, 1, 2, 3, 5, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12003456, 0x7fffffff, 0x80000000,
    0x80000001, 0xfffffffb, 0xffffffff, 0x100000000, 0x0123456789abcdef, 0x7fffffffffffffff, 0x8000000000000000,
    0xfffffffffffffffe, 0xffffffffffffffff,
};
#define COUNT (sizeof edges / sizeof edges[0])
int main(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t a = edges[i];
        check("saturating_absolute_i8", saturating_absolute_i8((int8_t)a),
              (int8_t)a == -128 ? 127 : (int8_t)a < 0 ? -(int8_t)a : (int8_t)a);
        check("swap_bytes64", (int64_t)swap_bytes64(a), (int64_t)__builtin_bswap64(a));
        check("divide_by_minus_5_i32", divide_by_minus_5_i32((int32_t)a), floor_divide((int32_t)a, -5));
        int zero = 0;
        for (int k = 0; k < 4; k++)
            zero |= (uint8_t)(a >> 8 * k) == 0;
        check("has_zero_byte", has_zero_byte((uint32_t)a), zero);
        for (uint32_t width = 1; width <= 32; width++)
            for (uint32_t lsb = 0; lsb + width <= 32; lsb++)
                check("extract_field_signed", extract_field_signed((uint32_t)a, lsb, width),
                      (int32_t)((uint32_t)a << (32 - lsb - width)) >> (32 - width));
        check("hd19_exchange_fields", hd19_exchange_fields((uint32_t)a, 0xf0f, 4),
              ((uint32_t)a & 0xffff0000) | ((a & 0xf0f) << 4) | ((a & 0xf0f0) >> 4));
        for (size_t j = 0; j < COUNT; j++) {
            uint64_t b = edges[j];
            int64_t sum = (int64_t)(int32_t)a + (int32_t)b, product = (int64_t)(int16_t)a * (int16_t)b >> 15;
            check("hd14_average_floor", hd14_average_floor((uint32_t)a, (uint32_t)b),
                  (int64_t)(((uint64_t)(uint32_t)a + (uint32_t)b) / 2));
            check("hd25_high_product_signed", hd25_high_product_signed((int32_t)a, (int32_t)b),
                  (int64_t)(int32_t)a * (int32_t)b >> 32);
            check("saturating_add_i32", saturating_add_i32((int32_t)a, (int32_t)b),
                  sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
            check("multiply_q15", multiply_q15((int16_t)a, (int16_t)b), product > 32767 ? 32767 : product);
            check("rotate_left8", rotate_left8((uint8_t)a, (uint8_t)b),
                  (uint8_t)((uint8_t)a << (b & 7) | (uint8_t)a >> (-b & 7)));
            check("three_way_compare_u64", three_way_compare_u64(a, b), a < b ? -1 : a > b);
            if ((int32_t)b != 0 && !((int32_t)a == INT32_MIN && (int32_t)b == -1))
                check("divide_floor_i32", divide_floor_i32((int32_t)a, (int32_t)b),
                      floor_divide((int32_t)a, (int32_t)b));
            for (size_t k = 1; k < COUNT; k++)
                check("multiply_modulo_u64", (int64_t)multiply_modulo_u64(a, b, edges[k]),
                      (int64_t)((unsigned __int128)a * b % edges[k]));
        }
    }
    printf("%lu checks, %lu wrong\n", checks, wrong);
    return wrong != 0;
}
"""

ZIG = (sys.executable, "-m", "ziglang", "cc", "-static")
COMPILERS = {
    "x86_64": ("gcc",),
    "x86_64_v3": ("gcc",),
    "arm64": (*ZIG, "-target", "aarch64-linux-musl"),
    "riscv64": (*ZIG, "-target", "riscv64-linux-musl"),
    "riscv64_zb": (*ZIG, "-target", "riscv64-linux-musl"),
}


@pytest.mark.parametrize("name", list(COMPILERS))
def test_c_calls_ten_functions_and_more(name: str, tmp_path: Path) -> None:
    target = load_targets(None)[name]
    objects, includes = [], []
    for function in FUNCTIONS:
        built = build(GALLERY / f"{function}.intent", target, GALLERY.parent)
        symbol = built.contract.name
        objects.append(f"{symbol}.o")
        includes.append(f'#include "{symbol}.h"\n')
        (tmp_path / f"{symbol}.o").write_bytes(built.binary)
        (tmp_path / f"{symbol}.h").write_text(header_text(built.contract))
    (tmp_path / "main.c").write_text("".join(includes) + MAIN)
    # Shifts of negative numbers are what the compilers say they are; -fno-sanitize: zig traps on them otherwise.
    warnings = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-Wl,--fatal-warnings")
    plain = ("-fno-sanitize=undefined",) if "ziglang" in COMPILERS[name] else ()
    subprocess.run([*COMPILERS[name], *warnings, *plain, "main.c", *objects, "-o", "main"], cwd=tmp_path, check=True)
    done = subprocess.run([*target.runner, tmp_path / "main"], capture_output=True, text=True, check=False)
    assert done.stdout.endswith("checks, 0 wrong\n"), done.stdout
    assert done.returncode == 0
    assert int(done.stdout.split()[0]) > 20_000


def test_the_right_answers_are_checked() -> None:
    """The C program calls each of the functions."""
    assert len(FUNCTIONS) >= 10
    for function in FUNCTIONS:
        assert f"{Path(function).name}(" in MAIN
