"""What programs are run on: the examples, and where the contract has formulas, inputs chosen and random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle, OracleFault, shown
from intent_tool.language.oracle_runtime import BUDGET
from intent_tool.language.tree import Bytes, Integer, Node
from intent_tool.language.walk import definition_reads, descendants, free_names

_INPUTS = (b"", b"\n", b"a", b"ab cd\n\n", b"\x00\xff", bytes(range(256)), b"0123456789 " * 700)
_ARGUMENTS: tuple[tuple[bytes, ...], ...] = ((), (b"",), (b"1",), (b"-1", b"x y"))
_ODD_ARGUMENTS = (b"0", b"7", b"42", b"-0", b"+5", b"007", b" 8", b"9 ", b"1_0", b"255", b"256", b"-129", b"65536",
                  b"2147483647", b"2147483648", b"-2147483649", b"4294967296", b"9223372036854775807",
                  b"9223372036854775808", b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616",
                  b"123456789012345678901234567890", b"-", b"--", b"-n", b"a", b"abc", b"A b", b"\xc3\xa9", b"\n",
                  b"0x10", b"1e3", b"x" * 5000)
_SMALL = (1, 2, 3, 5, 16, 100, 1000)
BLOCKS = (4096, 65536, 131072)
"""Bytes that programs are likely to read at once."""
_SIZES = (4095, 4096, 4097, 131073, 65537, 65536, 131072, 131071, 65535)
_STEPS = 5_000_000
"""What the oracle may spend on inputs in all, in its own measure."""
_MUTATIONS = 16
_PIECE, _PIECES = 2011, 5


@dataclass(frozen=True, slots=True)
class Run:
    """What a program is given, and what must come of it; None where the contract says nothing."""

    args: tuple[bytes, ...]
    stdin: bytes
    stdout: bytes | None = None
    stderr: bytes | None = None
    exit: int | None = None

    @property
    def is_known(self) -> bool:
        return self.exit is not None


@dataclass(frozen=True, slots=True)
class Runs:
    runs: tuple[Run, ...]
    unchecked: tuple[str, ...]
    """What had to be left out, a line each."""


def has_formula(contract: Contract) -> bool:
    return not (contract.stdout is None and contract.stderr is None and contract.exit is None)


def example_runs(contract: Contract) -> list[Run]:
    return [Run(e.args, e.stdin, e.stdout, e.stderr, e.exit) for e in contract.program_examples]


def choose_runs(contract: Contract, blocks: Sequence[int] = (), seed: int = 1) -> Runs:
    """Depends on its arguments alone. `blocks` are sizes in bytes that the program is known to read at once."""
    runs = example_runs(contract)
    unchecked: list[str] = []
    if has_formula(contract):
        runs += _by_formula(contract, blocks, Random(seed), {(r.args, r.stdin) for r in runs}, unchecked)
    return Runs(tuple(runs), tuple(unchecked))


def _by_formula(contract: Contract, blocks: Sequence[int], random: Random,
                tried: set[tuple[tuple[bytes, ...], bytes]], unchecked: list[str]) -> Iterator[Run]:
    """Inputs that take the oracle too long are left out; where the contract has no value, only a crash is wrong."""
    oracle = Oracle(contract)
    steps, skipped = _STEPS, 0
    too_long: int | None = None
    too_much = without_value = None
    for args, stdin in _inputs(contract, blocks, random):
        if (args, stdin) in tried or (too_long is not None and len(stdin) >= too_long):
            continue
        if steps < 0 and len(stdin) > max(_SMALL):
            skipped += 1
            continue
        tried.add((args, stdin))
        try:
            yield Run(args, stdin, *oracle.program(args, stdin))
        except OracleFault as fault:
            text = given_text(contract.name, args, stdin)
            if fault.kind != "cost":
                without_value = without_value or f"{text}: {fault.message}"
                yield Run(args, stdin)
            elif stdin:
                too_long = len(stdin)
            else:
                too_much = too_much or text
        finally:
            steps -= BUDGET - oracle.runtime.budget[0]
    if without_value is not None:
        unchecked.append(f"what it does where the contract has no value, as for {without_value}")
    if too_much is not None:
        unchecked.append(f"{too_much}, and the like: the contract takes too long to evaluate")
    if too_long is not None:
        unchecked.append(f"standard input of {too_long:,} bytes and more: the contract takes too long to evaluate")
    if skipped:
        unchecked.append(f"{skipped} more inputs of some thousand bytes: the contract takes long to evaluate")


def _inputs(contract: Contract, blocks: Sequence[int], random: Random) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    reads = definition_reads(contract.where)
    formulas = [e for e in (contract.stdout, contract.stderr, contract.exit) if e is not None]
    names = frozenset[str]().union(*(free_names(e, reads) for e in formulas))
    asked = list(dict.fromkeys(e.args for e in contract.program_examples)) or [()]
    texts = list(dict.fromkeys(e.stdin for e in contract.program_examples if e.stdin)) or [b""]
    yield from ((a, b"") for a in _ARGUMENTS)
    yield from ((asked[0], i) for i in _INPUTS)
    yield from (((), i) for i in _INPUTS)
    if "args" in names:
        for position, args in enumerate(_arguments(asked, random)):
            yield args, texts[position % len(texts)]
    if "stdin" not in names:
        yield asked[0], b"x\n" * 40_000
        return
    source = _Contents(formulas + [d.body for d in contract.where.values()], texts, random)
    near = [b + step for b in blocks for step in (-1, 0, 1) if b + step > 0]
    for position, size in enumerate([*(s for s in _SMALL for _ in source.kinds), *_SIZES, *near]):
        yield asked[position % len(asked)], source.draw(position, size)


def _arguments(asked: Sequence[tuple[bytes, ...]], random: Random) -> Iterator[tuple[bytes, ...]]:
    """Odd ones alone and in pairs; the examples' with one missing, one more, one changed, two exchanged."""
    for position, one in enumerate(_ODD_ARGUMENTS):
        yield (one,) if position % 2 else (one, random.choice(_ODD_ARGUMENTS))
    yield tuple(random.choice(_ODD_ARGUMENTS[:30]) for _ in range(40))
    pool = [*_ODD_ARGUMENTS[:30], *(a for args in asked for a in args)]
    for number in range(_MUTATIONS):
        args = list(asked[number % len(asked)])
        match random.randrange(5):
            case 0 if args:
                del args[random.randrange(len(args))]
            case 1 if args:
                args[random.randrange(len(args))] = random.choice(pool)
            case 2 if args:
                where = random.randrange(len(args))
                args[where] = _changed(args[where], random)
            case 3:
                random.shuffle(args)
            case _:
                args.insert(random.randint(0, len(args)), random.choice(pool))
        yield tuple(args)


