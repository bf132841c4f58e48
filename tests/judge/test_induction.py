"""Loops over buffers of any length, proved by induction or not: one self-contained file each in `loops/`.

``--- intent`` is the contract, ``--- code`` the assembly with the notes on its loops as comments, ``--- proof``
either `proved` or why not, where `*` stands for anything. The variants that are not proved are wrong code, or right
code under a false note.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from intent_tool.judge.budget import Budget
from intent_tool.judge.image import read_image
from intent_tool.judge.induction import prove_every_length
from intent_tool.judge.prove import prove_function
from intent_tool.judge.trial import lay_down
from intent_tool.language.contract import Contract
from intent_tool.language.load import load_text
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly, Note
from intent_tool.machine.elf import write_object
from intent_tool.machine.target import Target, load_targets

CASES = sorted((Path(__file__).parent / "loops").glob("*/*.loop"))
TARGETS = load_targets()


def case(path: Path) -> tuple[Contract, Target, bytes, str]:
    """The contract, the target, the object, and what is expected."""
    intent, code, proof = re.fullmatch(r"--- intent\n(.*)--- code\n(.*)--- proof\n(.*)\n", path.read_text(),
                                       re.DOTALL).groups()  # type: ignore[union-attr]
    target, contract = TARGETS[path.parent.name], load_text(intent)
    lines: list[str] = []
    notes: list[Note] = []
    for line in filter(None, map(str.strip, code.splitlines())):
        if line.startswith("# loop: "):
            notes.append(Note(lines[-1].removesuffix(":"), line.removeprefix("# loop: ")))
        else:
            lines.append(line)
    machine_code = assemble(Assembly(tuple(lines), (), tuple(notes)), target)
    return contract, target, write_object(target, contract.name, machine_code), proof


def test_the_cases_are_there() -> None:
    assert len(CASES) > 80 and {p.parent.name for p in CASES} == {"x86_64", "arm64", "riscv64"}


@pytest.mark.parametrize("path", CASES, ids=[f"{p.parent.name}-{p.stem}" for p in CASES])
def test_case(path: Path) -> None:
    contract, target, binary, expected = case(path)
    proof = prove_every_length(contract, target, lay_down(read_image(binary, contract.name, target), 2), Budget(20))
    if expected == "proved":
        assert (proof.status, proof.problems) == ("proved", ())
    else:
        assert proof.status == "unknown" and len(proof.problems) == 1
        assert fnmatchcase(proof.problems[0], expected), proof.problems[0]


WRONG = [p for p in CASES if p.stem in (
    "reads_the_next", "one_round_too_many", "sum_of_32_bits", "lanes_without_tail", "search_by_the_last_in_lanes",
    "map_writes_the_next", "map_in_lanes_of_which_one_is_wrong", "from_the_end_half_elements", "seven_bits_of_eight",
    "pairs_exchanged", "pairs_written_twice", "triples_by_another_turn", "from_both_ends_off_by_one",
    "from_both_ends_without_the_middle")]


@pytest.mark.parametrize("path", WRONG, ids=[f"{p.parent.name}-{p.stem}" for p in WRONG])
def test_what_short_buffers_show_is_refuted(path: Path) -> None:
    """What induction leaves open is looked at length by length, and a counterexample is one."""
    contract, target, binary, _ = case(path)
    proof = prove_function(contract, target, binary, contract.name, 20)
    # A sum of at most sixteen bytes fits 32 bits.
    assert proof.status == ("bounded" if path.stem == "sum_of_32_bits" else "refuted"), proof.problems
