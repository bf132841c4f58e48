"""References for `intents/dsp`: decision tables for the codecs, exact fractions for the filters."""

from __future__ import annotations

import bisect
import ctypes
import math
import operator
import statistics
from fractions import Fraction

from references.helpers import limit, nearest, reversed_bits, signed_limit, wrap

# G.711 tables 1a and 2a: the decision values of the positive half, in steps of the 13- and 14-bit scale.
_MULAW_DECISIONS: list[int] = [(16 + m) * 2 ** (e + 1) - 33 for e in range(8) for m in range(16)]
_ALAW_DECISIONS: list[int] = [2 * m for m in range(16)] + [(16 + m) * 2 ** s for s in range(1, 8) for m in range(16)]


def mulaw_encode(sample: int) -> int:
    value = math.floor(Fraction(sample, 4))
    level = bisect.bisect_right(_MULAW_DECISIONS, abs(value)) - 1
    return 0xFF ^ (level + (128 if sample < 0 else 0))


def mulaw_decode(code: int) -> int:
    level = (code ^ 0xFF) & 0x7F
    upper = [*_MULAW_DECISIONS, 8159][level + 1]
    value = 2 * (_MULAW_DECISIONS[level] + upper)
    return value if code >= 128 else -value


def alaw_encode(sample: int) -> int:
    value = math.floor(Fraction(sample, 8))
    level = bisect.bisect_right(_ALAW_DECISIONS, value if sample >= 0 else -1 - value) - 1
    return (level + (128 if sample >= 0 else 0)) ^ 0x55


def alaw_decode(code: int) -> int:
    level = (code ^ 0x55) & 0x7F
    value = 4 * (_ALAW_DECISIONS[level] + [*_ALAW_DECISIONS, 4096][level + 1])
    return value if code >= 128 else -value


_STEP_SIZES = """
    7 8 9 10 11 12 13 14 16 17 19 21 23 25 28 31 34 37 41 45 50 55 60 66 73 80 88 97 107 118 130 143 157 173 190 209
    230 253 279 307 337 371 408 449 494 544 598 658 724 796 876 963 1060 1166 1282 1411 1552 1707 1878 2066 2272 2499
    2749 3024 3327 3660 4026 4428 4871 5358 5894 6484 7132 7845 8630 9493 10442 11487 12635 13899 15289 16818 18500
    20350 22385 24623 27086 29794 32767"""


def ima_adpcm_step_size(index: int) -> int:
    return int(_STEP_SIZES.split()[index])


def ima_adpcm_next_index(index: int, code: int) -> int:
    magnitude = code % 8
    return limit(index + (2 * (magnitude - 3) if magnitude >= 4 else -1), 0, 88)


def ima_adpcm_predict(predicted: int, step: int, code: int) -> int:
    difference = step // 8
    for bit, divisor in ((4, 1), (2, 2), (1, 4)):
        if code & bit:
            difference += step // divisor
    return signed_limit(predicted + (-difference if code & 8 else difference), 16)


def sine_u8_phase(phase: int) -> int:
    return round(127 * math.sin(2 * math.pi * phase / 256))


def biquad_q14(x: int, x1: int, x2: int, y1: int, y2: int, b0: int, b1: int, b2: int, a1: int, a2: int) -> int:
    one = Fraction(1, 2 ** 14)
    exact = b0 * one * x + b1 * one * x1 + b2 * one * x2 - a1 * one * y1 - a2 * one * y2
    return signed_limit(nearest(exact), 16)


def fir4_q15(samples: list[int], taps: list[int]) -> int:
    total = Fraction(0)
    for i in range(4):
        total += samples[i] * Fraction(taps[i], 2 ** 15)
    return signed_limit(nearest(total), 16)


def dot_product4(a: list[int], b: list[int]) -> int:
    total = 0
    for i in range(4):
        total += a[i] * b[i]
    return total


def mean_of_8(samples: list[int]) -> int:
    return math.floor(Fraction(sum(samples), 8))


