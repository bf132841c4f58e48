"""Every form that the judge gives a meaning to, against qemu-user: registers, flags, memory and branches.

An instance is executed symbolically once; its terms are then evaluated on many machine states, and the instruction
itself is run on the same ones. What is not accepted is not tried, and nothing is accepted that is not tried here.
"""

from __future__ import annotations

import functools
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from instruction_lines import BY_NAME, instance
from symbolic_instances import Executed, Function, Layout, execute, pool
from table_cases import instances
from table_emulators import SLOT_BYTES, TAKEN, WINDOW_BYTES, Harness, harness
from table_isas import ISAS, Isa

from intent_tool.judge.refusal import Refused
from intent_tool.judge.semantics import isa_of
from intent_tool.machine.target import Target, load_targets

INSTANCES = 12
"""Of each form, and of each row of the instruction tables."""
STATES = 45
"""For each instance."""
LEAST = 500
"""Comparisons of each form and of each row."""

REFUSED = {"syscall", "svc u16", "ecall", "jalr x, i12(x)", "jr x"}
"""Rows of programs and of indirect jumps."""

_MOVES_STACK_POINTER = re.compile(r"\b(wsp|sp)\b(?!.*\])")
"""The stack pointer, but for as a base: rows admit it in more places than the judge."""

targets = functools.cache(load_targets)


def forms_of(isa: Isa) -> dict[str, list[str]]:
    """The accepted forms by mnemonic."""
    found = defaultdict(list)
    for form in sorted(isa_of(isa.name).forms):
        found[form.split()[0]].append(form)
    return found


MNEMONICS = [pytest.param(isa, mnemonic, id=f"{isa.name}: {mnemonic}")
             for isa in ISAS for mnemonic in sorted({*forms_of(isa), *(r.split()[0] for r in isa.table)})]


