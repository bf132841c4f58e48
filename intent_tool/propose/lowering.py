"""The generator that always has an answer: contract to terms to words to instructions of the target."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from intent_tool.language.contract import Contract
from intent_tool.language.deep import with_deep_stack
from intent_tool.language.diagnostics import error
from intent_tool.language.elaborate import CannotElaborate, Elaborated, elaborate
from intent_tool.machine.assembly import Assembly
from intent_tool.machine.target import Target
from intent_tool.propose.allocate import NoVectorRegister, allocate, live_at_start
from intent_tool.propose.builder import MOST_VALUES, TooLarge
from intent_tool.propose.finish import finish
from intent_tool.propose.lower import lower
from intent_tool.propose.notes import loop_notes
from intent_tool.propose.select import Selector, copy_early, drop_repeated_tests, layout
from intent_tool.propose.vector_loops import VectorWishes
from intent_tool.propose.vector_target import vector_target

FAST = tuple(product((4, 2, 1), (True, False)))
"""How many vectors a turn, at most, and whether what is left over is done in parts of one; in the order in which they
are tried, since registers may be short."""
EASIER = (tuple(way for way in FAST if not way[1]), FAST[-1:])
"""What is slower and easier to prove, step by step."""


def lower_in_vectors(contract: Contract, target: Target, ways: Sequence[tuple[int, bool]] = FAST) -> Assembly | None:
    """The same with loops in vectors; None where none are, or where registers are short."""
    if contract.optimize == "size" or vector_target(target) is None:
        return None
    elaborated, wishes = _elaborated(contract), VectorWishes(*ways[0])
    while True:
        for wishes.unroll, wishes.parts in ways:
            try:
                assembly = _lowered(contract, elaborated, target, wishes)
            except NoVectorRegister:
                continue
            except TooLarge:
                return None
            return assembly if wishes.done else None
        # The last one asks for too many: others may be possible.
        wishes.scalar.add(wishes.done[-1])


def lower_function(contract: Contract, target: Target, is_rolled: bool = False) -> Assembly:
    """Correct code for any contract that says what is computed; with `is_rolled` loops do one round at a time, which
    is easier to prove. Raises IntentError for what cannot be generated yet."""
    try:
        return _lowered(contract, _elaborated(contract), target, None, is_rolled)
    except TooLarge:
        raise error("E713", f"cannot generate: code of more than {MOST_VALUES} instructions",
                    contract.key_spans.get("returns", contract.span),
                    "a fold over a range becomes a loop where its body does not need a constant index") from None


def _elaborated(contract: Contract) -> Elaborated:
    _require_formula(contract)
    try:
        return elaborate(contract)
    except CannotElaborate as problem:
        raise error("E711", f"cannot generate yet: {problem.construct}", problem.span, problem.help) from None


def _lowered(contract: Contract, elaborated: Elaborated, target: Target, vectors: VectorWishes | None,
             is_rolled: bool = False) -> Assembly:
    function = with_deep_stack(lambda: lower(contract, elaborated, target, vectors, is_rolled))
    selector = _selector(target)(function, target, bool(contract.secret))
    blocks = with_deep_stack(selector.run)
    live = live_at_start(blocks)
    places = allocate(blocks, selector.backend)
    notes = loop_notes(function, selector, live, places)
    copy_early(blocks, selector)
    drop_repeated_tests(blocks)
    layout(blocks, selector)
    return finish(function, blocks, len(places.slots), target, notes)


def _require_formula(contract: Contract) -> None:
    signature = contract.signature
    assert signature is not None
    unwritten = [p.name for p in signature.parameters
                 if p.buffer is not None and p.buffer.writable and p.name not in contract.writes]
    if (signature.result is None or contract.returns is not None) and not unwritten:
        return
    if contract.ensures:
        raise error("E711", "cannot generate yet: a contract that only relates result and inputs (`ensures`)",
                    contract.key_spans.get("ensures", contract.span),
                    "say what is computed, in `returns` and `writes`")
    raise error("E711", "cannot generate yet: a contract that is only examples",
                contract.key_spans.get("examples", contract.span), "say what is computed, in `returns` and `writes`")


def _selector(target: Target) -> type[Selector]:
    if target.isa == "x86_64":
        from intent_tool.propose.select_x86_64 import X86Selector
        return X86Selector
    if target.isa == "arm64":
        from intent_tool.propose.select_arm64 import Arm64Selector
        return Arm64Selector
    from intent_tool.propose.select_riscv64 import RiscvSelector
    return RiscvSelector