def median_of_3(a: int, b: int, c: int) -> int:
    return int(statistics.median((a, b, c)))


def median_of_5(samples: list[int]) -> int:
    return int(statistics.median(samples))


def mix_two_samples(a: int, b: int) -> int:
    return signed_limit(a + b, 16)


def apply_gain_q8(sample: int, gain: int) -> int:
    return signed_limit(math.floor(sample * Fraction(gain, 256)), 16)


def low_pass_step(state: int, sample: int, alpha: int) -> int:
    return math.floor(state + (sample - state) * Fraction(alpha, 65536))


def goertzel_step(sample: int, s1: int, s2: int, coefficient: int) -> int:
    return wrap(ctypes.c_int32, sample + math.floor(Fraction(coefficient, 16384) * s1) - s2)


def apply_deadband(x: int, width: int) -> int:
    return int(math.copysign(max(0, abs(x) - width), x))


def schmitt_trigger(state: bool, x: int, low: int, high: int) -> bool:
    if x >= high:
        return True
    if x <= low:
        return False
    return bool(state)


def limit_slew(value: int, target: int, step: int) -> int:
    return limit(target, value - step, value + step)


def pid_integrate(integral: int, error: int, gain: int, low: int, high: int) -> int:
    return limit(integral + error * gain, low, high)


def pid_output(setpoint: int, measured: int, integral: int, previous_error: int,
               kp: int, ki: int, kd: int, bound: int) -> int:
    error = setpoint - measured
    exact = Fraction(kp, 256) * error + Fraction(ki, 256) * integral + Fraction(kd, 256) * (error - previous_error)
    return limit(math.floor(exact), -bound, bound)


def sum_of_absolute_differences8(a: list[int], b: list[int]) -> int:
    return sum(max(a[i], b[i]) - min(a[i], b[i]) for i in range(8))


def fft_bit_reverse_index(index: int) -> int:
    return reversed_bits(index, 10)


def dot_product_i16(a: list[int], b: list[int], n: int) -> int:
    return sum(map(operator.mul, a, b))


def dot_product_i16_wrapping(a: list[int], b: list[int], n: int) -> int:
    total = 0
    for i in range(n):
        total = wrap(ctypes.c_int32, total + a[i] * b[i])
    return total


def sum_of_squares_i16(samples: list[int], n: int) -> int:
    return sum(map(operator.mul, samples, samples))


def sum_of_absolute_differences(a: list[int], b: list[int], n: int) -> int:
    return sum(max(x, y) - min(x, y) for x, y in zip(a, b, strict=True))


def peak_level(samples: list[int], n: int) -> int:
    return max(max(samples, default=0), -min(samples, default=0), 0)


def zero_crossings(samples: list[int], n: int) -> int:
    signs = "".join("-" if x < 0 else "+" for x in samples)
    return signs.count("-+") + signs.count("+-")


def mix_saturating_i16(out: list[int], a: list[int], b: list[int], n: int) -> None:
    out[:] = [signed_limit(a[i] + b[i], 16) for i in range(n)]


def scale_and_shift_i16(out: list[int], samples: list[int], n: int, factor: int, shift: int) -> None:
    out[:] = [signed_limit(math.floor(Fraction(x * factor, 2 ** shift)), 16) for x in samples]


def apply_gain_q15(samples: list[int], n: int, gain: int) -> None:
    samples[:] = [math.floor(x * Fraction(gain, 32768)) for x in samples]


def stereo_to_mono(out: list[int], frames: list[int], n: int) -> None:
    out[:] = [math.floor(Fraction(left + right, 2))
              for left, right in zip(frames[::2], frames[1::2], strict=True)]


def mono_to_stereo(frames: list[int], samples: list[int], n: int) -> None:
    frames[::2] = frames[1::2] = samples


def pcm_u8_to_i16(out: list[int], samples: list[int], n: int) -> None:
    out[:] = [wrap(ctypes.c_int16, (x ^ 0x80) << 8) for x in samples]
