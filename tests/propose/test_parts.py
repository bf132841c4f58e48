"""The parts of lowering that have laws of their own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from intent_tool.propose.division import reciprocal
from intent_tool.propose.select_riscv64 import constant_steps


@given(st.integers(2, 1 << 64), st.integers(0, (1 << 64) - 1), st.data())
def test_reciprocal_divides_every_dividend(divisor: int, largest: int, data: st.DataObject) -> None:
    m, s = reciprocal(divisor, largest)
    for k in range(3):
        near = data.draw(st.integers(0, largest // divisor)) * divisor + (k - 1)
        for x in (largest - k, near, data.draw(st.integers(0, largest))):
            if 0 <= x <= largest:
                assert x * m >> s == x // divisor


def test_reciprocal_divides_all_small_dividends() -> None:
    for divisor in range(2, 60):
        for largest in (0, 1, divisor - 1, divisor, 255, 1000):
            m, s = reciprocal(divisor, largest)
            assert all(x * m >> s == x // divisor for x in range(largest + 1)), (divisor, largest)


@given(st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 62).map(lambda k: 1 << k),
                 st.integers(-4096, 4096), st.integers(0, 62).map(lambda k: (1 << k) - 1)))
def test_riscv_constants(value: int) -> None:
    register = 0
    for op, amount in constant_steps(value):
        register = {
            "li": lambda r, n: n, "lui": lambda r, n: signed(n << 12, 32), "addi": lambda r, n: signed(r + n, 64),
            "addiw": lambda r, n: signed(r + n, 32), "slli": lambda r, n: signed(r << n, 64),
            "srli": lambda r, n: signed((r & (1 << 64) - 1) >> n, 64)}[op](register, amount)
        assert op not in ("li", "addi", "addiw") or -2048 <= amount < 2048
    assert register == value


def signed(value: int, bits: int) -> int:
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
