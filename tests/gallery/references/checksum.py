"""References for `intents/checksum`: polynomial division for the CRCs, `zlib`, digit strings."""

from __future__ import annotations

import binascii
import zlib

from references.helpers import polynomial_remainder, reversed_bits


def _crc_step(crc: int, byte: int, width: int, polynomial: int) -> int:
    """A CRC register, most significant bit first, after one more byte: the remainder of one long division."""
    return polynomial_remainder((crc << 8) ^ (byte << width), (1 << width) | polynomial)


def _reflected_step(crc: int, byte: int, width: int, polynomial: int) -> int:
    """The same for a register and bytes whose least significant bit comes first."""
    after = _crc_step(reversed_bits(crc, width), reversed_bits(byte, 8), width, polynomial)
    return reversed_bits(after, width)


def crc8_smbus_step(crc: int, byte: int) -> int:
    return _crc_step(crc, byte, 8, 0x07)


def crc8_j1850_step(crc: int, byte: int) -> int:
    return _crc_step(crc, byte, 8, 0x1D)


def crc8_onewire_step(crc: int, byte: int) -> int:
    return _reflected_step(crc, byte, 8, 0x31)


def crc16_modbus_step(crc: int, byte: int) -> int:
    return _reflected_step(crc, byte, 16, 0x8005)


def crc16_ccitt_step(crc: int, byte: int) -> int:
    return _crc_step(crc, byte, 16, 0x1021)


