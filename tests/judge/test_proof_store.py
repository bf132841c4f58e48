"""Kept proofs: found again for the same things only, and never believed when somebody changed them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from pathlib import Path

import pytest

from intent_tool.judge.digests import contract_digest, image_digest
from intent_tool.judge.image import Block, Fixup, Image
from intent_tool.judge.proof_store import ProofStore, proof_store
from intent_tool.language.load import load_text

STORE_KEY = bytes(range(32))
ENTRY = {"status": "unknown", "allowed": 10.0}


@pytest.fixture
def store(tmp_path: Path) -> ProofStore:
    return ProofStore(tmp_path / "proofs", STORE_KEY)


def only_file(store: ProofStore) -> Path:
    (path,) = [p for p in store.folder.rglob("*") if p.is_file()]
    return path


def test_an_entry_is_found_for_what_it_is_about(store: ProofStore) -> None:
    store.put(ENTRY, "function", "a", "b")
    assert store.get("function", "a", "b") == ENTRY
    assert store.get("function", "a", "c") is None
    assert store.get("function", "ab", "") is None


@pytest.mark.parametrize("old, new", [(b"unknown", b"proved!"), (b"10.0", b"99.0"), (b"}", b"} "), (b"\n", b"")])
def test_a_changed_entry_is_not_believed(store: ProofStore, old: bytes, new: bytes) -> None:
    store.put(ENTRY, "x")
    path = only_file(store)
    path.write_bytes(path.read_bytes().replace(old, new))
    assert store.get("x") is None


def test_an_entry_sealed_without_the_key_is_not_believed(store: ProofStore) -> None:
    """Whoever can write to the folder, but does not have the key, cannot add a proof."""
    store.put(ENTRY, "x")
    path = only_file(store)
    text = '{"status": "proved"}'
    name = path.parent.name + path.stem
    for seal in (hashlib.sha256(text.encode()).hexdigest(),
                 hmac.new(bytes(32), f"{name}\n{text}".encode(), hashlib.sha256).hexdigest()):
        path.write_text(f"{seal}\n{text}")
        assert store.get("x") is None


def test_an_entry_moved_to_another_name_is_not_believed(store: ProofStore) -> None:
    store.put(ENTRY, "x")
    path = only_file(store)
    content = path.read_bytes()
    path.unlink()
    store.put(ENTRY, "y")
    only_file(store).write_bytes(content)
    assert store.get("y") is None


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"{}", b"0" * 64 + b"\n{}"])
def test_garbage_is_no_entry(store: ProofStore, content: bytes) -> None:
    store.put(ENTRY, "x")
    only_file(store).write_bytes(content)
    assert store.get("x") is None


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = ProofStore(tmp_path / "file" / "proofs", STORE_KEY)
    store.put(ENTRY, "x")
    assert store.get("x") is None


def test_the_store_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("INTENT_PROOFS", str(tmp_path / "proofs"))
    first, second = proof_store(), proof_store()
    assert first is not None and first == second
    key = tmp_path / "data" / "intent-tool" / "proof-key"
    assert key.stat().st_mode & 0o077 == 0 and first.key not in (b"", bytes(32))
    first.put(ENTRY, "x")
    key.unlink()
    other = proof_store()
    assert other is not None and other.get("x") is None
    monkeypatch.setenv("INTENT_PROOFS", "off")
    assert proof_store() is None


CONTRACT = """
intent: Average.
signature: uint32_t average(uint32_t a, uint32_t b)
requires: [a <= b]
returns: (a + b) // 2
"""


@pytest.mark.parametrize("old, new, changes", [
    ("Average.", "The same in other words.", False), ("(a + b) // 2", "(a  +  b) //2  # rounded down", False),
    ("(a + b) // 2", "(a + b) // 3", True), ("(a + b) // 2", "(b + a) // 2", True), ("a <= b", "a < b", True),
    ("uint32_t b", "uint64_t b", True), ("returns", "limits: {stack: 8}\nreturns", True),
    ("returns", "secret: [a]\nreturns", True), ("returns", "where: {h: a}\nreturns", True),
])
def test_a_contract_is_known_by_its_meaning(old: str, new: str, changes: bool) -> None:
    assert (contract_digest(load_text(CONTRACT.replace(old, new))) != contract_digest(load_text(CONTRACT))) is changes


def test_every_part_of_an_image_counts() -> None:
    image = Image(b"\x90\xc3", 16, 0, (Block(".rodata", b"abc", 4),), (Fixup(0, "R", 0, 1),), False)
    variants = [replace(image, code=b"\x90\xc2"), replace(image, alignment=4), replace(image, misalignment=2),
                replace(image, blocks=(Block(".rodata", b"abd", 4),)), replace(image, blocks=()),
                replace(image, fixups=(Fixup(0, "R", 0, 2),)), replace(image, fixups=(Fixup(0, "R", None, 1),)),
                replace(image, linked=True)]
    assert len({image_digest(i) for i in (image, *variants)}) == len(variants) + 1
