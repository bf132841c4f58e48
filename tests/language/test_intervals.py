"""Elaboration against the oracle: same value, and every interval holds wherever the contract is evaluated."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_contracts import random_contract

from intent_tool.language.contract import Contract
from intent_tool.language.elaborate import elaborate
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.language.samples import sample_inputs
from intent_tool.language.terms import BIT_FUNCTIONS, Loop, Term

OPERATORS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b, "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << b, "shr": lambda a, b: a >> b, "inv": lambda a: ~a, "eq": lambda a, b: int(a == b),
    "ne": lambda a, b: int(a != b), "lt": lambda a, b: int(a < b), "le": lambda a, b: int(a <= b), "min": min,
    "max": max, "abs": abs,
}


class Evaluator:
    """The terms' meaning, straight from the table in `terms.py`; only the arms that are chosen are evaluated."""

    def __init__(self, inputs: dict[str, int | tuple[int, ...]]) -> None:
        self.inputs = inputs

    def value(self, term: Term, variables: dict[int, int]) -> int:
        value = self.plain(term, variables)
        assert term.lo <= value <= term.hi, f"{term.op} is {value}, not in {term.lo}..{term.hi}: {term!r}"[:2000]
        return value

    def plain(self, term: Term, variables: dict[int, int]) -> int:
        match term.op:
            case "const":
                return int(term.data)
            case "param":
                found = self.inputs[term.data]
                assert isinstance(found, int)
                return found
            case "var":
                return variables[term.id]
            case "ite":
                test, then, otherwise = term.args
                return self.value(then if self.value(test, variables) else otherwise, variables)
            case "state":
                return self.loop(term.args[0], variables)[term.data]
        values = [self.value(a, variables) for a in term.args]
        match term.op:
            case "assume":
                return values[0]
            case "wrap":
                bits, signed = term.data
                low = values[0] % (1 << bits)
                return low - (1 << bits) if signed and low >> bits - 1 else low
            case "load":
                buffer = self.inputs[term.data]
                assert isinstance(buffer, tuple) and 0 <= values[0] < len(buffer)
                return buffer[values[0]]
            case "table":
                assert 0 <= values[0] < len(term.data)
                return int(term.data[values[0]])
        if term.op in OPERATORS:
            return int(OPERATORS[term.op](*values))
        return int(BIT_FUNCTIONS[term.op](term.data, *values))

    def loop(self, term: Term, variables: dict[int, int]) -> list[int]:
        count, *states = [self.value(a, variables) for a in term.args]
        body: Loop = term.data
        for index in range(count):
            inner = {**variables, body.index.id: index,
                     **{s.id: v for s, v in zip(body.states, states, strict=True)}}
            states = [self.value(n, inner) for n in body.next]
        return states


def agrees(contract: Contract, inputs: int, unroll: int | None = None) -> None:
    graph = elaborate(contract, unroll)
    oracle = Oracle(contract)
    assert contract.signature is not None and graph.result is not None
    for arguments in sample_inputs(contract, oracle, inputs, seed=3):
        named = dict(zip((p.name for p in contract.signature.parameters), arguments, strict=True))
        assert Evaluator(named).value(graph.result, {}) == oracle.returns(arguments), f"{contract.source.text}{named}"


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_terms_agree_with_the_oracle(data: st.DataObject) -> None:
    agrees(load_text(random_contract(lambda n: data.draw(st.integers(0, n - 1)), "f")), 20)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_loops_agree_with_the_oracle(data: st.DataObject) -> None:
    agrees(load_text(random_contract(lambda n: data.draw(st.integers(0, n - 1)), "f")), 12, unroll=1)


def test_buffers_zips_and_slices() -> None:
    text = """
intent: A bit of everything that has elements.
signature: int64_t f(const int16_t a[9], const uint8_t b[9], uint8_t k)
requires: [k < 9]
returns: |
  sum(x * y for x, y in zip(a, reversed(b))) + sorted(a)[4] + a[-1] + b[k]
  + next((i for i, x in enumerate(a, 5) if x < 0), -1) + (17 in b) + len(a[k:]) + min(b) + divmod(a[0], 7)[1]
  + sum(a[i] - b[j] for i in range(9) for j in range(i, 9) if i != j)
"""
    agrees(load_text(text), 200)
    agrees(load_text(text), 200, unroll=1)


def folded(states: str, step: str) -> Contract:
    return load_text(f"""
intent: A fold over a buffer of any length.
signature: uint64_t f(const uint8_t data[n], size_t n)
where:
  step(s, x): {step}
returns: reduce(step, data, {states})[1]
""")


def test_a_counter_that_is_set_back_is_bounded_by_the_number_of_rounds() -> None:
    contract = folded("(-1, 0)", "(x, s[1] + 1 if x == s[0] else 1)")
    agrees(contract, 200)
    graph = elaborate(contract)
    assert not graph.open and graph.result is not None and graph.result.hi == 2 ** 48


def test_a_remainder_bounds_a_sum_that_the_first_round_cannot_reach() -> None:
    contract = folded("(0, 0)", "((s[0] + x) % 255, (s[1] + (s[0] + x) % 255) % 255)")
    agrees(contract, 200)
    graph = elaborate(contract)
    assert not graph.open and graph.result is not None and (graph.result.lo, graph.result.hi) == (0, 254)
