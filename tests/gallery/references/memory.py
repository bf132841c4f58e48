"""References for `intents/memory`, by `struct`, `uuid` and Python's sequences."""

from __future__ import annotations

import struct
import uuid


def _unpacked(form: str, b: list[int]) -> int:
    value, = struct.unpack(form, bytes(b))
    return int(value)


def load_be16(b: list[int]) -> int:
    return _unpacked(">H", b)


def load_le16(b: list[int]) -> int:
    return _unpacked("<H", b)


def load_be32(b: list[int]) -> int:
    return _unpacked(">I", b)


def load_le32(b: list[int]) -> int:
    return _unpacked("<I", b)


def load_le_i32(b: list[int]) -> int:
    return _unpacked("<i", b)


def load_be64(b: list[int]) -> int:
    return _unpacked(">Q", b)


def load_be24(b: list[int]) -> int:
    return int.from_bytes(bytes(b), "big")


def store_be16(out: list[int], x: int) -> None:
    out[:] = struct.pack(">H", x)


def store_be32(out: list[int], x: int) -> None:
    out[:] = struct.pack(">I", x)


def store_le32(out: list[int], x: int) -> None:
    out[:] = struct.pack("<I", x)


def store_le64(out: list[int], x: int) -> None:
    out[:] = struct.pack("<Q", x)


def reverse_bytes8(b: list[int]) -> None:
    b.reverse()


def sort4(a: list[int]) -> None:
    a.sort()


def sort3(a: list[int]) -> None:
    a.sort()


def maximum_of_8(a: list[int]) -> int:
    return sorted(a)[-1]


def index_of_maximum4(a: list[int]) -> int:
    return a.index(max(a))


def all_zero16(b: list[int]) -> bool:
    return not any(b)


def count_byte8(b: list[int], wanted: int) -> int:
    return bytes(b).count(wanted)


def hamming_distance8(a: list[int], b: list[int]) -> int:
    return bin(int.from_bytes(bytes(a), "big") ^ int.from_bytes(bytes(b), "big")).count("1")


def uuid_version(b: list[int]) -> int:
    return int(bytes(b).hex()[12], 16)


def uuid_make_random(b: list[int]) -> None:
    b[:] = uuid.UUID(bytes=bytes(b), version=4).bytes


def matrix2_multiply(out: list[int], a: list[int], b: list[int]) -> None:
    rows, columns = [a[:2], a[2:]], [b[::2], b[1::2]]
    out[:] = [sum(x * y for x, y in zip(row, column, strict=True)) for row in rows for column in columns]


def transpose4(m: list[int]) -> None:
    m[:] = [value for column in zip(m[:4], m[4:8], m[8:12], m[12:], strict=True) for value in column]


def shift_in_sample(line: list[int], sample: int) -> int:
    line.insert(0, sample)
    return line.pop()