@dataclass
class Batch:
    """Instances and states that go to the emulator together."""

    isa: Isa
    rng: random.Random
    codes: list[bytes] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    cases: list[tuple[str, Function, list[int], bytes]] = field(default_factory=list)

    @property
    def harness(self) -> Harness:
        return harness(self.isa)

    @functools.cached_property
    def layout(self) -> Layout:
        return Layout(self.harness)

    @functools.cached_property
    def contents(self) -> list[int]:
        return pool(self.rng, self.isa)

    @property
    def target(self) -> Target:
        return targets()[self.isa.full_target]

    def add(self, name: str, code: bytes, form: str = "") -> str | None:
        """The form of the instance, or why it is not tried."""
        try:
            executed = execute(self.target, code, self.harness.address(len(self.codes)))
        except Refused as refused:
            return str(refused)
        if form and executed.instruction.form != form:
            return None
        function = Function(executed, self.layout)
        slot = len(self.codes)
        first = self._state(function, slot)
        if first is None:
            return None
        for state in [first, *(self._state(function, slot) for _ in range(STATES - 1))]:
            assert state is not None, executed.instruction.text
            self.records.append(self.layout.pack(slot * SLOT_BYTES, *state))
            self.cases.append((name, function, *state))
        self.codes.append(code)
        return executed.instruction.form

    def _state(self, function: Function, slot: int) -> tuple[list[int], bytes] | None:
        """One that the instruction completes from; None when there is none (``div rdx``)."""
        rng, layout = self.rng, self.layout
        registers = len(self.isa.registers)
        for _ in range(100):
            values = rng.choices(self.contents, k=registers)
            values += [rng.getrandbits(1) for _ in self.isa.flags]
            values += [rng.choice(self.contents) << 64 | rng.choice(self.contents)
                       for _ in range(len(layout.names) - len(values))]
            memory = b"".join(v.to_bytes(8, "little") for v in rng.choices(self.contents, k=WINDOW_BYTES // 8))
            if function.executed.step.traps:
                self._dividend(values)
            if not function.aim(values, memory, rng):
                continue
            if function.executed.step.target is not None:
                memory = self._return_address(function, values, memory, slot)
            if not function.traps(values, memory):
                return values, memory
        return None

    def _dividend(self, values: list[int]) -> None:
        """Mostly one whose quotient fits."""
        index = self.layout.index
        low = values[index["rax"]]
        chosen = self.rng.randrange(4)
        if chosen < 2:
            values[index["rdx"]] = -(low >> 63 & chosen) & (1 << 64) - 1
            values[index["rax"]] = low if self.rng.random() < 0.7 else low & 0xffff_ffff_ffff_00ff
        else:
            values[index["rdx"]] >>= self.rng.randrange(64)

    def _return_address(self, function: Function, values: list[int], memory: bytes, slot: int) -> bytes:
        taken = self.harness.slots + slot * SLOT_BYTES + TAKEN
        if self.isa.name != "x86_64":
            values[self.layout.index[{"arm64": "x30", "riscv64": "ra"}[self.isa.name]]] = taken
            return memory
        at = values[self.layout.index["rsp"]] - self.harness.window
        return memory[:at] + taken.to_bytes(8, "little") + memory[at + 8:]

    def compare(self) -> dict[str, int]:
        """How often each name was compared. Fails at the first difference."""
        output = self.harness.run(self.codes, b"".join(self.records))
        results = list(self.harness.record.iter_unpack(output))
        assert len(results) == len(self.cases)
        compared: dict[str, int] = defaultdict(int)
        for (name, function, values, memory), record in zip(self.cases, results, strict=True):
            expected = function(values, memory)
            got, went, found = self.layout.unpack(record)
            wrong = [f"{part} is {b:#x}, must be {a:#x}" for part, a, b, mask in zip(
                self.layout.names, expected.values, got, expected.masks, strict=True) if (a ^ b) & mask]
            if expected.leaves != went:
                wrong.append("it branches" if went else "it does not branch")
            if any((a ^ b) & mask for a, b, mask in zip(expected.memory, found, expected.known, strict=True)):
                wrong.append(f"memory is {found.hex()}, must be {expected.memory.hex()}")
            assert not wrong or is_known_fault(function.executed, values), (
                f"{name}: {function.executed.instruction.text} ({function.executed.instruction.code.hex()}): "
                f"{'; '.join(wrong)}; from {dict(zip(self.layout.names, map(hex, values), strict=True))}, "
                f"memory {memory.hex()}")
            compared[name] += 1
        return compared


def is_known_fault(executed: Executed, values: Sequence[int]) -> bool:
    """Where the emulator is wrong, and the manual is what counts."""
    # QEMU 7.2: the number of trailing zeros of a word that is 0 is that of the doubleword, or its highest bit.
    mnemonic = executed.instruction.mnemonic
    # QEMU 7.2: with an immediate, the address is taken from before it.
    return mnemonic in ("blsi", "ctzw") or (mnemonic in ("shld", "shrd") and executed.instruction.pc_relative)


@pytest.mark.parametrize(("isa", "mnemonic"), MNEMONICS)
def test_meaning_is_what_the_processor_does(isa: Isa, mnemonic: str) -> None:
    batch = Batch(isa, random.Random(f"{isa.name} {mnemonic}"))
    names = []
    accepted = isa_of(isa.name).forms
    for form in forms_of(isa)[mnemonic]:
        names.append(form)
        found, refusals = 0, set()
        for _ in range(60 * INSTANCES):
            slot = batch.harness.address(len(batch.codes))
            taken = batch.harness.slots + len(batch.codes) * SLOT_BYTES + TAKEN
            code = instance(isa, form, batch.rng, slot, taken, batch.harness.window)
            said = batch.add(form, code, form) if code is not None else "it does not assemble"
            found += said == form
            refusals.add(said)
            if found == INSTANCES:
                break
        assert found == INSTANCES or (found and " " not in form), f"{form}: {found} instances found; {refusals}"
    for row in isa.table.values():
        if row.form.split()[0] != mnemonic or any(o.kind == "label" for o in row.operands):
            continue
        tried = [i for i in instances(isa, row.form) if isa.name != "arm64" or not _MOVES_STACK_POINTER.search(i.text)]
        said = {batch.add(f"row {row.form}", i.code) for i in tried[:INSTANCES]}
        if row.form in REFUSED:
            assert not said & accepted - {"jalr zero, 0(ra)"}, row.form
            continue
        names.append(f"row {row.form}")
        assert said <= {*accepted, None}, f"{row.form}: {said - accepted}"
    compared = batch.compare()
    assert all(compared[name] >= LEAST for name in names), compared
