"""References for `intents/crypto`, in the steps and tables of the published specifications."""

from __future__ import annotations

import hmac

from references.helpers import digits, number, polynomial_remainder, rotated_left, rotated_right

M32 = 2 ** 32
M64 = 2 ** 64


def siphash_round(v: list[int]) -> None:
    v[0] = (v[0] + v[1]) % M64
    v[1] = rotated_left(v[1], 13, 64) ^ v[0]
    v[0] = rotated_left(v[0], 32, 64)
    v[2] = (v[2] + v[3]) % M64
    v[3] = rotated_left(v[3], 16, 64) ^ v[2]
    v[0] = (v[0] + v[3]) % M64
    v[3] = rotated_left(v[3], 21, 64) ^ v[0]
    v[2] = (v[2] + v[1]) % M64
    v[1] = rotated_left(v[1], 17, 64) ^ v[2]
    v[2] = rotated_left(v[2], 32, 64)


def chacha_quarter_round(s: list[int]) -> None:
    for x, y, z, n in ((0, 1, 3, 16), (2, 3, 1, 12), (0, 1, 3, 8), (2, 3, 1, 7)):
        s[x] = (s[x] + s[y]) % M32
        s[z] = rotated_left(s[z] ^ s[x], n, 32)


def salsa20_quarter_round(y: list[int]) -> None:
    for target, p, q, n in ((1, 0, 3, 7), (2, 1, 0, 9), (3, 2, 1, 13), (0, 3, 2, 18)):
        y[target] ^= rotated_left((y[p] + y[q]) % M32, n, 32)


def _sigma(x: int, rotations: tuple[int, ...], shift: int | None, width: int) -> int:
    columns = [digits(rotated_right(x, n, width), width) for n in rotations]
    if shift is not None:
        columns.append(digits(x, width)[:width - shift].rjust(width, "0"))
    return number("".join(str(column.count("1") % 2) for column in zip(*columns, strict=True)))


def sha256_big_sigma0(x: int) -> int:
    return _sigma(x, (2, 13, 22), None, 32)


def sha256_big_sigma1(x: int) -> int:
    return _sigma(x, (6, 11, 25), None, 32)


def sha256_small_sigma0(x: int) -> int:
    return _sigma(x, (7, 18), 3, 32)


def sha256_small_sigma1(x: int) -> int:
    return _sigma(x, (17, 19), 10, 32)


def sha512_big_sigma1(x: int) -> int:
    return _sigma(x, (14, 18, 41), None, 64)


def sha256_choose(x: int, y: int, z: int) -> int:
    return number("".join(b if a == "1" else c
                          for a, b, c in zip(digits(x, 32), digits(y, 32), digits(z, 32), strict=True)))


def sha256_majority(x: int, y: int, z: int) -> int:
    return number("".join(max(column, key=column.count)
                          for column in zip(digits(x, 32), digits(y, 32), digits(z, 32), strict=True)))


def sha256_schedule_word(w2: int, w7: int, w15: int, w16: int) -> int:
    return (sha256_small_sigma1(w2) + w7 + sha256_small_sigma0(w15) + w16) % M32


def gf256_multiply(a: int, b: int) -> int:
    product = 0
    for i in range(8):
        if b >> i & 1:
            product ^= a << i
    return polynomial_remainder(product, 0x11B)


def aes_xtime(a: int) -> int:
    return gf256_multiply(a, 2)


def aes_substitute_byte(x: int) -> int:
    inverse = next((y for y in range(256) if gf256_multiply(x, y) == 1), 0)
    result = 0x63
    for n in range(5):
        result ^= rotated_left(inverse, n, 8)
    return result


def aes_mix_column(column: list[int]) -> None:
    rows = ((2, 3, 1, 1), (1, 2, 3, 1), (1, 1, 2, 3), (3, 1, 1, 2))
    before = list(column)
    for i, row in enumerate(rows):
        column[i] = 0
        for factor, value in zip(row, before, strict=True):
            column[i] ^= gf256_multiply(factor, value)


def cmac_double(block: list[int]) -> None:
    value = int.from_bytes(bytes(block), "big")
    block[:] = polynomial_remainder(value << 1, 2 ** 128 + 0x87).to_bytes(16, "big")


def gcm_increment(block: list[int]) -> None:
    counter = int.from_bytes(bytes(block[12:]), "big") + 1
    block[12:] = (counter % M32).to_bytes(4, "big")


def poly1305_clamp(r: list[int]) -> None:
    value = int.from_bytes(bytes(r), "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    r[:] = value.to_bytes(16, "little")


def constant_time_select(condition: int, a: int, b: int) -> int:
    return a if condition % 2 == 1 else b


def constant_time_equal_mask(a: int, b: int) -> int:
    return 0xFFFFFFFF if a == b else 0


def equal16(a: list[int], b: list[int]) -> bool:
    return hmac.compare_digest(bytes(a), bytes(b))


def xor_block16(block: list[int], mask: list[int]) -> None:
    both = int.from_bytes(bytes(block), "big") ^ int.from_bytes(bytes(mask), "big")
    block[:] = both.to_bytes(16, "big")


def constant_time_equal(a: list[int], b: list[int], n: int) -> bool:
    return hmac.compare_digest(bytes(a), bytes(b))


def constant_time_select_bytes(out: list[int], a: list[int], b: list[int], n: int, condition: bool) -> None:
    out[:] = (b, a)[condition]


def constant_time_is_zero(data: list[int], n: int) -> bool:
    return bytes(data) == bytes(n)


def xor_keystream(data: list[int], keystream: list[int], n: int) -> None:
    mixed = int.from_bytes(bytes(data), "little") ^ int.from_bytes(bytes(keystream), "little")
    data[:] = mixed.to_bytes(n, "little")