def _changed(text: bytes, random: Random) -> bytes:
    """With one byte more, less, or other; never zero, which ends an argument."""
    at = random.randint(0, len(text))
    return text[:at] + random.choice([b"", b"0", b"9", b" ", b"z", b"-"]) + text[at + random.randrange(2):]


class _Contents:
    """Texts for standard input, a kind after the other."""

    def __init__(self, formulas: Sequence[Node], examples: Sequence[bytes], random: Random) -> None:
        self.random = random
        nodes = [n for formula in formulas for n in descendants(formula)]
        marks = [n.value for n in nodes if isinstance(n, Integer) and 0 <= n.value < 256]
        marks += [c for n in nodes if isinstance(n, Bytes) for c in n.value]
        near = {c + step for c in marks for step in (-1, 0, 1) if 0 <= c + step < 256}
        self.marks = bytes(sorted({*near, 10, 32, 97}))
        self.examples = [e for e in examples if e] or [b"one two\n three\n"]
        self.kinds = (self._text, self._numbers, self._marks, self._bytes, self._line, self._example)

    def draw(self, position: int, size: int) -> bytes:
        """`size` bytes of the kind with number `position`, counted on from the last to the first. Much is put
        together from pieces at random, so that it has no period."""
        kind = self.kinds[position % len(self.kinds)]
        if size <= _PIECE or kind == self._line:
            return kind(size)[:size]
        pieces = [kind(_PIECE)[:_PIECE - number] for number in range(_PIECES)]
        return b"".join([self.random.choice(pieces) for _ in range(size // (_PIECE - _PIECES) + 1)])[:size]

    def _text(self, size: int) -> bytes:
        words = [b"a", b"of", b"the", b"Word", b"line", b"x1", b"isn't", b"caf\xc3\xa9", b"end."]
        gaps = [b" ", b" ", b" ", b"\n", b"\n", b"  ", b"\t", b"\n\n", b"\r\n"]
        choice = self.random.choice
        return b"".join([choice(words) + choice(gaps) for _ in range(size // 2 + 1)])

    def _numbers(self, size: int) -> bytes:
        bits, choice = self.random.getrandbits, self.random.choice
        return b"".join([b"%d\n" % (bits(choice((1, 4, 8, 16, 31, 33))) - (bits(8) if bits(2) == 0 else 0))
                         for _ in range(size // 2 + 1)])

    def _marks(self, size: int) -> bytes:
        return bytes(self.random.choices(self.marks, k=size))

    def _bytes(self, size: int) -> bytes:
        return self.random.randbytes(size)

    def _line(self, size: int) -> bytes:
        """No newline but, half the time, the last byte."""
        return b"x" * (size - 1) + (b"\n" if self.random.getrandbits(1) else b"y")

    def _example(self, size: int) -> bytes:
        text = self.random.choice(self.examples)
        return text * (size // len(text) + 1)


def given_text(name: str, args: Sequence[bytes], stdin: bytes) -> str:
    """``wc -l with b'ab' on its standard input``; contents are shortened, with their size."""
    text = " ".join([name, *(shown(a) for a in args)])
    if stdin:
        size = f" ({len(stdin):,} bytes)" if len(repr(stdin)) > 80 else ""
        text += f" with {shown(stdin)}{size} on its standard input"
    return text
