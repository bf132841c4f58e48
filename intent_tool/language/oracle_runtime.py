"""What compiled contracts call: operations with guards, and the bound on an evaluation's cost.

Contracts are bounded in their text, not in what they compute. Every loop, and every operation that can make
numbers grow, is charged to a budget, so that no contract can hang the tool."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

from intent_tool.language.diagnostics import Span

BUDGET = 4_000_000
"""Elements of loops, weighted by the size of what is evaluated for each; about a second or two."""

MAX_BITS = 16_384
"""The widest integer that an evaluation may make."""

_COUNTED = 1024
"""Longer sequences are charged as they are walked, since a search may stop early."""


class OracleFault(Exception):
    """The contract has no value for these inputs.

    `kind` is ``division``, ``index``, ``shift``, ``range`` (a value that does not fit what takes it), ``empty``
    (no element to take the least of), ``type``, ``length`` (of a written buffer), ``parse`` (of an integer),
    ``requires`` (of a used function) or ``cost``. `span` is the place in the contract, where known."""

    def __init__(self, kind: str, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.span = span


def fault_of(problem: BaseException) -> OracleFault:
    """A Python exception in the language's terms."""
    if isinstance(problem, OracleFault):
        return problem
    text = str(problem)
    if isinstance(problem, ZeroDivisionError):
        return OracleFault("division", "division by zero")
    if isinstance(problem, IndexError):
        return OracleFault("index", "an index outside of its sequence")
    if isinstance(problem, ValueError):
        if "shift" in text:
            return OracleFault("shift", "a shift by a negative count")
        if "empty" in text:
            return OracleFault("empty", "the least or greatest of nothing")
        if "unpack" in text:
            return OracleFault("type", "a tuple of another size than expected")
        if "modulus" in text or "pow()" in text:
            return OracleFault("division", "pow with a modulus of zero" if "cannot be 0" in text else
                               "pow: the base has no inverse")
        if "limit" in text:
            return OracleFault("cost", "an integer of too many digits")
        return OracleFault("range", text)
    if isinstance(problem, (OverflowError, MemoryError, RecursionError)):
        return OracleFault("cost", "an integer or a sequence that is too large")
    return OracleFault("type", f"operands that do not fit: {text}")


class Runtime:
    """The functions that compiled contracts call, sharing one budget. `budget` is a list of one number."""

    def __init__(self) -> None:
        self.budget = [BUDGET]

    def charge(self, amount: int) -> None:
        self.budget[0] -= amount
        if self.budget[0] < 0:
            raise OracleFault("cost", "evaluating the contract takes too many steps")

    def each(self, sequence: Any, weight: int = 1) -> Iterable[Any]:
        """A sequence about to be walked, charged."""
        if not isinstance(sequence, Sized):
            if isinstance(sequence, int):
                raise OracleFault("type", "an integer where a sequence is needed")
            return self.counted(sequence, weight)
        try:
            size = len(sequence)
        except OverflowError:
            size = _COUNTED + 1
        if size > _COUNTED:
            return self.counted(sequence, weight)  # type: ignore[arg-type]
        self.budget[0] -= size * weight + 1
        if self.budget[0] < 0:
            self.charge(0)
        return sequence  # type: ignore[return-value]

    def counted(self, sequence: Iterable[Any], weight: int) -> Iterator[Any]:
        for element in sequence:
            self.charge(weight)
            yield element

    def sequence(self, items: Any) -> Any:
        """The elements of an iterator as a value of its own."""
        return items if type(items) in {tuple, bytes} else tuple(self.each(items))

    def reduce(self, function: Callable[[Any, Any], Any], sequence: Any, state: Any, weight: int = 1) -> Any:
        limit = 1 << 256
        for element in self.each(sequence, weight):
            state = function(state, element)
            if not (type(state) is int and -limit < state < limit):
                self.measure(state)
        return state

    def measure(self, state: Any) -> None:
        """Charges for the size of a state that grows with each step."""
        if isinstance(state, int):
            bits = state.bit_length()
            if bits > MAX_BITS:
                raise OracleFault("cost", f"an integer of more than {MAX_BITS} bits")
            self.charge(bits >> 8)
        elif isinstance(state, bytes):
            # Copied as a whole, and fast.
            self.charge(len(state) >> 8)
        elif isinstance(state, (tuple, range)):
            self.charge(len(state))
            if isinstance(state, tuple):
                for item in state:
                    if type(item) is not int or item.bit_length() > 256:
                        self.measure(item)

    def multiply(self, left: Any, right: Any) -> Any:
        if not (isinstance(left, int) and isinstance(right, int)):
            raise OracleFault("type", "`*` needs integers")
        first, second = left.bit_length(), right.bit_length()
        if first + second > 1024:
            self.grow(first + second)
            self.charge((first >> 6) * (second >> 6) >> 2)
        return left * right

    def shift_left(self, left: Any, count: Any) -> Any:
        if count > 1024 and left:
            self.grow(left.bit_length() + count)
            self.charge(count >> 8)
        return left << count if left or count < 0 else 0

    def power(self, base: Any, exponent: Any) -> Any:
        if exponent < 0:
            raise OracleFault("range", "a negative exponent")
        bits = base.bit_length() * exponent
        if bits > 1024 and base not in {0, 1, -1}:
            self.grow(bits)
            self.charge((bits >> 6) ** 2 >> 2)
        return base**exponent

    def grow(self, bits: int) -> None:
        if bits > MAX_BITS:
            raise OracleFault("cost", f"an integer of more than {MAX_BITS} bits")

    def modular_power(self, base: int, exponent: int, modulus: int) -> int:
        self.charge(exponent.bit_length() * ((modulus.bit_length() >> 6) + 1) ** 2 >> 6)
        return builtins.pow(base, exponent, modulus)

    def ordered(self, items: Iterable[Any]) -> Any:
        found = tuple(builtins.sorted(self.each(items, 4)))
        return found

    def reverse(self, items: Any) -> Any:
        return tuple(self.each(items))[::-1]

    def byte_string(self, items: Any) -> bytes:
        if isinstance(items, int):
            raise OracleFault("type", "`bytes` takes a sequence")
        try:
            return items if isinstance(items, bytes) else bytes(tuple(self.each(items)))
        except ValueError:
            raise OracleFault("range", "an element of `bytes` is not in 0 to 255") from None

    def byte_tuple(self, items: Any) -> tuple[int, ...]:
        return tuple(self.byte_string(items))

    def content(self, name: str, items: Any, length: int) -> tuple[int, ...]:
        """What a buffer holds afterwards, with truth values as integers."""
        found = tuple([int(x) for x in self.each(items)])
        if len(found) != length:
            raise OracleFault("length", f"`{name}` has {length} elements, but `writes` gives {len(found)}")
        return found

    def contains(self, element: Any, sequence: Any) -> bool:
        """`in` where bytes may stand on either side: an element, or a part of bytes."""
        if isinstance(sequence, bytes):
            if isinstance(element, int):
                return 0 <= element <= 255 and element in sequence
            return bytes(element) in sequence
        if isinstance(element, int):
            return element in self.each(sequence)
        return any(comparable(element) == comparable(item) for item in self.each(sequence))

    def add(self, left: Any, right: Any) -> Any:
        if isinstance(left, bytes) != isinstance(right, bytes) and not isinstance(left, int):
            return self.byte_string(left) + self.byte_string(right)
        return left + right

    def formatted(self, value: Any, spec: str) -> bytes:
        """One field of an f-string as UTF-8."""
        if isinstance(value, (bytes, tuple)):
            if spec and not spec.endswith("s"):
                raise OracleFault("type", f"the format `{spec}` needs an integer")
            # Latin-1 maps each byte to one character and back, so widths count bytes.
            return format(self.byte_string(value).decode("latin-1"), spec).encode("latin-1", "replace")
        if spec.endswith("s"):
            raise OracleFault("type", "the format `s` needs bytes")
        try:
            return format(int(value), spec).encode()
        except (OverflowError, UnicodeEncodeError):
            raise OracleFault("range", f"{value} is not a character") from None

    def integer_of(self, text: Any) -> int:
        """`int` of a byte string: Python's, of decimal digits."""
        data = self.byte_string(text)
        if len(data) > 4000:
            raise OracleFault("cost", "an integer of more than 4000 digits")
        try:
            return int(data)
        except ValueError:
            raise OracleFault("parse", f"{data[:40]!r} is not a decimal number") from None

    def status(self, value: Any) -> int:
        if not 0 <= value <= 255:
            raise OracleFault("range", f"the exit status {value} is not in 0 to 255")
        return int(value)


