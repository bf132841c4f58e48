"""What every file of the gallery has: a name, prose, a source for its values, examples that hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intent_tool.language.check import check_contract
from intent_tool.language.load import load_intent

GALLERY = Path(__file__).parents[2] / "intents"
FILES = sorted(GALLERY.rglob("*.intent"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_contract_is_sound_and_its_examples_hold(path: Path) -> None:
    contract = load_intent(path)
    check_contract(contract)
    assert contract.name == path.stem
    assert len(contract.function_examples) + len(contract.program_examples) >= 3
    assert contract.prose.strip().endswith((".", ")", "~")), "prose is whole sentences"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file_names_the_source_of_its_examples(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    comment = re.match(r"(?:#.*\n)+", text)
    assert comment is not None
    assert comment.group().startswith("# Source: ")
    assert max(map(len, text.split("\n"))) <= 118


def test_names_are_unique_and_files_lie_in_folders() -> None:
    assert len({p.stem for p in FILES}) == len(FILES)
    assert all(p.parent.parent == GALLERY for p in FILES)


def test_gallery_holds_the_25_problems_of_hackers_delight() -> None:
    numbers = [p.stem[:4] for p in FILES if p.parent.name == "hackers_delight"]
    assert numbers == [f"hd{n:02d}" for n in range(1, 26)]
