"""References for `intents/device`, by definition."""

from __future__ import annotations

from fractions import Fraction

from references.helpers import digits, nearest, number

_SEGMENTS = "abcdef bc abdeg abcdg bcfg acdfg acdefg abc abcdefg abcdfg abcefg cdefg adef bcdeg adefg aefg"
_FORWARD = ("00", "01", "11", "10")


def quadrature_step(before: int, now: int) -> int:
    turn = (_FORWARD.index(digits(now % 4, 2)) - _FORWARD.index(digits(before % 4, 2))) % 4
    return {0: 0, 1: 1, 2: 0, 3: -1}[turn]


def pwm_compare(period: int, duty: int) -> int:
    return nearest(period * min(Fraction(duty, 1000), Fraction(1)))


def servo_pulse(angle: int) -> int:
    return nearest(1000 + Fraction(min(angle, 180), 180) * 1000)


def stepper_half_step(counter: int) -> int:
    sequence = ["A", "AB", "B", "BC", "C", "CD", "D", "DA"]
    return sum(1 << "ABCD".index(coil) for coil in sequence[counter % 8])


def seven_segment(digit: int) -> int:
    return sum(1 << "abcdefg".index(segment) for segment in _SEGMENTS.split()[digit % 16])


def uart_divisor(clock: int, baud: int) -> int:
    return nearest(Fraction(clock, 16 * baud) - 1)


def debounce_state(pressed: bool, samples: int) -> bool:
    return {"11111111": True, "00000000": False}.get(digits(samples, 8), bool(pressed))


def nec_frame_is_valid(frame: int) -> bool:
    address, inverted_address, command, inverted_command = frame.to_bytes(4, "little")
    return address + inverted_address == 255 and command + inverted_command == 255


def swd_request(access_port: bool, read: bool, address: int) -> int:
    middle = [int(access_port), int(read), address >> 2 & 1, address >> 3 & 1]
    sent = [1, *middle, sum(middle) % 2, 0, 1]
    return number("".join(map(str, reversed(sent))))
