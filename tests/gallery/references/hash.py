"""References for `intents/hash`, in C's fixed-width arithmetic as the published sources write them."""

from __future__ import annotations

import ctypes

from references.helpers import rotated_left, rotated_right, wrap

M32 = 2 ** 32
M64 = 2 ** 64


def fnv1a_step32(value: int, byte: int) -> int:
    value ^= byte
    # The prime is 2^24 + 2^8 + 0x93.
    return (value + (value << 1) + (value << 4) + (value << 7) + (value << 8) + (value << 24)) % M32


def fnv1a_step64(value: int, byte: int) -> int:
    value ^= byte
    shifts = (0, 1, 4, 5, 7, 8, 40)
    return sum(value << n for n in shifts) % M64


def djb2_step(value: int, byte: int) -> int:
    return wrap(ctypes.c_uint32, (value << 5) + value + byte)


def murmur3_step32(value: int, block: int) -> int:
    k1 = wrap(ctypes.c_uint32, block * 0xCC9E2D51)
    k1 = rotated_left(k1, 15, 32)
    k1 = wrap(ctypes.c_uint32, k1 * 0x1B873593)
    h1 = rotated_left(value ^ k1, 13, 32)
    return wrap(ctypes.c_uint32, h1 * 5 + 0xE6546B64)


def murmur3_finalize32(h: int) -> int:
    h ^= h >> 16
    h = h * 0x85EBCA6B % M32
    h ^= h >> 13
    h = h * 0xC2B2AE35 % M32
    h ^= h >> 16
    return h


def murmur3_finalize64(k: int) -> int:
    k ^= k >> 33
    k = k * 0xFF51AFD7ED558CCD % M64
    k ^= k >> 33
    k = k * 0xC4CEB9FE1A85EC53 % M64
    k ^= k >> 33
    return k


def xxh32_avalanche(h: int) -> int:
    h ^= h >> 15
    h = h * 0x85EBCA77 % M32
    h ^= h >> 13
    h = h * 0xC2B2AE3D % M32
    h ^= h >> 16
    return h


def xxh32_round(accumulator: int, lane: int) -> int:
    accumulator = (accumulator + lane * 0x85EBCA77) % M32
    return rotated_left(accumulator, 13, 32) * 0x9E3779B1 % M32


def xxh64_avalanche(h: int) -> int:
    h ^= h >> 33
    h = h * 14029467366897019727 % M64
    h ^= h >> 29
    h = h * 1609587929392839161 % M64
    h ^= h >> 32
    return h


def wyhash_mix(a: int, b: int) -> int:
    product = (a * b).to_bytes(16, "little")
    return int.from_bytes(bytes(x ^ y for x, y in zip(product[:8], product[8:], strict=True)), "little")


def fibonacci_hash(key: int, log2_size: int) -> int:
    return key * 0x9E3779B97F4A7C15 % M64 // int(2 ** (64 - log2_size))


def splitmix64(state: int) -> int:
    z = (state + 0x9E3779B97F4A7C15) % M64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % M64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % M64
    return z ^ z >> 31


def xorshift32_step(y: int) -> int:
    y = wrap(ctypes.c_uint32, y ^ y << 13)
    y ^= y >> 17
    return wrap(ctypes.c_uint32, y ^ y << 5)


def xorshift64star_output(x: int) -> int:
    x ^= x >> 12
    x = wrap(ctypes.c_uint64, x ^ x << 25)
    x ^= x >> 27
    return wrap(ctypes.c_uint64, x * 0x2545F4914F6CDD1D) // M32


def pcg32_output(state: int) -> int:
    xorshifted = wrap(ctypes.c_uint32, (state >> 18 ^ state) >> 27)
    return rotated_right(xorshifted, state >> 59, 32)


def pcg32_advance(state: int, increment: int) -> int:
    return wrap(ctypes.c_uint64, state * 6364136223846793005 + increment)


def minstd_next(state: int) -> int:
    # Schrage's method, extended to states beyond the modulus.
    state %= 2147483647
    high, low = divmod(state, 44488)
    result = 48271 * low - 3399 * high
    return result + 2147483647 if result < 0 else result


def ansi_rand_output(state: int) -> int:
    following = wrap(ctypes.c_uint32, state * 1103515245 + 12345)
    return following >> 16 & 0x7FFF


def galois_lfsr16_step(state: int) -> int:
    carry = state % 2
    state //= 2
    return state ^ 0xB400 if carry else state


def jenkins_finalize(value: int) -> int:
    value = wrap(ctypes.c_uint32, value + (value << 3))
    value ^= value >> 11
    return wrap(ctypes.c_uint32, value + (value << 15))


def fnv1a_32(data: list[int], n: int) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = fnv1a_step32(value, byte)
    return value


def fnv1a_64(data: list[int], n: int) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = fnv1a_step64(value, byte)
    return value


def djb2(data: list[int], n: int) -> int:
    return sum(x * pow(33, n - i, M32) for i, x in enumerate([5381, *data])) % M32


def sdbm(data: list[int], n: int) -> int:
    value = 0
    for byte in data:
        value = (byte + (value << 6) + (value << 16) - value) % M32
    return value


def pjw(data: list[int], n: int) -> int:
    h = 0
    for byte in data:
        h = wrap(ctypes.c_uint32, (h << 4) + byte)
        g = h & 0xF0000000
        if g:
            h ^= g >> 24
        h &= ~g
    return h


def jenkins_one_at_a_time(data: list[int], n: int) -> int:
    value = 0
    for byte in data:
        value = wrap(ctypes.c_uint32, value + byte)
        value = wrap(ctypes.c_uint32, value * 1025)
        value ^= value >> 6
    return jenkins_finalize(value)


def java_string_hash(units: list[int], n: int) -> int:
    return wrap(ctypes.c_int32, sum(x * pow(31, n - 1 - i, M32) for i, x in enumerate(units)))
