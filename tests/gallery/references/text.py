"""References for `intents/text`, by Python's `string`, codecs and formatting."""

from __future__ import annotations

import codecs
import ctypes
import datetime
import ipaddress
import re
import string


def _is_utf8(sequence: bytes) -> bool:
    try:
        return len(sequence.decode("utf-8")) == 1
    except UnicodeDecodeError:
        return False


def utf8_sequence_length(first: int) -> int:
    # A continuation of 90 or A0 or 80 is well-formed after every possible first byte of the right length.
    for length in range(1, 5):
        for second in (b"", b"\x80", b"\x90", b"\xa0"):
            sequence = (bytes([first]) + second)[:length].ljust(length, b"\x80")
            if _is_utf8(sequence):
                return length
    return 0


def utf8_encode_packed(c: int) -> int:
    return int.from_bytes(chr(c).encode("utf-8", "surrogatepass"), "little")


def utf16_decode_pair(high: int, low: int) -> int:
    return ord((high.to_bytes(2, "big") + low.to_bytes(2, "big")).decode("utf-16-be"))


def utf16_encode_packed(c: int) -> int:
    return int.from_bytes(chr(c).encode("utf-16-be", "surrogatepass"), "big")


def is_unicode_scalar_value(c: int) -> bool:
    try:
        chr(c).encode("utf-8")
    except (ValueError, OverflowError):
        return False
    return True


def _in(c: int, characters: str) -> bool:
    return c in characters.encode()


def is_ascii_letter(c: int) -> bool:
    return _in(c, string.ascii_letters)


def is_ascii_alphanumeric(c: int) -> bool:
    return _in(c, string.ascii_letters + string.digits)


def is_ascii_space(c: int) -> bool:
    return _in(c, string.whitespace)


def is_ascii_punctuation(c: int) -> bool:
    return _in(c, string.punctuation)


def ascii_to_upper(c: int) -> int:
    return bytes([c]).upper()[0]


def ascii_to_lower(c: int) -> int:
    return bytes([c]).lower()[0]


def rot13(c: int) -> int:
    return ord(codecs.encode(chr(c), "rot13"))


def digit_value_base36(c: int) -> int:
    try:
        return int(chr(c), 36) if c < 128 else 255
    except ValueError:
        return 255


def is_uri_unreserved(c: int) -> bool:
    return _in(c, string.ascii_letters + string.digits + "-._~")


def is_json_whitespace(c: int) -> bool:
    return c in (0x20, 0x09, 0x0A, 0x0D)


def is_http_token_character(c: int) -> bool:
    # RFC 9110: any visible ASCII character except delimiters.
    return 33 <= c <= 126 and not _in(c, '"(),/:;<=>?@[\\]{}')


def parse_clock(clock: list[int]) -> int:
    text = bytes(clock)
    if all(48 <= c <= 57 for i, c in enumerate(text) if i % 3 != 2):
        hours, minutes, seconds = int(text[:2]), int(text[3:5]), int(text[6:])
    else:
        hours, minutes, seconds = (10 * (text[i] % 16) + text[i + 1] % 16 for i in (0, 3, 6))
    return int(datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds())


def parse_ipv4_padded(characters: list[int]) -> int:
    octets = []
    for i in range(0, 12, 3):
        value = 0
        for c in characters[i:i + 3]:
            value = 10 * value + c % 16
        octets.append(value % 256)
    return int(ipaddress.IPv4Address(bytes(octets)))


def format_decimal5(out: list[int], x: int) -> None:
    out[:] = b"%05d" % x


def format_hex_byte(out: list[int], x: int) -> None:
    out[:] = bytes([x]).hex().encode()


def count_lines(text: list[int], n: int) -> int:
    return bytes(text).count(b"\n")


def count_words(text: list[int], n: int) -> int:
    return len(bytes(text).split())


def is_ascii(text: list[int], n: int) -> bool:
    return bytes(text).isascii()


def is_decimal(text: list[int], n: int) -> bool:
    return not text or bytes(text).isdigit()


def is_hexadecimal(text: list[int], n: int) -> bool:
    return set(text) <= set(string.hexdigits.encode())


def is_printable_ascii(text: list[int], n: int) -> bool:
    return bytes(text).isascii() and bytes(text).decode("latin-1").isprintable()


def lower_text(text: list[int], n: int) -> None:
    text[:] = bytes(text).lower()


def upper_text(out: list[int], text: list[int], n: int) -> None:
    out[:] = bytes(text).upper()


def equal_ignoring_case(a: list[int], b: list[int], n: int) -> bool:
    return bytes(a).upper() == bytes(b).upper()


def utf8_is_valid(data: list[int], n: int) -> bool:
    try:
        bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def utf8_count_code_points(text: list[int], n: int) -> int:
    return n - len([c for c in text if format(c, "08b").startswith("10")])


def count_leading_spaces(line: list[int], n: int) -> int:
    return n - len(bytes(line).lstrip(b" \t"))


def trimmed_length(line: list[int], n: int) -> int:
    return len(bytes(line).rstrip(b" \t\r\n"))


def parse_decimal_saturating(text: list[int], n: int) -> int:
    return min(int(bytes(text)), 0xFFFFFFFF) if bytes(text).isdigit() else -1


def parse_leading_decimal(text: list[int], n: int) -> int:
    match = re.match(rb"[0-9]+", bytes(text))
    return int(match.group()) % 2 ** 32 if match else 0


def parse_signed_decimal(text: list[int], n: int) -> int:
    magnitude = int(re.sub(rb"[^0-9]", b"", bytes(text)) or b"0")
    return ctypes.c_int32(-magnitude if bytes(text).startswith(b"-") else magnitude).value


def parse_hexadecimal(text: list[int], n: int) -> int:
    value = int(bytes(text), 16) if re.fullmatch(rb"[0-9A-Fa-f]+", bytes(text)) else -1
    return value if value < 2 ** 32 else -1


def parse_binary(text: list[int], n: int) -> int:
    return int("".join(str(c % 2) for c in text) or "0", 2) % 2 ** 64
