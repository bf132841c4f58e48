"""References for `intents/sensor`: exact fractions of the data sheets' formulas."""

from __future__ import annotations

import math
from fractions import Fraction

from references.helpers import limit, nearest, polynomial_remainder


def fahrenheit_from_celsius(tenths: int) -> int:
    return nearest(Fraction(tenths, 10) * Fraction(9, 5) * 10 + 320)


def celsius_from_fahrenheit(tenths: int) -> int:
    return nearest((Fraction(tenths, 10) - 32) * Fraction(5, 9) * 10)


def adc_to_millivolts(reading: int, reference: int) -> int:
    return nearest(Fraction(reading, 4095) * reference)


def ds18b20_temperature(register_value: int) -> int:
    sixteenths = int.from_bytes(register_value.to_bytes(2, "big"), "big", signed=True)
    return int(Fraction(sixteenths, 16) * 10000)


def lm75_temperature(register_value: int) -> int:
    halves = register_value // 128
    return int(Fraction(halves - 512 if halves >= 256 else halves, 2) * 1000)


def sht3x_temperature(raw: int) -> int:
    return nearest((-45 + 175 * Fraction(raw, 65535)) * 100)


def sht3x_checksum(word: list[int]) -> int:
    return polynomial_remainder((int.from_bytes(bytes(word), "big") ^ 0xFF00) << 8, 0x131)


def bmp180_temperature(raw: int, ac5: int, ac6: int, mc: int, md: int) -> int:
    x1 = math.floor((raw - ac6) * Fraction(ac5, 2 ** 15))
    x2 = math.floor(mc * Fraction(2 ** 11, x1 + md))
    return math.floor(Fraction(x1 + x2 + 8, 2 ** 4))


def bmp280_temperature(raw: int, t1: int, t2: int, t3: int) -> int:
    var1 = math.floor(Fraction((raw // 8 - 2 * t1) * t2, 2048))
    square = (raw // 16 - t1) * (raw // 16 - t1)
    var2 = math.floor(Fraction(square // 4096 * t3, 16384))
    return math.floor(Fraction(5 * (var1 + var2) + 128, 256))


def ina219_bus_millivolts(register_value: int) -> int:
    return math.floor(Fraction(register_value, 8)) * 4


def divider_resistance(reading: int, series: int) -> int:
    return nearest(Fraction(series * reading, 4095 - reading))


def battery_percent(millivolts: int) -> int:
    return limit(math.floor(Fraction(millivolts - 3300, 4200 - 3300) * 100), 0, 100)


def nmea_degrees(value: int) -> int:
    degrees, minutes = divmod(value, 1000000)
    return nearest((degrees + Fraction(minutes, 60 * 10000)) * 10 ** 7)


def kilometres_per_hour(knots: int) -> int:
    return nearest(knots * Fraction(1852, 1000))
