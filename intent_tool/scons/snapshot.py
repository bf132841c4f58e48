"""What a build left behind, so that the next one hands to SCons only what may have changed since.

SCons takes a millisecond for each intent that it is told of, and there may be thousands. A file whose stamp is that
of a finished build has the content that it had then; an intent of which all files are such is up to date, and SCons
need not hear of it. Everything else is for SCons to decide, by content. The snapshot can be removed at any time."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intent_tool.emit.files import write_whole

Stamp = tuple[int, int, int, int]
"""Inode, size in bytes, times of the last change of content and of anything, in ns since 1970."""

SETTLED_NS, SETTLED_COARSE_NS = 50_000_000, 2_500_000_000
"""How long ago a file's last change must be for its stamp to tell it from the next: a file system has ticks, of
10 ms at most on Linux, and of 2 s where its times are whole milliseconds or more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One intent for one target, which was built and up to date when the run ended."""

    inputs: dict[str, Stamp]
    """The intent and those that it uses, as they were before anything was read. Paths are relative to the root."""
    outputs: dict[str, Stamp]
    evidence: str
    stood_in: bool
    """Something else than the target's runner ran it."""


@dataclass(slots=True)
class Snapshot:
    root: Path
    path: Path
    keys: dict[str, str] = field(default_factory=dict)
    """What the binaries of each target depend on besides their intents."""
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    """By target and intent."""
    report: Stamp | None = None
    """Of the report that says all this, with every record as of an earlier run."""
    before: dict[tuple[str, str], dict[str, Stamp] | None] = field(default_factory=dict)
    """The inputs of what SCons has to look at, by target and intent."""
    known: dict[str, Stamp | None] = field(default_factory=dict)
    """Files that this run has looked at."""

    def is_unchanged(self, target: str, intent: str) -> bool:
        entry = self.entries.get(target, {}).get(intent)
        return entry is not None and all(self.stamp(path) == stamp for files in (entry.outputs, entry.inputs)
                                         for path, stamp in files.items())

    def stamp(self, path: str) -> Stamp | None:
        """As the file was when this run first looked at it; None where there is none."""
        if path not in self.known:
            self.known[path] = stamp_of(os.path.join(self.root, path))
        return self.known[path]

    def begin(self, target: str, intent: str, inputs: Iterable[str]) -> None:
        """SCons is about to look at an intent, which depends on the files `inputs`."""
        now = time.time_ns()
        stamps = {path: self.stamp(path) for path in inputs}
        settled = {path: stamp for path, stamp in stamps.items() if stamp is not None and _is_settled(stamp, now)}
        self.before[target, intent] = settled if len(settled) == len(stamps) else None

    def end(self, target: str, intent: str, outputs: Sequence[str], evidence: str, stood_in: bool) -> None:
        """It is up to date, and these are its outputs."""
        inputs = self.before.get((target, intent))
        stamps = {path: stamp for path in outputs if (stamp := stamp_of(os.path.join(self.root, path))) is not None}
        if inputs is not None and len(stamps) == len(set(outputs)):
            self.entries.setdefault(target, {})[intent] = Entry(inputs, stamps, evidence, stood_in)

    def retain(self, target: str, intents: set[str]) -> None:
        """Forget all of a target but these."""
        self.entries[target] = {name: e for name, e in self.entries.get(target, {}).items() if name in intents}

    def write(self) -> None:
        """Write the file, or remove it when nothing is up to date. Raises `OSError`."""
        if not any(self.entries.values()):
            self.path.unlink(missing_ok=True)
            return
        content = {"version": 1, "report": self.report, "keys": self.keys, "targets": {
            target: {intent: [e.inputs, e.outputs, e.evidence, e.stood_in] for intent, e in entries.items()}
            for target, entries in self.entries.items()}}
        write_whole(self.path, json.dumps(content, separators=(",", ":")))


def _is_settled(stamp: Stamp, now: int) -> bool:
    changed = max(stamp[2:])
    return changed < now - (SETTLED_NS if stamp[3] % 1_000_000 else SETTLED_COARSE_NS)


def stamp_of(path: str) -> Stamp | None:
    with contextlib.suppress(OSError, ValueError):
        found = os.stat(path)
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return None


def read_snapshot(root: Path, path: Path, keys: dict[str, str]) -> Snapshot:
    """The snapshot in `path`, as far as its targets have the same keys now; an empty one where there is none."""
    snapshot = Snapshot(root, path, dict(keys))
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        content = json.loads(path.read_bytes())
        if content["version"] == 1:
            snapshot.entries = {target: dict(_entries(entries)) for target, entries in content["targets"].items()
                                if keys.get(target, content["keys"][target]) == content["keys"][target]}
            snapshot.keys = {**keys, **{name: key for name, key in content["keys"].items() if name not in keys}}
            snapshot.report = content["report"] and tuple(content["report"])
    return snapshot


def _entries(content: dict[str, Any]) -> Iterator[tuple[str, Entry]]:
    for intent, (inputs, outputs, evidence, stood_in) in content.items():
        yield intent, Entry(_stamps(inputs), _stamps(outputs), evidence, stood_in)


def _stamps(content: dict[str, list[int]]) -> dict[str, Stamp]:
    return {path: (inode, size, changed, touched) for path, (inode, size, changed, touched) in content.items()}
