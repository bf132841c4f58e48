"""What the benchmark of programs runs them with, and which tools do the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

Arguments = tuple[str, ...]

MIB = 1 << 20
WORDS = (b"a", b"the", b"Banana", b"x=1", b"{", b"}", b"100%", b"it's", b"7,8", b"42", b"uninterruptedly")
BLANKS = (b" ", b" ", b" ", b"  ", b"\t", b"        ", b"\n", b"\n", b"\r\n", b"\n\n")


@dataclass(frozen=True)
class Peer:
    """A command that does the same without arguments."""

    command: Arguments
    text_only: bool = False
    """Of other bytes than ASCII it makes something else."""
    columns: bool = True
    """It has as many blanks in front of its numbers."""

    def same(self, output: bytes, expected: bytes) -> bool:
        return output == expected if self.columns else output.split() == expected.split()


@dataclass(frozen=True)
class Case:
    """A program that is compared without arguments, and with those that are given."""

    arguments: tuple[Arguments, ...] = ()
    numbers: bool = False
    """It reads numbers."""
    timed: bool = False
    """It goes through a large file."""
    peers: Mapping[str, Peer] | None = None
    """By whose they are."""


def _peers(coreutils: Peer, *busybox: str) -> dict[str, Peer]:
    return {"tool": coreutils, "busybox": Peer(("busybox", *(busybox or coreutils.command)), columns=False)}


USAGE: tuple[Arguments, ...] = (("",), ("x",), ("-",), ("1x",), ("1", "2", "3"), ("1" * 20,))
"""What no program takes."""

CASES: dict[str, Case] = {
    "hello": Case(peers={"tool": Peer(("echo", "hello, world"))}),
    "true": Case(peers=_peers(Peer(("true",)))),
    "cat": Case(timed=True, peers=_peers(Peer(("cat",)))),
    "wc": Case(timed=True, peers={"tool": Peer(("wc",), text_only=True),
                                  "busybox": Peer(("busybox", "wc"), text_only=True, columns=False)}),
    "upper": Case(timed=True, peers=_peers(Peer(("tr", "a-z", "A-Z")))),
    "rot13_text": Case(timed=True, peers=_peers(Peer(("tr", "A-Za-z", "N-ZA-Mn-za-m")))),
    "strip_cr": Case(timed=True, peers=_peers(Peer(("tr", "-d", r"\r")))),
    "rev_bytes": Case(timed=True),
    "hexdump": Case(timed=True, peers=_peers(Peer(("hexdump", "-v", "-C")))),
    "od_hex": Case(timed=True, peers=_peers(Peer(("od", "-An", "-tx1", "-v")))),
    "base64": Case(timed=True, peers=_peers(Peer(("base64",)))),
    "crc32": Case(timed=True),
    "cksum": Case(timed=True, peers=_peers(Peer(("cksum",)))),
    "adler32": Case(timed=True),
    "expand": Case(timed=True, peers=_peers(Peer(("expand",)))),
    "sum_numbers": Case(numbers=True),
    "head_bytes": Case((("0",), ("7",), ("0065537",), ("100000000000000000",), *USAGE)),
    "fizzbuzz": Case(),
    "primes": Case((("0",), ("2",), ("3",), ("0030",), ("2000",), ("1000000x",), *USAGE)),
    "seq": Case((("1", "10"), ("-12", "-3"), ("-0", "007"), ("5", "1"), ("1", "30000"), ("999999999", "999999999"),
                 ("--1", "2"), ("1", ""), *USAGE)),
}
"""By the name of the program, for each C file there is in the folder `programs`."""


def text(size: int, seed: int = 1) -> bytes:
    """Words and blanks, in lines."""
    random = Random(seed)
    made = bytearray()
    while len(made) < size:
        made += random.choice(WORDS) + random.choice(BLANKS)
    return bytes(made[:size])


def inputs(case: Case) -> list[tuple[bytes, bool]]:
    """What outputs are compared for, and whether it is text: ends of blocks and lines are among them."""
    random = Random(2)
    if case.numbers:
        column = b"".join(b"%d\n" % random.randrange(10 ** random.randint(1, 12)) for _ in range(12_000))
        few = (b"", b"12\n", b"007", b"\n\n1", b"1\n-2\n", b"1\n2x")
        return [(data, True) for data in (*few, column, column + b" ")]
    texts = [b"", b"a", b"\n", b" no line end", b"\t\tx\n1234567\t|", text(1000), text(65_536, 3), text(140_000, 4)]
    data = [bytes(range(256)), b"\b\t\b\b\t|\n\b\t|", random.randbytes(56), random.randbytes(58),
            random.randbytes(58_368), random.randbytes(65_535), random.randbytes(131_073)]
    return [*((made, True) for made in texts), *((made, False) for made in data)]


def large(megabytes: float) -> bytes:
    """Half of it text, half of it bytes."""
    half = int(megabytes * MIB / 2)
    made = text(min(half, MIB)), Random(5).randbytes(min(half, MIB))
    return b"".join((part * (half // max(len(part), 1) + 1))[:half] for part in made)
