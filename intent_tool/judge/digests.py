"""What a proof is about, as digests: the contract, the function's image, and the judge itself."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from intent_tool.judge.image import Image
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span

_CONTRACT_PARTS = ("signature", "where", "requires", "aliases", "returns", "ensures", "writes", "uses", "limits",
                   "secret")
"""What a proof depends on; prose, examples and places have no part in it."""
_LIBRARIES = ("pypcode", "capstone", "bitwuzla", "z3-solver", "numpy")


def contract_digest(contract: Contract) -> str:
    """SHA-256 of the contract's meaning, hexadecimal; reformatting the file does not change it."""
    hasher = hashlib.sha256()
    _feed(hasher, contract)
    return hasher.hexdigest()


def image_digest(image: Image) -> str:
    hasher = hashlib.sha256()
    _feed(hasher, image)
    return hasher.hexdigest()


@cache
def judge_digest() -> str:
    """Of the code that says what is proved: this package, the language, and the libraries' versions."""
    hasher = hashlib.sha256()
    package = Path(__file__).parents[1]
    for folder in ("judge", "language"):
        for file in sorted((package / folder).rglob("*")):
            if file.suffix in (".py", ".elf"):
                hasher.update(f"{file.relative_to(package)}\0".encode())
                hasher.update(hashlib.sha256(file.read_bytes()).digest())
    for name in _LIBRARIES:
        hasher.update(f"{name} {_version(name)}\0".encode())
    return hasher.hexdigest()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _feed(hasher: Any, value: Any) -> None:
    """Every part with its kind and length, so that no two different values read the same."""
    if isinstance(value, Span):
        return
    if isinstance(value, Contract):
        for name in _CONTRACT_PARTS:
            _tag(hasher, "part", name.encode())
            _feed(hasher, getattr(value, name))
    elif dataclasses.is_dataclass(value):
        _tag(hasher, "object", type(value).__name__.encode())
        for field in dataclasses.fields(value):
            if field.name != "text":
                _feed(hasher, getattr(value, field.name))
    elif isinstance(value, Mapping):
        _tag(hasher, "map", str(len(value)).encode())
        for key, item in value.items():
            _feed(hasher, key)
            _feed(hasher, item)
    elif isinstance(value, (frozenset, set)):
        parts = sorted(_of_one(item) for item in value)
        _tag(hasher, "set", b"".join(parts))
    elif isinstance(value, (tuple, list)):
        _tag(hasher, "list", str(len(value)).encode())
        for item in value:
            _feed(hasher, item)
    elif isinstance(value, bytes):
        _tag(hasher, "bytes", value)
    elif value is None or isinstance(value, (bool, int, str)):
        _tag(hasher, type(value).__name__, str(value).encode())
    else:
        raise TypeError(f"{type(value).__name__} has no digest")


def _of_one(value: Any) -> bytes:
    hasher = hashlib.sha256()
    _feed(hasher, value)
    return hasher.digest()


def _tag(hasher: Any, kind: str, data: bytes) -> None:
    hasher.update(f"{kind} {len(data)}\0".encode())
    hasher.update(data)