def crc32_step(crc: int, byte: int) -> int:
    return zlib.crc32(bytes([byte]), crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def crc32c_step(crc: int, byte: int) -> int:
    return _reflected_step(crc, byte, 32, 0x1EDC6F41)


def crc64_xz_step(crc: int, byte: int) -> int:
    return _reflected_step(crc, byte, 64, 0x42F0E1EBA9EA3693)


def crc15_can_bit(crc: int, bit: bool) -> int:
    return polynomial_remainder((crc << 1) ^ (int(bit) << 15), 0xC599)


def crc5_usb_token(token: int) -> int:
    message = reversed_bits(token % 2048, 11)
    return polynomial_remainder((message ^ (31 << 6)) << 5, 0b100101) ^ 31


def crc32_block16(block: list[int]) -> int:
    return zlib.crc32(bytes(block))


def adler32_step(adler: int, byte: int) -> int:
    return zlib.adler32(bytes([byte]), adler)


def adler32_combine(first: int, second: int, second_length: int) -> int:
    a1, b1 = first % 65536, first // 65536
    a2, b2 = second % 65536, second // 65536
    # The second sums began at 1 and 0; begun at a1 and b1 they are larger by a1 - 1 and by b1 + length * (a1 - 1).
    low = (a2 + (a1 - 1)) % 65521
    high = (b2 + b1 + (second_length % 65521) * (a1 - 1)) % 65521
    return high * 65536 + low


def fletcher16_step(checksum: int, byte: int) -> int:
    a = (checksum % 256 + byte) % 255
    return (checksum // 256 + a) % 255 * 256 + a


def luhn_doubled_digit(digit: int) -> int:
    return sum(map(int, str(2 * digit)))


def luhn_is_valid16(characters: list[int]) -> bool:
    total = 0
    for i, c in enumerate(characters):
        value = c % 16 * (2 if i % 2 == 0 else 1)
        total += value - 9 if i % 2 == 0 and value > 9 else value
    return total % 10 == 0


def ean13_check_digit(characters: list[int]) -> int:
    values = [c % 16 for c in characters]
    return next(check for check in range(10) if (sum(values[::2]) + 3 * sum(values[1::2]) + check) % 10 == 0)


def isbn10_check_digit(characters: list[int]) -> int:
    values = [c % 16 for c in characters]
    return next(check for check in range(11)
                if sum((10 - i) * v for i, v in enumerate([*values, check])) % 11 == 0)


_DAMM_ROWS = """
    0317598642 7092154863 4206871359 1750983426 6123045978
    3674209581 5869720134 8945362017 9438617205 2581436790"""


def damm_step(interim: int, digit: int) -> int:
    return int(_DAMM_ROWS.split()[interim][digit])


def modulo_97_step(remainder: int, digit: int) -> int:
    return int(f"{remainder}{digit}") % 97


def _crc(data: list[int], width: int, polynomial: int, crc: int) -> int:
    """A CRC register, most significant bit first, after a buffer: the remainder of the message as one polynomial."""
    message = int.from_bytes(bytes(data), "big") << width
    return polynomial_remainder(message ^ (crc << 8 * len(data)), (1 << width) | polynomial)


def _reflected_crc(data: list[int], width: int, polynomial: int, crc: int) -> int:
    """The same for a register and bytes whose least significant bit comes first."""
    mirrored = [reversed_bits(x, 8) for x in data]
    return reversed_bits(_crc(mirrored, width, polynomial, reversed_bits(crc, width)), width)


def crc8_smbus(crc: int, data: list[int], n: int) -> int:
    return _crc(data, 8, 0x07, crc)


def crc8_onewire(data: list[int], n: int) -> int:
    return _reflected_crc(data, 8, 0x31, 0)


def crc16_ccitt(crc: int, data: list[int], n: int) -> int:
    return binascii.crc_hqx(bytes(data), crc)


def crc16_modbus(data: list[int], n: int) -> int:
    return _reflected_crc(data, 16, 0x8005, 0xFFFF)


def crc16_x25(data: list[int], n: int) -> int:
    return 0xFFFF - _reflected_crc(data, 16, 0x1021, 0xFFFF)


def crc24_openpgp(data: list[int], n: int) -> int:
    return _crc(data, 24, 0x864CFB, 0xB704CE)


def crc32_ieee(crc: int, data: list[int], n: int) -> int:
    return zlib.crc32(bytes(data), crc)


def crc32_mpeg2(data: list[int], n: int) -> int:
    # The same polynomial as zlib's, with every byte and the register the other way round.
    reflected = zlib.crc32(bytes(reversed_bits(x, 8) for x in data))
    return reversed_bits(reflected ^ 0xFFFFFFFF, 32)


def crc32c(crc: int, data: list[int], n: int) -> int:
    return _reflected_crc(data, 32, 0x1EDC6F41, 0xFFFFFFFF - crc) ^ 0xFFFFFFFF


def crc64_xz(crc: int, data: list[int], n: int) -> int:
    return 2 ** 64 - 1 - _reflected_crc(data, 64, 0x42F0E1EBA9EA3693, 2 ** 64 - 1 - crc)


def adler32_checksum(adler: int, data: list[int], n: int) -> int:
    return zlib.adler32(bytes(data), adler)


def _weighted(data: list[int], modulus: int) -> tuple[int, int]:
    """The two sums of a Fletcher checksum: of the elements, and of the elements times how many are left with them."""
    return sum(data) % modulus, sum((len(data) - i) * x for i, x in enumerate(data)) % modulus


def fletcher16(data: list[int], n: int) -> int:
    a, b = _weighted(data, 255)
    return 256 * b + a


def fletcher32(words: list[int], n: int) -> int:
    a, b = _weighted(words, 65535)
    return 65536 * b + a


def lrc_xor(data: list[int], n: int) -> int:
    columns = zip(*(format(x, "08b") for x in data), strict=True)
    return int("".join(str(column.count("1") % 2) for column in columns) or "0", 2)


def lrc_modbus(data: list[int], n: int) -> int:
    return next(check for check in range(256) if (sum(data) + check) % 256 == 0)


def intel_hex_record_is_valid(record: list[int], n: int) -> bool:
    total = 0
    for x in record:
        total = (total + x) % 256
    return total == 0


def bsd_checksum(data: list[int], n: int) -> int:
    check = 0
    for x in data:
        check = (check // 2 + 32768 * (check % 2) + x) % 65536
    return check
