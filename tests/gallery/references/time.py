"""References for `intents/time`, by `datetime` and `calendar`."""

from __future__ import annotations

import calendar
import datetime
import math
from fractions import Fraction

from references.helpers import digits, number

CYCLE = 400
CYCLE_DAYS = 146097
EPOCH = datetime.date(1970, 1, 1).toordinal()


def is_leap_year(year: int) -> bool:
    return calendar.isleap(year)


def days_in_month(year: int, month: int) -> int:
    return calendar.monthrange(year % CYCLE + CYCLE, month)[1]


def _first_of(year: int, month: int) -> int:
    """Days from 1970-01-01 to the first of a month, also for years that `datetime` does not have."""
    cycles, within = divmod(year - 1, CYCLE)
    return datetime.date(within + 1, month, 1).toordinal() - EPOCH + cycles * CYCLE_DAYS


def day_of_year(year: int, month: int, day: int) -> int:
    return _first_of(year, month) - _first_of(year, 1) + day


def days_from_civil(year: int, month: int, day: int) -> int:
    return _first_of(year, month) + day - 1


def civil_from_days_packed(days: int) -> int:
    date = datetime.date.fromordinal(days + EPOCH)
    return number(digits(date.year, 14) + digits(date.month, 4) + digits(date.day, 5))


def iso_weekday(days: int) -> int:
    return datetime.date.fromordinal((days + EPOCH - 1) % CYCLE_DAYS + 1).isoweekday()


def iso_week(days: int) -> int:
    return datetime.date.fromordinal(days + EPOCH).isocalendar().week


def easter_sunday(year: int) -> int:
    # Gauss's method in Knuth's form, The Art of Computer Programming, volume 1, exercise 1.3.2-14.
    golden = year % 19 + 1
    century = year // 100 + 1
    x = 3 * century // 4 - 12
    z = (8 * century + 5) // 25 - 5
    d = 5 * year // 4 - x - 10
    epact = (11 * golden + 20 + z - x) % 30
    if (epact == 25 and golden > 11) or epact == 24:
        epact += 1
    n = 44 - epact
    if n < 21:
        n += 30
    n += 7 - (d + n) % 7
    month, day = (4, n - 31) if n > 31 else (3, n)
    return month * 32 + day


def split_seconds_of_day(seconds: int) -> int:
    moment = datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=seconds)
    return int.from_bytes(bytes([moment.hour, moment.minute, moment.second]), "big")


def unix_from_utc(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    days = datetime.timedelta(days=days_from_civil(year, month, day))
    moment = days + datetime.timedelta(hours=hour, minutes=minute, seconds=second)
    return moment // datetime.timedelta(seconds=1)


def unix_from_ntp(timestamp: int) -> int:
    century_start = datetime.date(1900, 1, 1).toordinal()
    return math.floor(Fraction(timestamp, 2 ** 32)) - (EPOCH - century_start) * 86400


def ntp_from_unix(seconds: int, nanoseconds: int) -> int:
    century_start = datetime.date(1900, 1, 1).toordinal()
    exact = seconds + (EPOCH - century_start) * 86400 + Fraction(nanoseconds, 10 ** 9)
    return math.floor(exact * 2 ** 32) % 2 ** 64


def ntp_fraction_to_microseconds(fraction: int) -> int:
    return math.floor(Fraction(fraction, 2 ** 32) * 10 ** 6)


def dos_date_pack(year: int, month: int, day: int) -> int:
    return number(digits(year - 1980, 7) + digits(month, 4) + digits(day, 5))


def dos_time_pack(hour: int, minute: int, second: int) -> int:
    return number(digits(hour, 5) + digits(minute, 6) + digits(second // 2, 5))


def dos_seconds_of_day(packed: int) -> int:
    text = digits(packed, 16)
    return (number(text[:5]) * 60 + number(text[5:11])) * 60 + 2 * number(text[11:])


def unix_from_filetime(ticks: int) -> int:
    start = datetime.date(1601, 1, 1).toordinal()
    return math.floor(Fraction(ticks, 10 ** 7)) - (EPOCH - start) * 86400


def unix_from_gps(week: int, second_of_week: int, leap_seconds: int) -> int:
    start = datetime.date(1980, 1, 6).toordinal() - EPOCH
    return ((start + 7 * week) * 86400 + second_of_week) - leap_seconds


def rtc_ticks_to_milliseconds(ticks: int) -> int:
    return math.floor(Fraction(ticks, 32768) * 1000)


def timer_is_after(a: int, b: int) -> bool:
    ahead = (a - b) % 2 ** 32
    return 0 < ahead <= 2 ** 31


def hour_12(hour: int) -> int:
    return int(datetime.time(hour).strftime("%I"))
