"""References for `intents/programs`, by Python's library, where no tool of the system does the same.

Each takes the arguments and standard input, and gives standard output, for exit status 0, or another exit status.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import html
import math
import re
import string
import urllib.parse
import zlib
from collections import Counter
from collections.abc import Iterable

Arguments = list[bytes]


def _lines(numbers: Iterable[object]) -> bytes:
    return "".join(f"{n}\n" for n in numbers).encode()


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i:i + size] for i in range(0, len(data), size)]


def printable_ascii(args: Arguments, stdin: bytes) -> bytes:
    return bytes(c for c in range(128) if chr(c).isprintable()) + b"\n"


def powers_of_two(args: Arguments, stdin: bytes) -> bytes:
    return f"{1 << 10} {hex(1 << 10)} {oct(1 << 10)[2:]} {bin(1 << 10)[2:]}\n".encode()


def temperature_table(args: Arguments, stdin: bytes) -> bytes:
    return b"".join(b"%3d %6d\n" % (f, math.floor((f - 32) / 1.8)) for f in range(0, 301, 20))


def fizzbuzz_to(args: Arguments, stdin: bytes) -> bytes:
    numbers: list[object] = list(range(1, int(args[0]) + 1))
    numbers[2::3] = ["Fizz"] * len(numbers[2::3])
    numbers[4::5] = ["Buzz"] * len(numbers[4::5])
    numbers[14::15] = ["FizzBuzz"] * len(numbers[14::15])
    return _lines(numbers)


def fizzbuzz(args: Arguments, stdin: bytes) -> bytes:
    return fizzbuzz_to([b"100"], stdin)


def wc(args: Arguments, stdin: bytes) -> bytes:
    return b"%7d %7d %7d\n" % (stdin.count(b"\n"), len(stdin.split()), len(stdin))


def caesar(args: Arguments, stdin: bytes) -> bytes:
    key = int(args[0]) % 26
    upper, lower = string.ascii_uppercase.encode(), string.ascii_lowercase.encode()
    return stdin.translate(bytes.maketrans(upper + lower, upper[key:] + upper[:key] + lower[key:] + lower[:key]))


def xor_key(args: Arguments, stdin: bytes) -> bytes:
    key = (args[0] * (len(stdin) // len(args[0]) + 1))[:len(stdin)]
    return (int.from_bytes(stdin, "big") ^ int.from_bytes(key, "big")).to_bytes(len(stdin), "big")


def translate(args: Arguments, stdin: bytes) -> bytes:
    # In the table the last entry counts, in the contract the first.
    return stdin.translate(bytes.maketrans(args[0][::-1], args[1][::-1]))


def delete_bytes(args: Arguments, stdin: bytes) -> bytes:
    return stdin.translate(None, args[0])


def unix_to_dos(args: Arguments, stdin: bytes) -> bytes:
    return re.sub(rb"(?<!\r)\n", b"\r\n", stdin)


def rev_bytes(args: Arguments, stdin: bytes) -> bytes:
    return stdin[::-1]


def rev(args: Arguments, stdin: bytes) -> bytes:
    return b"\n".join(line[::-1] for line in stdin.split(b"\n"))


def sort_bytes(args: Arguments, stdin: bytes) -> bytes:
    return bytes(sorted(stdin))


def words_by_line(args: Arguments, stdin: bytes) -> bytes:
    return b"".join(word + b"\n" for word in re.findall(b"[A-Za-z]+", stdin))


def field(args: Arguments, stdin: bytes) -> bytes:
    delimiter, number = args[0], int(args[1])
    lines = stdin.removesuffix(b"\n").split(b"\n") if stdin else []
    fields = [line.split(delimiter) for line in lines]
    return b"".join((line[number - 1] if number <= len(line) else b"") + b"\n" for line in fields)


def html_escape(args: Arguments, stdin: bytes) -> bytes:
    return html.escape(stdin.decode("latin-1")).encode("latin-1")


def url_encode(args: Arguments, stdin: bytes) -> bytes:
    return urllib.parse.quote(stdin, safe="").encode()


def url_decode(args: Arguments, stdin: bytes) -> bytes:
    return urllib.parse.unquote_to_bytes(stdin)


def to_hex(args: Arguments, stdin: bytes) -> bytes:
    return b"".join(binascii.hexlify(piece) + b"\n" for piece in _pieces(stdin, 30))


def from_hex(args: Arguments, stdin: bytes) -> bytes | int:
    try:
        return binascii.unhexlify(b"".join(stdin.split()))
    except binascii.Error:
        return 1


def hexdump(args: Arguments, stdin: bytes) -> bytes:
    lines = []
    for number, piece in enumerate(_pieces(stdin, 16)):
        first, second = piece[:8].hex(" "), piece[8:].hex(" ")
        characters = re.sub("[^ -~]", ".", piece.decode("latin-1"))
        lines.append(f"{16 * number:08x}  {first:23}  {second:23}  |{characters}|\n")
    return "".join([*lines, f"{len(stdin):08x}\n" if stdin else ""]).encode()


def c_array(args: Arguments, stdin: bytes) -> bytes:
    lines = ["  " + ", ".join(map("0x{:02x}".format, piece)) for piece in _pieces(stdin, 12)]
    return ",\n".join(lines).encode() + (b"\n" if stdin else b"")


def base64_decode(args: Arguments, stdin: bytes) -> bytes | int:
    try:
        return base64.b64decode(stdin.replace(b"\n", b""), validate=True)
    except binascii.Error:
        return 1


def uuencode(args: Arguments, stdin: bytes) -> bytes:
    body = b"".join(binascii.b2a_uu(piece, backtick=True) for piece in _pieces(stdin, 45))
    return b"begin 644 " + args[0] + b"\n" + body + b"`\nend\n"


_LETTERS = (".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- "
            "--..")


def morse(args: Arguments, stdin: bytes) -> bytes:
    figures = [("." * n + "-" * 5)[:5] if n <= 5 else ("-" * (n - 5) + "." * 5)[:5] for n in range(10)]
    codes = dict(zip(string.ascii_uppercase + string.digits, _LETTERS.split() + figures, strict=True))
    words = re.findall("[A-Z0-9]+", stdin.decode("latin-1").replace("\xff", " ").translate(
        str.maketrans(string.ascii_lowercase, string.ascii_uppercase)))
    return "/ ".join("".join(codes[c] + " " for c in word) for word in words).encode() + b"\n"


def crc32(args: Arguments, stdin: bytes) -> bytes:
    return b"%08x\n" % zlib.crc32(stdin)


def adler32(args: Arguments, stdin: bytes) -> bytes:
    return b"%08x\n" % zlib.adler32(stdin)


def sum_numbers(args: Arguments, stdin: bytes) -> bytes | int:
    if not re.fullmatch(b"[0-9\n]*", stdin):
        return 1
    return _lines([sum(map(int, stdin.split())) % 2 ** 64])


def ascii_stats(args: Arguments, stdin: bytes) -> bytes:
    counts = [len(re.findall(kind, stdin)) for kind in (b"[A-Za-z]", b"[0-9]", rb"[ \t\n\v\f\r]")]
    return b"letters %d\ndigits %d\nspaces %d\nother %d\n" % (*counts, len(stdin) - sum(counts))


def longest_line(args: Arguments, stdin: bytes) -> bytes:
    return _lines([max(map(len, stdin.split(b"\n")))])


def byte_histogram(args: Arguments, stdin: bytes) -> bytes:
    return b"".join(b"%02x %d\n" % item for item in sorted(Counter(stdin).items()))


def tally(args: Arguments, stdin: bytes) -> bytes:
    return _lines([stdin.count(args[0])])


def has_byte(args: Arguments, stdin: bytes) -> int:
    return int(stdin.find(args[0]) < 0)


def is_utf8(args: Arguments, stdin: bytes) -> int:
    try:
        stdin.decode("utf-8")
    except UnicodeDecodeError:
        return 1
    return 0


def is_sorted(args: Arguments, stdin: bytes) -> int:
    return int(bytes(sorted(stdin)) != stdin)


def is_palindrome(args: Arguments, stdin: bytes) -> int:
    return int(args[0] != args[0][::-1])


def luhn(args: Arguments, stdin: bytes) -> int:
    digits = args[0].decode()[::-1]
    doubled = "".join(str(2 * int(d)) for d in digits[1::2])
    # The sum of the digits of 2 * d is 2 * d, or that less nine.
    return int(sum(map(int, digits[0::2] + doubled)) % 10 != 0)


def add(args: Arguments, stdin: bytes) -> bytes:
    return _lines([sum(map(int, args))])


def gcd(args: Arguments, stdin: bytes) -> bytes:
    return _lines([math.gcd(*map(int, args))])


def count_factors(args: Arguments, stdin: bytes) -> bytes:
    n = int(args[0])
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return _lines([len({*small, *(n // d for d in small)})])


def primes(args: Arguments, stdin: bytes) -> bytes:
    limit = int(args[0])
    left = set(range(2, limit))
    for d in range(2, math.isqrt(limit) + 1):
        left -= set(range(d * d, limit, d))
    return _lines(sorted(left))


def fibonacci(args: Arguments, stdin: bytes) -> bytes:
    golden = [[1, 1], [1, 0]]
    power = [[1, 0], [0, 1]]
    for _ in range(int(args[0])):
        power = [[sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*golden, strict=True)]
                 for row in power]
    return _lines([power[0][1]])


def factorial(args: Arguments, stdin: bytes) -> bytes:
    return _lines([math.factorial(int(args[0]))])


def collatz(args: Arguments, stdin: bytes) -> bytes:
    numbers = [int(args[0])]
    while numbers[-1] != 1:
        half, odd = divmod(numbers[-1], 2)
        numbers.append(6 * half + 4 if odd else half)
    return _lines(numbers)


def convert_number(args: Arguments, stdin: bytes) -> bytes:
    n = int(args[0])
    return f"{format(n, ',')} {hex(n)} {oct(n)} {bin(n)}\n".encode()


def roman(args: Arguments, stdin: bytes) -> bytes:
    text = "I" * int(args[0])
    for one, five, ten in ("IVX", "XLC", "CDM"):
        text = text.replace(5 * one, five).replace(2 * five, ten)
        text = text.replace(five + 4 * one, one + ten).replace(4 * one, one + five)
    return text.encode() + b"\n"


def leap_years(args: Arguments, stdin: bytes) -> bytes:
    first, last = map(int, args)
    return b"".join(b"%04d\n" % year for year in range(first, last + 1) if calendar.isleap(year))


def hanoi(args: Arguments, stdin: bytes) -> bytes:
    def moved(discs: int, source: int, target: int) -> list[str]:
        if discs == 0:
            return []
        other = 6 - source - target
        return [*moved(discs - 1, source, other), f"{source} {target}", *moved(discs - 1, other, target)]
    discs = int(args[0])
    # The way round the pegs depends on whether the number of discs is even.
    return _lines(moved(discs, 1, 3 if discs % 2 else 2))


def sierpinski(args: Arguments, stdin: bytes) -> bytes:
    rows = int(args[0])
    drawn = ["".join("  *"[2 * (math.comb(n, k) % 2):][:2].rjust(2) for k in range(n + 1)) for n in range(rows)]
    return _lines(" " * (rows - 1 - n) + row for n, row in enumerate(drawn))
