"""References for `intents/graphics`: exact fractions of the published formulas."""

from __future__ import annotations

import math
from fractions import Fraction

from references.helpers import digits, limit, nearest, number


def rgb565_pack(red: int, green: int, blue: int) -> int:
    return number(digits(red, 8)[:5] + digits(green, 8)[:6] + digits(blue, 8)[:5])


def _widened(field: str) -> int:
    return number((field * 2)[:8])


def rgb565_unpack(pixel: int) -> int:
    text = digits(pixel, 16)
    return int.from_bytes(bytes([_widened(text[:5]), _widened(text[5:11]), _widened(text[11:])]), "big")


def luma_bt601(red: int, green: int, blue: int) -> int:
    return nearest(Fraction(19595, 65536) * red + Fraction(38470, 65536) * green + Fraction(7471, 65536) * blue)


def chroma_blue_bt601(red: int, green: int, blue: int) -> int:
    exact = 128 + Fraction(-11059, 65536) * red - Fraction(21709, 65536) * green + Fraction(blue, 2)
    return limit(nearest(exact), 0, 255)


def red_from_ycc_bt601(luma: int, chroma_red: int) -> int:
    return limit(nearest(luma + Fraction(91881, 65536) * (chroma_red - 128)), 0, 255)


def green_from_ycc_bt601(luma: int, chroma_blue: int, chroma_red: int) -> int:
    exact = luma - Fraction(22554, 65536) * (chroma_blue - 128) - Fraction(46802, 65536) * (chroma_red - 128)
    return limit(nearest(exact), 0, 255)


def divide_by_255_rounded(x: int) -> int:
    return nearest(Fraction(x, 255))


def blend_channel(source: int, background: int, alpha: int) -> int:
    return nearest(background + (source - background) * Fraction(alpha, 255))


def blend_argb(source: int, background: int) -> int:
    alpha = source.to_bytes(4, "big")[0]
    return int.from_bytes(bytes(
        limit(s + nearest(b * Fraction(255 - alpha, 255)), 0, 255)
        for s, b in zip(source.to_bytes(4, "big"), background.to_bytes(4, "big"), strict=True)), "big")


def swap_red_blue(pixel: int) -> int:
    alpha, red, green, blue = pixel.to_bytes(4, "big")
    return int.from_bytes(bytes([alpha, blue, green, red]), "big")


def hsv_to_rgb(hue: int, saturation: int, value: int) -> int:
    s = Fraction(saturation, 255)
    i, f = divmod(hue, 256)
    p = value * (1 - s)
    q = value * (1 - s * Fraction(f, 256))
    t = value * (1 - s * (1 - Fraction(f, 256)))
    v = Fraction(value)
    # The order of Python's colorsys.hsv_to_rgb.
    colour = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)][i]
    return int.from_bytes(bytes(map(nearest, colour)), "big")


def bilinear_sample(p00: int, p10: int, p01: int, p11: int, fx: int, fy: int) -> int:
    t, u = Fraction(fx, 256), Fraction(fy, 256)
    return nearest((1 - t) * (1 - u) * p00 + t * (1 - u) * p10 + (1 - t) * u * p01 + t * u * p11)


def edge_function(ax: int, ay: int, bx: int, by: int, px: int, py: int) -> int:
    # The shoelace formula of the triangle a, b, p.
    return ax * by - bx * ay + bx * py - px * by + px * ay - ax * py


def rectangles_overlap(ax0: int, ay0: int, ax1: int, ay1: int, bx0: int, by0: int, bx1: int, by1: int) -> bool:
    return (len(range(max(ax0, bx0), min(ax1, bx1))) > 0) and (len(range(max(ay0, by0), min(ay1, by1))) > 0)


def bayer_threshold4(intensity: int, x: int, y: int) -> bool:
    # The matrix by its recursion: M(2n) is 4 M(n) plus 0, 2, 3, 1 in the four quadrants.
    def entry(row: int, column: int, size: int) -> int:
        if size == 1:
            return 0
        half = size // 2
        return 4 * entry(row % half, column % half, half) + [[0, 2], [3, 1]][row // half][column // half]

    return intensity > 16 * entry(y % 4, x % 4, 4) + 8


def convolve3x3(pixels: list[int], weights: list[int], shift: int) -> int:
    total = 0
    for pixel, weight in zip(pixels, weights, strict=True):
        total += pixel * weight
    return limit(math.floor(Fraction(total, 2 ** shift)), 0, 255)


def average_rows(out: list[int], a: list[int], b: list[int], n: int) -> None:
    out[:] = [nearest(Fraction(a[i] + b[i], 2)) for i in range(n)]


def threshold_row(out: list[int], row: list[int], n: int, level: int) -> None:
    out[:] = bytes(row).translate(bytes(level + 1) + b"\xff" * (255 - level))


def expand_rgb565_row(out: list[int], row: list[int], n: int) -> None:
    out[:] = [rgb565_unpack(pixel) for pixel in row]


def grey_to_rgb_row(out: list[int], row: list[int], n: int) -> None:
    out[::3] = out[1::3] = out[2::3] = row


def swap_red_blue_row(out: list[int], row: list[int], n: int) -> None:
    out[::3], out[1::3], out[2::3] = row[2::3], row[1::3], row[::3]


def blend_rows(out: list[int], foreground: list[int], background: list[int], n: int, opacity: int) -> None:
    weight = Fraction(opacity, 255)
    out[:] = [nearest(weight * f + (1 - weight) * b) for f, b in zip(foreground, background, strict=True)]
