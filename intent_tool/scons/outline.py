"""What the build graph must know of an intent before it is built: read in a fraction of a millisecond.

A null build reads every file this way and no other. Whoever builds the file reads it properly and refuses what
is wrong with it, so what is unclear here is left out."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

_KEY = re.compile(r"""^\ufeff?["']?(uses|targets|program)["']?[ \t]*:""", re.MULTILINE)


DEEPEST = 40
"""Nesting in the file from which on it is not worth reading: its builder refuses it."""


@dataclass(frozen=True, slots=True)
class Outline:
    program: str | None = None
    """The executable's name; None for a function."""
    targets: tuple[str, ...] | None = None
    uses: tuple[str, ...] = ()
    """Paths relative to the file's folder."""


def outline(text: str) -> Outline:
    """The keys `program`, `targets` and `uses` of an intent file's `text`."""
    if not _KEY.search(text):
        return Outline()
    values = _top_level(text)
    return Outline(
        program=values["program"][0] if values.get("program") else None,
        targets=tuple(values["targets"]) if "targets" in values else None,
        uses=tuple(values.get("uses", ())),
    )


def function_name(text: str) -> str | None:
    """The name in the signature of an intent file's `text`; None where there is none to be seen."""
    found = re.search(r"(\w+)\s*\(", " ".join(_top_level(text).get("signature", [])))
    return found[1] if found else None


def with_used(root: Path, intent: str) -> list[str]:
    """The intent and those that it uses, and these use, as far as they are there. Paths are relative to `root`."""
    found: list[str] = []
    waiting = [intent]
    while waiting:
        name = os.path.normpath(waiting.pop())
        path = os.path.join(root, name)
        if name not in found and os.path.isfile(path):
            found.append(name)
            used = outline(Path(path).read_text("utf-8", "replace")).uses
            waiting += [os.path.join(os.path.dirname(name), other) for other in used if "\0" not in other]
    return found


def _top_level(text: str) -> dict[str, list[str]]:
    """The scalars in each value of the document's mapping. From events, which take no recursion: the C library's
    composer overflows its stack on deep nesting, and takes Python along."""
    import yaml

    depth, key, values = 0, "", dict[str, list[str]]()
    with contextlib.suppress(yaml.YAMLError, ValueError):
        for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth == 1 and not isinstance(event, yaml.MappingStartEvent):
                    return {}
                if depth > DEEPEST:
                    break
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                key = "" if depth == 1 else key
            elif isinstance(event, yaml.ScalarEvent):
                if key:
                    values[key].append(event.value)
                    key = "" if depth == 1 else key
                elif depth == 1:
                    key = event.value
                    values[key] = []
    return values
