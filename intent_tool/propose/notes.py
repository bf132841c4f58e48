"""Notes on loops, once it is known where values are kept."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.machine.assembly import Note
from intent_tool.machine.target import Target
from intent_tool.propose.allocate import Places
from intent_tool.propose.finish import register_name
from intent_tool.propose.ir import Formula, Function
from intent_tool.propose.machine_ir import Register
from intent_tool.propose.select import Selector
from intent_tool.propose.vector_ir import VECTORS


def loop_notes(function: Function, selector: Selector, live: Mapping[int, set[Register]],
               places: Places) -> tuple[Note, ...]:
    """`live` are the virtual registers that each block's start wants, by the block's id. A loop whose round cannot be
    said has no note."""
    notes = []
    for block in function.blocks:
        if block.note is None:
            continue
        head = selector.code_blocks[block.number]
        at_head = live[id(head)]
        round, most = (_filled(f, selector, at_head, places) for f in (block.note.round, block.note.most))
        if round is None or most is None:
            continue
        if block.note.elements > 1:
            round, most = (f"{block.note.elements} * ({x})" for x in (round, most))
        statements = [_filled(f, selector, at_head, places) for f in block.note.statements]
        notes.append(Note(head.label, "; ".join([f"round {round} <= {most}", *filter(None, statements)])))
    return tuple(notes)


def _filled(formula: Formula, selector: Selector, live: set[Register], places: Places) -> str | None:
    """The text with places; None where a value is not kept."""
    text, values = formula
    names = []
    for value in values:
        constant = selector.constant(value)
        if constant is not None:
            names.append(str(constant))
            continue
        register = selector.place.get(value)
        if register not in live:
            return None
        name = place_name(register, selector.width(value), selector.target, places)
        if name is None:
            return None
        names.append(name)
    return text.format(*names)


def place_name(register: Register | None, width: int, target: Target, places: Places) -> str | None:
    wide = width == 64
    if isinstance(register, int) and register in places.slots:
        return f"%sp[{8 * places.slots[register].number}]" + ("" if wide else ".w")
    if isinstance(register, int):
        register = places.registers.get(register)
    if register is None:
        return None
    if width in VECTORS:
        return f"%v{register[1:]}" if target.isa == "arm64" else \
            "%" + register_name(register, "ymm" if width == 256 else "xmm", target)
    if target.isa == "riscv64":
        return f"%{register}" + ("" if wide else ".w")
    kinds = {"x86_64": ("r32", "r64"), "arm64": ("w", "x")}[target.isa]
    return "%" + register_name(register, kinds[wide], target)
