"""The flags of x86-64: how most instructions compute them, only where anything can read them.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 3.4.3.1. AF is not modelled: no
accepted instruction reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.instruction import Run

FLAGS = ("cf", "pf", "zf", "sf", "of")


def top(g: Graph, value: Term) -> Term:
    return g.extract(value, value.width - 1, value.width - 1)


def is_zero(g: Graph, value: Term) -> Term:
    return g.eq(value, g.const(0, value.width))


def even_parity(g: Graph, value: Term) -> Term:
    """PF: whether the lowest byte has an even number of ones."""
    return g.not_(g.extract(g.popcount(g.extract(value, 7, 0)), 0, 0))


FROM_RESULT: tuple[tuple[str, Callable[[Graph, Term], Term]], ...] = (
    ("zf", is_zero), ("sf", top), ("pf", even_parity))


def flags_of_result(run: Run, value: Term, unless: Term | None = None) -> None:
    """ZF, SF and PF; they are kept where `unless` holds."""
    g = run.graph
    for name, of in FROM_RESULT:
        set_unless(run, name, unless, partial(of, g, value))


def set_unless(run: Run, flag: str, unless: Term | None, value: Callable[[], Term]) -> None:
    run.flag(flag, value if unless is None else lambda: run.graph.ite(unless, run.state[flag], value()))


def clear(run: Run, *flags: str) -> None:
    for flag in flags:
        run.flag(flag, lambda: run.graph.false)
