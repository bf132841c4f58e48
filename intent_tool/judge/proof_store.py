"""Results of proofs, kept by what they are about.

An entry is sealed with a key of this user's (HMAC-SHA256, RFC 2104), kept apart from the entries: one that was
changed, or that somebody else wrote, is not believed, and the proof is done anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "INTENT_PROOFS"
"""Names the folder; ``off`` means that nothing is kept."""


@dataclass(frozen=True, slots=True)
class ProofStore:
    folder: Path
    key: bytes

    def get(self, *about: str) -> dict[str, Any] | None:
        """What was kept for these digests; None when there is nothing, or nothing that can be believed."""
        name = _name(about)
        try:
            seal, _, text = self._path(name).read_text("utf-8").partition("\n")
        except (OSError, UnicodeDecodeError):
            return None
        if not hmac.compare_digest(seal.encode(), self._seal(name, text).encode()):
            return None
        entry: dict[str, Any] = json.loads(text)
        return entry

    def put(self, entry: dict[str, Any], *about: str) -> None:
        """Keeps an entry. A folder that cannot be written to keeps nothing, and the next build proves anew."""
        name = _name(about)
        text = json.dumps(entry, sort_keys=True)
        path = self._path(name)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, f"{self._seal(name, text)}\n{text}".encode())

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name[2:]}.proof"

    def _seal(self, name: str, text: str) -> str:
        return hmac.new(self.key, f"{name}\n{text}".encode(), hashlib.sha256).hexdigest()


def proof_store() -> ProofStore | None:
    """The user's store; None when it is switched off or there is no place for its key."""
    wanted = os.environ.get(FOLDER_VARIABLE, "")
    if wanted == "off":
        return None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    folder = Path(wanted) if wanted else cache / "intent-tool" / "proofs"
    key = _key(Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "intent-tool" / "proof-key")
    return ProofStore(folder, key) if key is not None else None


def _key(path: Path) -> bytes | None:
    """The key in the file, made when there is none yet."""
    with contextlib.suppress(OSError):
        found = path.read_bytes()
        if len(found) == 32:
            return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, secrets.token_bytes(32))
        # Whoever was last has it: two that start at once read the same file from here on.
        return path.read_bytes()
    except OSError:
        return None


def _write_whole(path: Path, data: bytes) -> None:
    """The file appears whole or not at all, readable by its owner alone. What a power cut tears is not believed."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _name(about: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(about).encode()).hexdigest()