def comparable(value: Any) -> Any:
    """Bytes as the tuple of their numbers, so that they compare with lists and buffers."""
    return tuple(value) if isinstance(value, (bytes, range)) else value


def _fits(x: int, width: int, name: str) -> int:
    if not 0 <= x < 1 << width:
        raise OracleFault("range", f"{name}({x}) needs a value from 0 to 2**{width} - 1")
    return x


def popcount(x: int) -> int:
    if x < 0:
        raise OracleFault("range", f"popcount({x}) needs a value that is not negative")
    return x.bit_count()


def parity(x: int) -> int:
    if x < 0:
        raise OracleFault("range", f"parity({x}) needs a value that is not negative")
    return x.bit_count() & 1


def clz(x: int, width: int) -> int:
    """Leading zeros of `width` bits; `width` for 0."""
    return width - _fits(x, width, "clz").bit_length()


def ctz(x: int, width: int) -> int:
    """Trailing zeros of `width` bits; `width` for 0."""
    return (x & -x).bit_length() - 1 if _fits(x, width, "ctz") else width


def bswap(x: int, size: int) -> int:
    """The reverse of `size` bytes."""
    return int.from_bytes(int(_fits(x, 8 * size, "bswap")).to_bytes(size, "little"), "big")


def bitrev(x: int, width: int) -> int:
    """The reverse of `width` bits."""
    return int(format(_fits(x, width, "bitrev"), f"0{width}b")[::-1], 2)


def rotl(x: int, count: int, width: int) -> int:
    count %= width
    _fits(x, width, "rotl")
    return (x << count | x >> (width - count)) & ((1 << width) - 1)


def rotr(x: int, count: int, width: int) -> int:
    count = -count % width
    _fits(x, width, "rotr")
    return (x << count | x >> (width - count)) & ((1 << width) - 1)


def bits(x: int, high: int, low: int) -> int:
    """The field from bit `high` down to bit `low`, both inclusive."""
    if high - low >= MAX_BITS:
        raise OracleFault("cost", f"a field of more than {MAX_BITS} bits")
    return (x >> low) & ((1 << (high - low + 1)) - 1)


BIT_OPERATIONS: dict[str, Callable[..., int]] = {
    "popcount": popcount, "parity": parity, "clz": clz, "ctz": ctz, "bswap": bswap, "bitrev": bitrev, "rotl": rotl,
    "rotr": rotr, "bits": bits}
