"""References for `intents/codec`, by Python's codecs and by definition."""

from __future__ import annotations

import base64
import math
import string
import struct
from fractions import Fraction

from references.helpers import digits, number


def base64_encode_sextet(value: int) -> int:
    return base64.b64encode(bytes([value << 2, 0, 0]))[0]


def base64_decode_sextet(c: int) -> int:
    if c == ord("=") or bytes([c]) not in [base64.b64encode(bytes([v << 2, 0, 0]))[:1] for v in range(64)]:
        return 255
    return base64.b64decode(bytes([c]) + b"AAA")[0] >> 2


def base64_encode_block(out: list[int], block: list[int]) -> None:
    out[:] = base64.b64encode(bytes(block))


def base32_encode_quintet(value: int) -> int:
    return base64.b32encode(bytes([value << 3, 0, 0, 0, 0]))[0]


def hex_digit_value(c: int) -> int:
    try:
        return int(chr(c), 16) if c < 128 else 255
    except ValueError:
        return 255


def hex_digit_character(nibble: int) -> int:
    return ord(format(nibble % 16, "x"))


def zigzag_encode32(x: int) -> int:
    return ((x << 1) ^ (x >> 31)) % 2 ** 32


def zigzag_decode32(code: int) -> int:
    return (code >> 1) ^ -(code & 1)


def varint_length(x: int) -> int:
    length = 1
    while x > 127:
        x >>= 7
        length += 1
    return length


def bcd_to_binary8(bcd: int) -> int:
    return int(format(bcd, "x"))


def binary_to_bcd8(x: int) -> int:
    return int(str(x), 16)


def bcd_to_binary32(bcd: int) -> int:
    return int(format(bcd, "x"))


def binary_to_bcd32(x: int) -> int:
    return int(str(x), 16)


def manchester_encode8(x: int) -> int:
    return number(digits(x, 8).replace("1", "L").replace("0", "10").replace("L", "01"))


def manchester_is_valid16(code: int) -> bool:
    text = digits(code, 16)
    return all(text[i:i + 2] in ("01", "10") for i in range(0, 16, 2))


def _positions(code: int) -> list[int]:
    return [p for p in range(1, 8) if code >> (p - 1) & 1]


def _is_code_word(code: int) -> bool:
    return all(sum(1 for p in _positions(code) if p & check) % 2 == 0 for check in (1, 2, 4))


def _data_of(code: int) -> int:
    return sum(1 << i for i, p in enumerate((3, 5, 6, 7)) if p in _positions(code))


def hamming74_encode(data: int) -> int:
    return next(c for c in range(128) if _is_code_word(c) and _data_of(c) == data % 16)


def hamming74_decode(code: int) -> int:
    near = min((c for c in range(128) if _is_code_word(c)), key=lambda c: bin(c ^ code % 128).count("1"))
    return _data_of(near)


def half_to_float_bits(half: int) -> int:
    if half & 0x7FFF > 0x7C00:
        # A NaN keeps its fraction; Python's struct may make it a quiet one.
        return number(digits(half, 16)[0] + "1" * 8 + digits(half, 16)[6:] + "0" * 13)
    value, = struct.unpack("<e", struct.pack("<H", half))
    return int.from_bytes(struct.pack("<f", value), "little")


def float_to_half_bits(single: int) -> int:
    value, = struct.unpack("<f", struct.pack("<I", single))
    sign = single >> 31 << 15
    if math.isnan(value):
        return sign + 0x7E00
    try:
        return int.from_bytes(struct.pack("<e", value), "little")
    except OverflowError:
        return sign + 0x7C00


def float_to_bfloat16_bits(single: int) -> int:
    value, = struct.unpack("<f", struct.pack("<I", single))
    if math.isnan(value):
        return int.from_bytes(single.to_bytes(4, "big")[:2], "big") | 0x40
    # The bit patterns of one sign are ordered and dense, so the nearest pattern is the nearest number.
    return round(Fraction(single, 65536))


def float_is_nan(single: int) -> bool:
    value, = struct.unpack("<f", struct.pack("<I", single))
    return math.isnan(value)


def float_total_order_key(single: int) -> int:
    return single ^ (0xFFFFFFFF if single >= 2 ** 31 else 2 ** 31)


def exp_golomb_length(value: int) -> int:
    return 2 * math.floor(math.log2(value + 1)) + 1 if value < 2 ** 31 else 2 * ((value + 1).bit_length() - 1) + 1


def exp_golomb_signed(k: int) -> int:
    return math.ceil(Fraction(k, 2)) * (1 if k % 2 else -1)


def can_fd_length(dlc: int) -> int:
    code = dlc % 16
    if code <= 8:
        return code
    return 12 + 4 * (code - 9) if code <= 12 else 32 + 16 * (code - 13)


def hex_encode(out: list[int], data: list[int], n: int) -> None:
    out[:] = bytes(data).hex().encode()


def hex_decode(out: list[int], text: list[int], n: int) -> bool:
    valid = [chr(c) if c < 128 and chr(c) in string.hexdigits else "0" for c in text]
    out[:] = bytes.fromhex("".join(valid))
    return all(chr(c) == v for c, v in zip(text, valid, strict=True))


def base64_encode_blocks(out: list[int], data: list[int], n: int) -> None:
    out[:] = base64.b64encode(bytes(data))


def unpack_nibbles(out: list[int], data: list[int], n: int) -> None:
    out[::2], out[1::2] = [x % 16 for x in data], [x // 16 for x in data]


def pack_nibbles(out: list[int], nibbles: list[int], n: int) -> None:
    out[:] = [int(f"{high % 16:x}{low % 16:x}", 16) for low, high in zip(nibbles[::2], nibbles[1::2], strict=True)]


def unpack_bits(out: list[int], data: list[int], n: int) -> None:
    out[:] = [int(c) for x in data for c in digits(x, 8)]


def varint_decode(data: list[int], n: int) -> int:
    return number("".join(digits(x % 128, 7) for x in reversed(data)) or "0") % 2 ** 64


def varint_count(data: list[int], n: int) -> int:
    return n - sum(1 for x in data if x >> 7)


def bcd_to_binary_bytes(bcd: list[int], n: int) -> int:
    return int(bytes(bcd).hex() or "0")
